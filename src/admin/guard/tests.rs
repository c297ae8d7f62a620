//! The table of the guard: what a request shows, with and without a token, and what comes of it.

use super::{Guard, Refusal, Visitor, is_ip_literal, without_port};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TOKEN: &str = "correct horse battery";

fn open() -> Guard {
    Guard::new(None, vec!["Admin.example".into()])
}

fn with_token() -> Guard {
    Guard::new(Some(TOKEN.into()), vec!["Admin.example".into()])
}

/// A reading request of a local `curl`.
fn visitor(peer: &str) -> Visitor<'static> {
    Visitor {
        peer: Some(peer.parse().unwrap()),
        host: Some("127.0.0.1:9464"),
        authorization: None,
        origin: None,
        changing: false,
    }
}

#[test]
fn without_a_token_only_loopback_peers_are_let_in() {
    let table = [
        ("127.0.0.1", Ok(())),
        ("127.8.8.8", Ok(())),
        ("::1", Ok(())),
        ("::ffff:127.0.0.1", Ok(())),
        ("10.0.0.1", Err(Refusal::Peer)),
        ("::ffff:10.0.0.1", Err(Refusal::Peer)),
        ("fe80::1", Err(Refusal::Peer)),
        ("0.0.0.0", Err(Refusal::Peer)),
    ];
    for (peer, expected) in table {
        assert_eq!(open().admit(&visitor(peer)), expected, "{peer}");
    }
    let unknown = Visitor {
        peer: None,
        ..visitor("::1")
    };
    assert_eq!(open().admit(&unknown), Err(Refusal::Peer));
}

#[test]
fn with_a_token_every_peer_must_show_it() {
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let table = [
        (format!("Bearer {TOKEN}"), Ok(())),
        (format!("bEARER  {TOKEN}"), Ok(())),
        (basic(&format!(":{TOKEN}")), Ok(())),
        (basic(&format!("admin:{TOKEN}")), Ok(())),
        (basic(TOKEN), Err(Refusal::Token)),
        (basic(&format!("{TOKEN}:admin")), Err(Refusal::Token)),
        (basic("admin:"), Err(Refusal::Token)),
        (format!("Bearer {TOKEN}x"), Err(Refusal::Token)),
        ("Bearer correct".into(), Err(Refusal::Token)),
        ("Bearer ".into(), Err(Refusal::Token)),
        ("Basic %%%".into(), Err(Refusal::Token)),
        (format!("Digest {TOKEN}"), Err(Refusal::Token)),
        (TOKEN.into(), Err(Refusal::Token)),
        (String::new(), Err(Refusal::Token)),
    ];
    for (authorization, expected) in &table {
        for peer in ["127.0.0.1", "10.0.0.1"] {
            let shown = Visitor {
                authorization: Some(authorization),
                ..visitor(peer)
            };
            assert_eq!(
                with_token().admit(&shown),
                *expected,
                "{authorization:?} from {peer}"
            );
        }
    }
    assert_eq!(with_token().admit(&visitor("::1")), Err(Refusal::Token));
}

#[test]
fn a_host_must_be_an_address_localhost_or_allowed() {
    let good = [
        "127.0.0.1",
        "10.1.2.3:9464",
        "[::1]:9464",
        "[::1]",
        "localhost",
        "LOCALHOST:1",
        "admin.example",
        "ADMIN.EXAMPLE:9464",
    ];
    let bad = [
        "evil.example",
        "localhost.evil.example",
        "admin.example.evil",
        "127.0.0.1.evil.example",
        "",
        ":9464",
        "[::1",
        "[evil]",
        "::1",
        "localhost:evil",
        "localhost:1:2",
        "a@localhost",
        "[::1]evil",
        "0x7f.1",
    ];
    for (hosts, expected) in [(&good[..], Ok(())), (&bad[..], Err(Refusal::Host))] {
        for host in hosts {
            let visitor = Visitor {
                host: Some(host),
                ..visitor("::1")
            };
            assert_eq!(open().admit(&visitor), expected, "{host}");
        }
    }
    let silent = Visitor {
        host: None,
        ..visitor("::1")
    };
    assert_eq!(open().admit(&silent), Err(Refusal::Host));
}

#[test]
fn a_changing_request_must_not_come_from_a_foreign_page() {
    let table = [
        ("http://127.0.0.1:9464", "127.0.0.1:9464", true),
        ("http://LOCALHOST", "localhost:80", true),
        ("https://admin.example", "admin.example", true),
        ("https://admin.example", "admin.example:443", true),
        ("http://127.0.0.1:8080", "127.0.0.1:9464", false),
        ("http://evil.example", "127.0.0.1:9464", false),
        ("http://localhost:9464", "127.0.0.1:9464", false),
        ("https://admin.example", "admin.example:80", false),
        ("ftp://127.0.0.1:9464", "127.0.0.1:9464", false),
        ("null", "127.0.0.1:9464", false),
        ("", "127.0.0.1:9464", false),
    ];
    for (origin, host, own) in table {
        let reading = Visitor {
            host: Some(host),
            origin: Some(origin),
            ..visitor("::1")
        };
        let changing = Visitor {
            changing: true,
            ..reading
        };
        assert_eq!(
            open().admit(&reading),
            Ok(()),
            "reading, {origin} at {host}"
        );
        let expected = if own { Ok(()) } else { Err(Refusal::Origin) };
        assert_eq!(
            open().admit(&changing),
            expected,
            "changing, {origin} at {host}"
        );
    }
    let curl = Visitor {
        changing: true,
        ..visitor("::1")
    };
    assert_eq!(open().admit(&curl), Ok(()));
}

#[test]
fn ports_and_addresses_are_told_apart() {
    assert_eq!(without_port("a:1"), Some("a"));
    assert_eq!(without_port("a:"), Some("a"));
    assert_eq!(without_port("[::1]:1"), Some("[::1]"));
    assert_eq!(without_port("a:b"), None);
    assert!(is_ip_literal("[::]") && is_ip_literal("1.2.3.4"));
    assert!(!is_ip_literal("1.2.3") && !is_ip_literal("[1.2.3.4]"));
}
