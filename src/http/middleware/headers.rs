//! Headers that stand on every response.

use actix_web::dev::ResponseHead;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

use crate::telemetry::{BLIND, RequestId};

/// The name of the request's id, in requests and responses.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For what is not a page: it needs nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// The same as text, for an error that a connection answers by itself.
pub(super) fn write(out: &mut Vec<u8>, request_id: &RequestId, authenticated: bool) {
    let mut line = |name: &str, value: &str| {
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    };
    line("x-request-id", request_id.as_str());
    line("x-content-type-options", "nosniff");
    line("referrer-policy", "no-referrer");
    if authenticated {
        line("cache-control", "no-store");
    }
    line("content-security-policy", POLICY);
}

pub(super) fn add(head: &mut ResponseHead, request_id: &RequestId, authenticated: bool) {
    let headers = head.headers_mut();
    // The characters of a request id are a subset of a header's.
    if !BLIND && let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if authenticated && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if headers.contains_key(CONTENT_TYPE) && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
}
