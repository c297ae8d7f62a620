//! Cases about bodies: where they end, and what is none.

use super::super::CANARY;
use super::Outcome::{Closed, Kept, Refused, Swallowed};
use super::{HOST, OK, Row, get};

/// To a route that reads its body.
fn post(fields: &str, body: &str) -> String {
    format!(
        "POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{fields}\r\n\r\n{body}"
    )
}

/// To a route that answers 401 before it would.
fn unread(fields: &str, body: &str) -> String {
    format!("POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{body}")
}

pub(super) fn lengths() -> Vec<Row> {
    let length = |name, field: &str| (name, post(field, "{}"), Refused(400));
    vec![
        length(
            "a length and chunks",
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
        ),
        length(
            "chunks and a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 2",
        ),
        length(
            "the same length twice",
            "Content-Length: 2\r\nContent-Length: 2",
        ),
        length("two lengths", "Content-Length: 2\r\nContent-Length: 0"),
        length("a list of lengths", "Content-Length: 2, 2"),
        length("a length with a sign", "Content-Length: +2"),
        length("a negative length", "Content-Length: -2"),
        length("a length in hexadecimal", "Content-Length: 0x2"),
        length("a length in two words", "Content-Length: 2 2"),
        length("an empty length", "Content-Length:"),
        length(
            "a length beyond all numbers",
            "Content-Length: 18446744073709551618",
        ),
        length(
            "a length with a space before the colon",
            "Content-Length : 2",
        ),
        (
            "a body that is not waited for",
            format!("{OK}\r\n{HOST}Content-Length: 5\r\n\r\nhello"),
            Closed(200),
        ),
        (
            "a length that covers what comes behind",
            post(&format!("Content-Length: {}", 2 + CANARY.len()), "{}"),
            Swallowed(422),
        ),
    ]
}

pub(super) fn codings() -> Vec<Row> {
    let coding = |name, field: &str| (name, post(field, "0\r\n\r\n"), Refused(400));
    vec![
        coding("another coding", "Transfer-Encoding: identity"),
        coding("a coding before chunks", "Transfer-Encoding: gzip, chunked"),
        coding(
            "a coding after chunks",
            "Transfer-Encoding: chunked, identity",
        ),
        coding("chunks in chunks", "Transfer-Encoding: chunked, chunked"),
        coding(
            "chunks, said twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ),
        coding("a coding that ends alike", "Transfer-Encoding: xchunked"),
        coding(
            "a coding with a parameter",
            "Transfer-Encoding: chunked;q=1",
        ),
        coding(
            "a vertical tab before the coding",
            "Transfer-Encoding: \x0bchunked",
        ),
        coding(
            "a form feed before the coding",
            "Transfer-Encoding: \x0cchunked",
        ),
        coding("a coding in quotes", "Transfer-Encoding: \"chunked\""),
        coding("an empty coding", "Transfer-Encoding:"),
        coding(
            "a coding with a space before the colon",
            "Transfer-Encoding : chunked",
        ),
        coding(
            "a coding in a folded field",
            "Transfer-Encoding:\r\n chunked",
        ),
        (
            "chunks in HTTP/1.0",
            "POST /api/v1/accounts HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            Refused(400),
        ),
        (
            "a body in HTTP/1.0 that ends nowhere",
            "POST /api/v1/accounts HTTP/1.0\r\n\r\n{}".to_owned(),
            Refused(400),
        ),
        (
            "chunks in capitals",
            post("TRANSFER-ENCODING: CHUNKED", "2\r\n{}\r\n0\r\n\r\n"),
            Kept(422),
        ),
    ]
}

pub(super) fn chunks() -> Vec<Row> {
    let chunked = |name, body: &str| (name, post("Transfer-Encoding: chunked", body), Refused(400));
    vec![
        chunked("a bare LF after a size", "2\n{}\r\n0\r\n\r\n"),
        chunked("a bare LF after a chunk", "2\r\n{}\n0\r\n\r\n"),
        chunked(
            "a chunk that is longer than its size",
            "2\r\n{}}\r\n0\r\n\r\n",
        ),
        chunked("an empty size", "\r\n{}\r\n0\r\n\r\n"),
        chunked("a negative size", "-2\r\n{}\r\n0\r\n\r\n"),
        chunked("a size with a prefix", "0x2\r\n{}\r\n0\r\n\r\n"),
        chunked("a space after a size", "2 \r\n{}\r\n0\r\n\r\n"),
        chunked(
            "a size beyond all numbers",
            "10000000000000002\r\n{}\r\n0\r\n\r\n",
        ),
        chunked("a bare LF in an extension", "2;a\nb\r\n{}\r\n0\r\n\r\n"),
        chunked("a NUL in an extension", "2;a\0\r\n{}\r\n0\r\n\r\n"),
        chunked("a bell in an extension", "2;a\x07\r\n{}\r\n0\r\n\r\n"),
        chunked(
            "an extension of 300 bytes",
            &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(300)),
        ),
        chunked("a bare LF in the trailer", "2\r\n{}\r\n0\r\nA: b\n\r\n"),
        chunked("a bell in the trailer", "2\r\n{}\r\n0\r\nA: \x07\r\n\r\n"),
        chunked("a bare LF for the trailer", "2\r\n{}\r\n0\r\n\n"),
        chunked(
            "a trailer that is no field",
            "2\r\n{}\r\n0\r\nGET / HTTP/1.1\r\n\r\n",
        ),
        chunked(
            "a trailer of 20 KB",
            &format!("2\r\n{{}}\r\n0\r\n{}\r\n", "A: b\r\n".repeat(3_334)),
        ),
        (
            "an extension and a trailer",
            post(
                "Transfer-Encoding: chunked",
                "2;a=\"b\"\r\n{}\r\n0\r\nA: b\r\n\r\n",
            ),
            Kept(422),
        ),
        (
            "chunks that nobody reads",
            unread("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
            Kept(401),
        ),
        (
            "chunks that nobody reads, and that are none",
            unread("Transfer-Encoding: chunked", "5\r\nhelloX\r\n0\r\n\r\n"),
            Closed(401),
        ),
    ]
}

pub(super) fn others() -> Vec<Row> {
    vec![
        (
            "a change of protocols",
            get(
                OK,
                &format!("{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n"),
            ),
            Closed(200),
        ),
        (
            "a change to HTTP/2",
            get(
                OK,
                &format!("{HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            ),
            Closed(200),
        ),
        (
            "a greeting of SSH",
            "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
            Refused(400),
        ),
        (
            "a greeting of TLS",
            "\x16\x03\x01\x02\r\n\r\n".to_owned(),
            Refused(400),
        ),
        (
            "a greeting of a proxy",
            format!("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n{OK}\r\n{HOST}\r\n"),
            Refused(400),
        ),
    ]
}
