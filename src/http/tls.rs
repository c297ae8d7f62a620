//! TLS on the public listener, for those who have no proxy before it: rustls on ring, HTTP/1.1.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::sign::SingleCertAndKey;

use super::server::ServerError;
use crate::settings::{CertificateError, read_certificate};

/// Reads certificate chain and key (PEM). They were good when the settings were checked.
pub(super) fn config(certificate: &Path, key: &Path) -> Result<ServerConfig, ServerError> {
    let refused = |path: &Path, error: String| ServerError::Tls {
        path: path.to_owned(),
        error,
    };
    let pair = read_certificate(certificate, key).map_err(|error| match error {
        CertificateError::Certificate(wrong) => refused(certificate, wrong),
        CertificateError::Key(wrong) => refused(key, wrong),
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(certificate, error.to_string()))?;
    Ok(config
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair))))
}
