//! Certificate and key of the public listener out of their PEM files: read when settings are checked, so that a wrong one
//! is told before anything is opened, and read again by whoever listens. The one rule: nothing of the key's file is
//! repeated, and the PEM reader's own errors do that.

use std::path::Path;

use rustls::Error;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// Why a certificate and its key cannot be used. The text follows the name of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is the certificate's file.
    #[error("{0}")]
    Certificate(String),
    /// It is the key's file.
    #[error("{0}")]
    Key(String),
}

/// Reads a certificate chain, leaf first, and the key of the leaf.
pub fn read_certificate(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let of_certificate = |wrong: &str| CertificateError::Certificate(wrong.to_owned());
    let of_key = |wrong: &str| CertificateError::Key(wrong.to_owned());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|_repeats_the_file| of_certificate("is not a PEM file that can be read"))?;
    if chain.is_empty() {
        return Err(of_certificate("holds no certificate in PEM"));
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|_repeats_the_file| of_key("holds no private key in PEM that can be read"))?;
    CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(_) => of_key("is not the key of the certificate"),
        Error::InvalidCertificate(_) => of_certificate("holds something else than X.509"),
        _ => of_key("holds a private key of a kind that is not supported"),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    /// A certificate and its key, as PEM.
    fn made() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn read(certificate: &str, key: &str) -> Result<usize, CertificateError> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let outcome = read_certificate(&file("cert", certificate), &file("key", key));
        outcome.map(|read| read.cert.len())
    }

    #[test]
    fn a_chain_and_the_key_of_its_first_certificate_are_read() {
        let ((leaf, key), (above, _)) = (made(), made());
        assert_eq!(read(&leaf, &key), Ok(1));
        assert_eq!(read(&format!("{leaf}{above}"), &key), Ok(2));
        // Some keep both in one file.
        let both = format!("{key}{leaf}");
        assert_eq!(read(&both, &both), Ok(1));
    }

    #[test]
    fn the_file_at_fault_is_known_and_nothing_of_it_repeated() {
        let ((leaf, key), (above, other)) = (made(), made());
        let cut = &key[..key.len() / 2];
        for wrong in [
            read("", &key),
            read("canary", &key),
            read(&key, &key),
            read(&leaf[..leaf.len() / 2], &key),
            read("-----BEGIN canary", &key),
            read(
                "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n",
                &key,
            ),
        ] {
            let is_told = matches!(&wrong, Err(CertificateError::Certificate(wrong)) if !wrong.contains("canary"));
            assert!(is_told, "{wrong:?}");
        }
        for wrong in [
            read(&leaf, ""),
            read(&leaf, "canary"),
            read(&leaf, &leaf),
            read(&leaf, cut),
            read(&leaf, "-----BEGIN canary"),
            read(&leaf, &other),
            read(&format!("{above}{leaf}"), &key),
            read(
                &leaf,
                "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n",
            ),
        ] {
            let is_told =
                matches!(&wrong, Err(CertificateError::Key(wrong)) if !wrong.contains("canary"));
            assert!(is_told, "{wrong:?}");
        }
    }
}
