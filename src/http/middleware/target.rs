//! What a request says it is for: `Host`, and a target that names a host too. Nothing here is chosen by either, but a proxy
//! in front may choose by one and mean the other: what they do not agree on is refused (RFC 9112, 3.2).

use actix_web::dev::RequestHead;
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::http::uri::Scheme;
use actix_web::http::{Method, Uri};

use super::super::problem::Problem;
use super::super::problem::kinds::MALFORMED_REQUEST;

/// What is wrong with it, if something is. That there is one `Host` at most, and one in HTTP/1.1, was seen to before.
pub(super) fn refusal(head: &RequestHead) -> Option<Problem> {
    let host = head.headers.get(HOST).map(HeaderValue::as_bytes);
    if host.is_some_and(|host| !is_host(host)) {
        return Some(malformed("The Host header names no host."));
    }
    if head.uri.path().starts_with('/') && head.uri.authority().is_none() {
        return None;
    }
    let right = match head.method {
        Method::CONNECT => true,
        Method::OPTIONS if head.uri.path() == "*" => true,
        _ => agrees(&head.uri, host),
    };
    (!right).then(|| malformed("The target is no path, and no URL of the host in the Host header."))
}

fn malformed(detail: &'static str) -> Problem {
    // What comes behind it was meant for whoever reads it otherwise.
    Problem::new(&MALFORMED_REQUEST).detail(detail).closing()
}

/// A whole URL, of the same host.
fn agrees(uri: &Uri, host: Option<&[u8]>) -> bool {
    let scheme = uri.scheme();
    let http = scheme == Some(&Scheme::HTTP) || scheme == Some(&Scheme::HTTPS);
    let authority = uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let same = match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        (Some(authority), None) => is_host(authority),
        (None, _) => false,
    };
    http && same
}

/// A name or an address, with a port or without; nothing of it empty.
pub(super) fn is_host(text: &[u8]) -> bool {
    let (name, port) = if text.first() == Some(&b'[') {
        let Some(end) = text.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let address = &text[1..end];
        let address = address
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
        (if address { &text[1..end] } else { b"" }, &text[end + 1..])
    } else {
        let end = text.iter().position(|byte| *byte == b':');
        let (name, port) = text.split_at(end.unwrap_or(text.len()));
        let plain = name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(byte));
        (if plain { name } else { b"" }, port)
    };
    let numbered = match port {
        [] => true,
        [b':', digits @ ..] => {
            let text = str::from_utf8(digits).unwrap_or_default();
            digits.iter().all(u8::is_ascii_digit) && text.parse::<u16>().is_ok()
        }
        _ => false,
    };
    !name.is_empty() && numbered
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_a_port_or_without() {
        for host in [
            "shop",
            "shop.example",
            "shop_1",
            "SHOP:8080",
            "10.0.0.1",
            "10.0.0.1:65535",
            "[::1]",
            "[2001:db8::1]:443",
            "a%2fb",
            "shop.",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            " ",
            "a b",
            "shop/",
            "shop:",
            "shop:x",
            "shop:65536",
            "shop:80:80",
            "a@b",
            "[::1",
            "[]",
            "[::1]x",
            "[x]",
            ":80",
            "a?b",
            "a#b",
            "a\\b",
            "a\"b",
            "h\u{e4}",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn a_target_is_a_path_or_a_url_of_its_host() {
        let refused = |method: Method, target: &str, host: Option<&'static str>| {
            let mut request = TestRequest::default().method(method).uri(target);
            if let Some(host) = host {
                request = request.insert_header((HOST, host));
            }
            refusal(request.to_srv_request().head()).is_some()
        };
        for (target, host, expected) in [
            ("/", Some("shop"), false),
            ("//other/", Some("shop"), false),
            ("/", None, false),
            ("/", Some("a b"), true),
            ("http://shop/", Some("shop"), false),
            ("http://SHOP/x?y", Some("shop"), false),
            ("http://shop/", None, false),
            ("http://other/", Some("shop"), true),
            ("http://shop:80/", Some("shop"), true),
            ("http://a@shop/", Some("shop"), true),
            ("ftp://shop/", Some("shop"), true),
            ("shop:80", Some("shop:80"), true),
            ("*", Some("shop"), true),
        ] {
            assert_eq!(
                refused(Method::GET, target, host),
                expected,
                "{target} {host:?}"
            );
        }
        assert!(!refused(Method::OPTIONS, "*", Some("shop")));
        assert!(!refused(Method::CONNECT, "shop:80", Some("shop:80")));
    }
}
