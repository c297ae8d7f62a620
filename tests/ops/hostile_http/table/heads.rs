//! Cases about heads, by their parts.

use super::Outcome::{Closed, Kept, Refused};
use super::{HOST, OK, Row, get};

pub(super) fn lines() -> Vec<Row> {
    let first = |name, first: &str, outcome| (name, get(first, HOST), outcome);
    vec![
        (
            "a bare LF after the request line",
            format!("{OK}\n{HOST}\r\n"),
            Refused(400),
        ),
        (
            "a bare LF after a field",
            format!("{OK}\r\nHost: x\n\r\n"),
            Refused(400),
        ),
        (
            "a bare LF at the end of the head",
            format!("{OK}\r\n{HOST}\n"),
            Refused(400),
        ),
        (
            "nothing but bare LFs",
            format!("{OK}\nHost: x\n\n"),
            Refused(400),
        ),
        (
            "a bare LF before the request line",
            format!("\n{OK}\r\n{HOST}\r\n"),
            Refused(400),
        ),
        (
            "an empty line before the request line",
            format!("\r\n{OK}\r\n{HOST}\r\n"),
            Kept(200),
        ),
        (
            "a bare CR in the request line",
            format!("GET /health/live\r HTTP/1.1\r\n{HOST}\r\n"),
            Refused(400),
        ),
        first(
            "two spaces before the target",
            "GET  /health/live HTTP/1.1",
            Refused(400),
        ),
        first(
            "two spaces before the version",
            "GET /health/live  HTTP/1.1",
            Refused(400),
        ),
        first(
            "a space before the method",
            " GET /health/live HTTP/1.1",
            Refused(400),
        ),
        first(
            "a space after the version",
            "GET /health/live HTTP/1.1 ",
            Refused(400),
        ),
        first(
            "tabs for spaces",
            "GET\t/health/live\tHTTP/1.1",
            Refused(400),
        ),
        first("no version", "GET /health/live", Refused(400)),
        first("version 1.2", "GET /health/live HTTP/1.2", Refused(400)),
        first("version 2.0", "PRI * HTTP/2.0", Refused(400)),
        first(
            "a version in small letters",
            "GET /health/live http/1.1",
            Refused(400),
        ),
        first(
            "a method that is none",
            "GE(T /health/live HTTP/1.1",
            Refused(400),
        ),
        first("an unknown method", "BREW /health/live HTTP/1.1", Kept(405)),
        first(
            "an unknown method nowhere",
            "BREW /nowhere HTTP/1.1",
            Kept(404),
        ),
        first(
            "a method in small letters",
            "get /health/live HTTP/1.1",
            Kept(405),
        ),
        first("TRACE", "TRACE /health/live HTTP/1.1", Kept(405)),
        (
            "a NUL in the method",
            get("G\0T /health/live HTTP/1.1", HOST),
            Refused(400),
        ),
    ]
}

pub(super) fn targets() -> Vec<Row> {
    let target =
        |name, target: &str, outcome| (name, get(&format!("GET {target} HTTP/1.1"), HOST), outcome);
    vec![
        target("a fragment", "/health/live#x", Refused(400)),
        target("a NUL in the target", "/health\0/live", Refused(400)),
        target(
            "a control character in the target",
            "/health\x07/live",
            Refused(400),
        ),
        target("a space in the target", "/health /live", Refused(400)),
        target(
            "a byte that is not ASCII in the target",
            "/h\x1alth",
            Refused(400),
        ),
        target("angle brackets in the target", "/<health>", Refused(400)),
        target("a backquote in the path", "/health`", Refused(400)),
        target("a quote in the query", "/health/live?a=\"", Refused(400)),
        target("braces and carets in the target", "/{x}^?{y}`^", Kept(404)),
        target(
            "a whole URL without a host",
            "http:///health/live",
            Refused(400),
        ),
        target("a whole URL", "http://x/health/live", Kept(200)),
        target(
            "a whole URL of another host",
            "http://y/health/live",
            Refused(400),
        ),
        target(
            "a whole URL of another port",
            "http://x:81/health/live",
            Refused(400),
        ),
        target(
            "a whole URL with a user",
            "http://u@x/health/live",
            Refused(400),
        ),
        target(
            "a whole URL of another scheme",
            "ftp://x/health/live",
            Refused(400),
        ),
        target("a host and a port", "x:80", Refused(400)),
        target("a relative path", "health/live", Refused(400)),
        target("an asterisk", "*", Refused(400)),
        target("two slashes", "//y/health/live", Kept(404)),
        (
            "OPTIONS for all",
            get("OPTIONS * HTTP/1.1", HOST),
            Kept(404),
        ),
        (
            "CONNECT",
            get("CONNECT x:80 HTTP/1.1", "Host: x:80\r\n"),
            Closed(404),
        ),
    ]
}

pub(super) fn hosts() -> Vec<Row> {
    let host = |name, field: &str, outcome| (name, get(OK, field), outcome);
    vec![
        host("no Host", "", Refused(400)),
        host("two Hosts", "Host: x\r\nHost: y\r\n", Refused(400)),
        host(
            "the same Host twice",
            "Host: x\r\nhost: x\r\n",
            Refused(400),
        ),
        host("an empty Host", "Host:\r\n", Refused(400)),
        host("a space in the Host", "Host: x y\r\n", Refused(400)),
        host("a path in the Host", "Host: x/y\r\n", Refused(400)),
        host("a user in the Host", "Host: u@x\r\n", Refused(400)),
        host("a list in the Host", "Host: x, y\r\n", Refused(400)),
        host(
            "a port that is none in the Host",
            "Host: x:99999\r\n",
            Refused(400),
        ),
        host(
            "a byte that is not ASCII in the Host",
            "Host: \x1a\r\n",
            Refused(400),
        ),
        (
            "no Host in HTTP/1.0",
            get("GET /health/live HTTP/1.0", ""),
            Closed(200),
        ),
    ]
}

pub(super) fn fields() -> Vec<Row> {
    let field =
        |name, field: &str, outcome| (name, get(OK, &format!("{HOST}{field}\r\n")), outcome);
    vec![
        field("a folded field", "A: b\r\n c", Refused(400)),
        field("a folded field, by a tab", "A: b\r\n\tc", Refused(400)),
        (
            "a space before the first field",
            get(OK, &format!(" A: b\r\n{HOST}")),
            Refused(400),
        ),
        field("a space before the colon", "A : b", Refused(400)),
        field("a field without a colon", "A b", Refused(400)),
        field("a field without a name", ": b", Refused(400)),
        field("a name that is none", "A(b): c", Refused(400)),
        field("a NUL in a name", "A\0: b", Refused(400)),
        field("a NUL in a value", "A: b\0c", Refused(400)),
        field("a form feed before a value", "A: \x0cb", Refused(400)),
        field("a control character in a value", "A: b\x07c", Refused(400)),
        field(
            "a bare CR in a value",
            "A: b\rContent-Length: 9",
            Refused(400),
        ),
        field(
            "ninety-seven fields",
            &vec!["A: b"; 96].join("\r\n"),
            Refused(431),
        ),
        field(
            "a field of 40 KB",
            &format!("A: {}", "b".repeat(40_000)),
            Refused(431),
        ),
        (
            "a target of 40 KB",
            get(&format!("GET /{} HTTP/1.1", "a".repeat(40_000)), HOST),
            Refused(431),
        ),
        field("a tab for a space", "A:\tb\t", Kept(200)),
        field(
            "an expectation that nobody knows",
            "Expect: wonders",
            Kept(200),
        ),
    ]
}
