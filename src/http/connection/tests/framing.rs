//! The same in one piece, byte by byte, and against Actix' own idea of it.

use actix_http::h1::{Codec, Message, MessageType};
use actix_web::web::BytesMut;
use proptest::prelude::*;
use tokio_util::codec::Decoder as _;

use super::*;

/// What was read: how many heads, what may be handed on, the fault.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    heads: u32,
    good: usize,
    fault: Option<Fault>,
    phase: Phase,
}

/// In pieces of that size.
fn read_in(bytes: &[u8], size: usize) -> Whole {
    let mut framing = Framing::default();
    let (mut heads, mut good, mut fault) = (0, 0, None);
    let mut come = 0;
    while come < bytes.len() && fault.is_none() {
        come = bytes.len().min(come + size.max(1));
        // To the end of one request, and of the next.
        loop {
            let taken = framing.take(&bytes[good..come]);
            heads += u32::from(taken.head);
            good += taken.good;
            fault = taken.fault;
            if taken.good == 0 || fault.is_some() {
                break;
            }
        }
    }
    Whole {
        heads,
        good,
        fault,
        phase: framing.phase(),
    }
}

/// Everything at once, and then byte by byte: the outcome is the same, but for what was handed on before a fault.
fn read(bytes: &[u8]) -> Whole {
    let whole = read_in(bytes, bytes.len());
    let pieces = read_in(bytes, 1);
    let good = whole.good;
    assert_eq!(Whole { good, ..pieces }, whole, "{}", bytes.escape_ascii());
    whole
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n{body}")
}

#[test]
fn requests_end_where_they_say() {
    // Behind the bar is a part of a line, which is not handed on yet.
    for (text, heads, phase) in [
        (String::new(), 0, Phase::Head),
        ("|GET / HT".to_owned(), 0, Phase::Head),
        ("GET / HTTP/1.1\r\n|Host: x\r".to_owned(), 0, Phase::Head),
        (GET.to_owned(), 1, Phase::Between),
        (GET.repeat(3), 3, Phase::Between),
        (format!("\r\n{GET}"), 1, Phase::Between),
        (format!("{GET}\r\n"), 1, Phase::Head),
        (post("Content-Length: 5", "four"), 1, Phase::Body),
        (post("content-length:5 ", "fives"), 1, Phase::Between),
        (post("Content-Length: 0", GET), 2, Phase::Between),
        (post("Content-Length: 5", "fives|GET"), 1, Phase::Head),
        (
            post("Transfer-Encoding: chunked", "5\r\nfives\r\n0\r\n"),
            1,
            Phase::Body,
        ),
        (
            post(
                "Transfer-Encoding: Chunked",
                &format!("A;x=y\r\n0123456789\r\n0\r\n\r\n{GET}"),
            ),
            2,
            Phase::Between,
        ),
        (
            post("Transfer-Encoding: chunked", "0\r\nA: b\r\nC:\r\n\r\n"),
            1,
            Phase::Between,
        ),
        (
            format!("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n{GET}"),
            1,
            Phase::Body,
        ),
        (
            post("Transfer-Encoding: chunked", "5\r\nfives|\r"),
            1,
            Phase::Body,
        ),
        (post("Upgrade: websocket", GET), 1, Phase::Body),
        (post("Upgrade: h2c", GET), 2, Phase::Between),
    ] {
        let good = text.find('|').unwrap_or(text.len());
        let text = text.replace('|', "");
        let expected = Whole {
            heads,
            good,
            fault: None,
            phase,
        };
        assert_eq!(read(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn what_others_could_read_otherwise_is_a_fault_and_not_handed_on() {
    for (text, fault) in [
        ("GET / HTTP/1.1\nHost: x\r\n\r\n".to_owned(), Fault::Head),
        ("GET / HTTP/1.1\r\nHost: x\n\r\n".to_owned(), Fault::Head),
        ("GET / HTTP/1.1\r\nHost: x\r\n\n".to_owned(), Fault::Head),
        ("GET /#x HTTP/1.1\r\n".to_owned(), Fault::Head),
        ("GET x HTTP/1.1\r\n".to_owned(), Fault::Head),
        ("GET x:80 HTTP/1.1\r\n".to_owned(), Fault::Head),
        (post("A: b\rc", ""), Fault::Head),
        (post("A: b\0c", ""), Fault::Head),
        (post("A : b", ""), Fault::Head),
        (post("A: b\r\n c", ""), Fault::Head),
        (post("no colon", ""), Fault::Head),
        (post(": nameless", ""), Fault::Head),
        (
            post("Content-Length: 1\r\nContent-Length: 1", ""),
            Fault::Head,
        ),
        (post("Content-Length: 1, 1", ""), Fault::Head),
        (post("Content-Length: +1", ""), Fault::Head),
        (post("Content-Length: ", ""), Fault::Head),
        (
            post("Content-Length: 18446744073709551616", ""),
            Fault::Head,
        ),
        (post("Transfer-Encoding: gzip, chunked", ""), Fault::Head),
        (post("Transfer-Encoding: identity", ""), Fault::Head),
        (
            post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                "",
            ),
            Fault::Head,
        ),
        (
            post("Content-Length: 1\r\nTransfer-Encoding: chunked", ""),
            Fault::Head,
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            Fault::Head,
        ),
        (post(&"A: b\r\n".repeat(97), ""), Fault::HeadTooLarge),
        (
            post(&format!("A: {}", "b".repeat(LONGEST_HEAD)), ""),
            Fault::HeadTooLarge,
        ),
        ("\r\n".repeat(LONGEST_HEAD), Fault::HeadTooLarge),
    ] {
        let whole = format!("{GET}{text}");
        let taken = read(whole.as_bytes());
        assert_eq!(
            (taken.fault, taken.good),
            (Some(fault), GET.len()),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_no_chunk_is_a_fault() {
    for body in [
        "\r\n",
        "x\r\n",
        "5 \r\nfives\r\n",
        "5\nfives\r\n",
        "-5\r\n",
        "0x5\r\n",
        "5\r\nfivesX\r\n",
        // And none of them is waited for to become one.
        "5\r\nfivesX",
        "5\r\nfivesXX",
        "x",
        "-1",
        "5 ",
        ";",
        "5x",
        "5\r\nfives\n",
        "10000000000000000\r\n",
        "5;\n\r\n",
        "5;\0\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\nno field\r\n\r\n",
        "0\r\n\n",
    ] {
        let text = post("Transfer-Encoding: chunked", body);
        assert_eq!(read(text.as_bytes()).fault, Some(Fault::Body), "{body:?}");
    }
    let long = post(
        "Transfer-Encoding: chunked",
        &format!("5;{}\r\n", "x".repeat(300)),
    );
    assert_eq!(read(long.as_bytes()).fault, Some(Fault::Body));
    let trailer = "A: b\r\n".repeat(2_000);
    let long = post("Transfer-Encoding: chunked", &format!("0\r\n{trailer}"));
    assert_eq!(read(long.as_bytes()).fault, Some(Fault::Body));
}

#[test]
fn what_comes_behind_a_request_is_left_for_later() {
    let mut framing = Framing::default();
    let whole = format!("{GET}{GET}");
    let taken = framing.take(whole.as_bytes());
    assert_eq!((taken.good, taken.head), (GET.len(), true));
}

#[test]
fn what_has_come_of_a_phase_is_counted() {
    let mut framing = Framing::default();
    let turn = framing.turn();
    framing.take(post("Content-Length: 9", "1234").as_bytes());
    assert_ne!(framing.turn(), turn);
    let turn = framing.turn();
    assert_eq!(framing.bytes(), 4);
    framing.take(b"567");
    assert_eq!((framing.bytes(), framing.turn()), (7, turn));
}

/// Hands on to Actix' parser what may be handed on of what comes in pieces, and fails unless that finds nothing wrong with
/// it, and sees the same heads and the same ends of bodies.
fn agree_on(bytes: &[u8], size: usize) {
    let (mut framing, mut codec, mut buffer) =
        (Framing::default(), Codec::default(), BytesMut::new());
    let (mut good, mut come, mut ours, mut theirs) = (0, 0, 0, 0);
    let text = bytes.escape_ascii();
    while come < bytes.len() {
        come = bytes.len().min(come + size);
        loop {
            let taken = framing.take(&bytes[good..come]);
            ours += u32::from(taken.head);
            buffer.extend_from_slice(&bytes[good..][..taken.good]);
            good += taken.good;
            loop {
                match codec.decode(&mut buffer) {
                    Ok(Some(Message::Item(_))) => theirs += 1,
                    Ok(Some(Message::Chunk(_))) => {}
                    Ok(None) => break,
                    Err(error) => panic!("{error} in {text}"),
                }
            }
            if taken.fault.is_some() {
                return;
            }
            assert_eq!(ours, theirs, "heads of {text}");
            let in_body = !matches!(codec.message_type(), MessageType::None);
            assert_eq!(in_body, framing.phase() == Phase::Body, "{text}");
            assert!(
                framing.phase() != Phase::Between || buffer.is_empty(),
                "{text}"
            );
            if taken.good == 0 {
                break;
            }
        }
    }
}

/// A request that may be right, or nearly.
fn request() -> impl Strategy<Value = String> {
    const FIRST: &[&str] = &[
        "GET / HTTP/1.1",
        "POST /a?b HTTP/1.1",
        "HEAD * HTTP/1.1",
        "CONNECT x:1 HTTP/1.1",
        "POST / HTTP/1.0",
        "GET http://x/ HTTP/1.1",
    ];
    const FIELDS: &[&str] = &[
        "A: b",
        "content-length:3 ",
        "Content-Length: 0",
        "Content-Length: +3",
        "Content-Length: 03",
        "Transfer-Encoding: chunked",
        "transfer-encoding:\tChunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Upgrade: websocket",
        "Upgrade: h2c",
        "Connection: upgrade",
        "Connection: close",
        "Expect: 100-continue",
        "Content-Length : 3",
        "Host: y",
    ];
    const BODIES: &[&str] = &[
        "",
        "abc",
        "abcd",
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
        "03\r\nabc\r\n00\r\n\r\n",
        "3;\x01\r\nabc\r\n0\r\n\r\n",
        "3;a=\"\t\u{e9}\"\r\nabc\r\n0\r\nA: \x7f\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nab",
        "\r\n",
    ];
    let fields = proptest::collection::vec(proptest::sample::select(FIELDS), 0..3);
    let select = proptest::sample::select::<&str>;
    (select(FIRST), fields, select(BODIES)).prop_map(|(first, fields, body)| {
        let fields: String = fields.iter().flat_map(|field| [*field, "\r\n"]).collect();
        format!("{first}\r\nHost: x\r\n{fields}\r\n{body}")
    })
}

proptest! {
    /// A proxy in front is not the only one who must not see another end.
    #[test]
    fn requests_end_where_actix_sees_them_end(
        requests in proptest::collection::vec(request(), 1..4), size in 1_usize..300,
    ) {
        // The parser has a clock for the responses of its other half, which wants to be spawned somewhere.
        let local = tokio::task::LocalSet::new();
        let _entered = local.enter();
        agree_on(requests.concat().as_bytes(), size);
    }

    /// Nothing makes it panic, and pieces make no difference.
    #[test]
    fn anything_at_all(bytes in proptest::collection::vec(
        prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'0'), Just(b'5'), any::<u8>()], 0..200,
    ), chunked in any::<bool>()) {
        let mut whole = if chunked {
            post("Transfer-Encoding: chunked", "").into_bytes()
        } else {
            Vec::new()
        };
        whole.extend_from_slice(&bytes);
        let taken = read(&whole);
        prop_assert!(taken.good <= whole.len());
        // What is left over is no longer than a line may be.
        let left = memchr::memchr(b'\n', &whole[taken.good..]);
        prop_assert!(taken.fault.is_some() || left.is_none());
    }
}
