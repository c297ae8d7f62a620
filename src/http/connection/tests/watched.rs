//! The stream over a real socket.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Wake, Waker};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const PATIENCE: Patience = Patience {
    header: Duration::from_millis(300),
    body: Duration::from_millis(300),
    body_rate: 0,
    write: Duration::from_millis(300),
};

fn place() -> Place {
    let places = super::super::places::tests::places(100, 0, &[]);
    places.take([127, 0, 0, 1].into()).unwrap()
}

async fn pair() -> (TcpStream, Watched<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await;
    (
        client.unwrap(),
        Watched::new(listener.accept().await.unwrap().0, place(), PATIENCE),
    )
}

#[tokio::test]
async fn a_client_that_ends_its_side_is_done_sending_and_still_there() {
    let (mut client, mut watched) = pair().await;
    let peer = watched.peer();
    client.write_all(b"all").await.unwrap();
    assert!(!peer.is_done_sending());
    client.shutdown().await.unwrap();
    let mut text = String::new();
    watched.read_to_string(&mut text).await.unwrap();
    assert!(peer.is_done_sending() && !peer.is_gone());
    watched.write_all(b"an answer").await.unwrap();
    assert!(!peer.is_gone());
}

#[tokio::test]
async fn a_client_that_is_ignored_is_at_its_end_and_can_still_be_written_to() {
    let (mut client, mut watched) = pair().await;
    let peer = watched.peer();
    client.write_all(b"some").await.unwrap();
    peer.ignore();
    assert!(
        watched
            .read_to_end(&mut Vec::new())
            .await
            .is_ok_and(|read| read == 0)
    );
    watched.write_all(b"an answer").await.unwrap();
    assert!(!peer.is_gone() && !peer.is_done_sending());
}

#[tokio::test]
async fn a_client_that_resets_is_gone_whatever_it_sent_before() {
    let (mut client, mut watched) = pair().await;
    let peer = watched.peer();
    client.write_all(b"some").await.unwrap();
    client.set_zero_linger().unwrap();
    drop(client);
    assert!(watched.read_to_end(&mut Vec::new()).await.is_err());
    assert!(peer.is_gone());
    assert!(watched.read_to_end(&mut Vec::new()).await.is_ok());
    assert!(peer.is_gone(), "what ends after a reset is no half-close");
}

#[tokio::test]
async fn a_client_that_resets_later_is_gone_when_it_is_written_to() {
    let (mut client, mut watched) = pair().await;
    let peer = watched.peer();
    client.shutdown().await.unwrap();
    watched.read_to_end(&mut Vec::new()).await.unwrap();
    client.set_zero_linger().unwrap();
    drop(client);
    while watched.write_all(b"an answer").await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(peer.is_gone());
}

/// Actix would answer what is wrong with a part of a line itself, and drop the connection on its answer.
#[tokio::test]
async fn lines_are_handed_on_when_they_are_whole() {
    let (mut client, mut watched) = pair().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut came = [0; 256];
    for (sent, handed_on) in [
        (head, head),
        ("5\r\nfi", "5\r\nfi"),
        ("ves\r", "ves"),
        ("\n", "\r\n"),
        ("1;", ""),
        ("x\r\ny", "1;x\r\ny"),
        ("\r\n0\r\n\r", "\r\n0\r\n"),
        ("\n", "\r\n"),
    ] {
        client.write_all(sent.as_bytes()).await.unwrap();
        let soon = Duration::from_millis(if handed_on.is_empty() { 20 } else { 5_000 });
        let read = tokio::time::timeout(soon, watched.read(&mut came)).await;
        let read = read.map_or(0, Result::unwrap);
        assert_eq!(
            came[..read].escape_ascii().to_string(),
            handed_on.as_bytes().escape_ascii().to_string()
        );
    }
    watched.peer().answered();
    client.write_all(b"GET / HT").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(watched.read(&mut came).await.unwrap(), 0);
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// The dispatcher flushes at the end of each of its turns: woken by that, it would never rest.
#[tokio::test]
async fn a_part_of_a_line_wakes_nobody_until_there_is_more() {
    let (mut client, mut watched) = pair().await;
    let mut came = [0; 64];
    for (sent, handed_on) in [("GET / HTTP/1.1\r\nHo", 16), ("st: x\r\nA", 9)] {
        client.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(watched.read(&mut came).await.unwrap(), handed_on);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        for _ in 0..10 {
            let mut buffer = ReadBuf::new(&mut came);
            assert!(
                Pin::new(&mut watched)
                    .poll_read(&mut cx, &mut buffer)
                    .is_pending()
            );
            assert!(Pin::new(&mut watched).poll_flush(&mut cx).is_ready());
        }
        assert_eq!(woken.0.load(Relaxed), 0);
    }
}

#[tokio::test]
async fn what_is_longer_than_there_is_room_for_is_handed_on_in_parts() {
    let (mut client, mut watched) = pair().await;
    let head = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
        "b".repeat(20_000)
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut all, mut part) = (Vec::new(), [0; 100]);
    while !all.ends_with(b"\r\n\r\n") {
        let read = watched.read(&mut part).await.unwrap();
        assert!(read > 0);
        all.extend_from_slice(&part[..read]);
    }
    assert_eq!(all, head.as_bytes());
}

/// Closed with something unread, it would be reset, and the answer lost with many a client.
#[tokio::test]
async fn a_client_that_was_refused_is_read_from_until_it_has_the_answer() {
    let (mut client, mut watched) = pair().await;
    client.write_all(b"GET / HTTP/1.1\n").await.unwrap();
    assert_eq!(watched.read(&mut [0; 64]).await.unwrap(), 0);
    let mut closing = pin!(watched.shutdown());
    let pending = poll_fn(|cx| Poll::Ready(closing.as_mut().poll(cx).is_pending()));
    assert!(pending.await, "it was not waited for");
    client.write_all(b"Host: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    drop(client);
    closing.await.unwrap();
}

/// Actix answers what it finds wrong itself, and so does a handler that needs no body.
#[tokio::test]
async fn a_client_that_was_answered_amid_its_body_is_read_from_until_it_has_the_answer() {
    for (request, waits) in [
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nsome",
            true,
        ),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nsome",
            false,
        ),
    ] {
        let (mut client, mut watched) = pair().await;
        client.write_all(request.as_bytes()).await.unwrap();
        let mut came = vec![0; request.len()];
        watched.read_exact(&mut came).await.unwrap();
        watched.write_all(b"an answer").await.unwrap();
        let mut closing = pin!(watched.shutdown());
        let pending = poll_fn(|cx| Poll::Ready(closing.as_mut().poll(cx).is_pending())).await;
        assert_eq!(pending, waits, "{request}");
        if pending {
            client.write_all(b" more").await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "an answer");
            drop(client);
            closing.await.unwrap();
        }
    }
}

#[test]
fn a_body_below_the_least_rate_is_waited_for_half_as_long() {
    let patience = Patience {
        body: Duration::from_secs(10),
        body_rate: 100,
        ..PATIENCE
    };
    for (bytes, seconds) in [(0, 5), (500, 5), (700, 7), (1_000, 10), (u64::MAX, 10)] {
        assert_eq!(patience.for_body(bytes), Duration::from_secs(seconds));
    }
    let any_rate = Patience {
        body_rate: 0,
        ..patience
    };
    assert_eq!(any_rate.for_body(0), Duration::from_secs(10));
}

/// Refuses all that it is shown, at some length.
struct Closed(usize);

impl crate::http::connection::Turnstile for Closed {
    fn refuse(
        &self,
        request: &[u8],
        peer: &Peer,
        _address: Option<std::net::SocketAddr>,
    ) -> Option<Vec<u8>> {
        peer.answered();
        Some(request.repeat(self.0))
    }
}

async fn closed(length: usize, keep_alive: Duration) -> (TcpStream, Watched<TcpStream>) {
    let (client, watched) = pair().await;
    let early = Early::new(Some(std::rc::Rc::new(Closed(length))), None, keep_alive);
    (client, watched.refusing(early))
}

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

/// What Actix is handed next; as it asks for it, with room for more, and having written all that it had.
async fn handed_on(watched: &mut Watched<TcpStream>) -> io::Result<Vec<u8>> {
    let mut room = vec![0; 4096];
    poll_fn(|cx| {
        let mut buffer = ReadBuf::new(&mut room);
        let outcome = Pin::new(&mut *watched).poll_read(cx, &mut buffer);
        if outcome.is_pending() {
            let _ = Pin::new(&mut *watched).poll_flush(cx)?;
        }
        outcome.map_ok(|()| buffer.filled().to_vec())
    })
    .await
}

/// Has one request handed on and answered, as the first one always is.
async fn first(client: &mut TcpStream, watched: &mut Watched<TcpStream>) {
    client.write_all(REQUEST).await.unwrap();
    assert_eq!(handed_on(watched).await.unwrap(), REQUEST);
    watched.peer().answered();
}

#[tokio::test]
async fn what_is_refused_is_answered_whole_and_never_handed_on_however_slowly_its_answer_is_taken()
{
    let length = 100_000;
    let (mut client, mut watched) = closed(length, Duration::from_mins(1)).await;
    first(&mut client, &mut watched).await;
    let taking = async {
        // Two at once: the second waits for its turn, and is handed on as everything that does.
        client.write_all(&REQUEST.repeat(2)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut answer = vec![0; REQUEST.len() * length];
        client.read_exact(&mut answer).await.unwrap();
        assert!(answer == REQUEST.repeat(length));
    };
    let (handed_on, ()) = tokio::join!(handed_on(&mut watched), taking);
    assert_eq!(handed_on.unwrap(), REQUEST);
}

#[tokio::test]
async fn who_takes_nothing_of_a_refusal_is_given_up_in_time() {
    let (mut client, mut watched) = closed(100_000, Duration::from_mins(1)).await;
    first(&mut client, &mut watched).await;
    client.write_all(REQUEST).await.unwrap();
    let given_up = handed_on(&mut watched).await.unwrap_err();
    assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    assert!(watched.peer().is_gone());
}

#[tokio::test]
async fn a_refusal_that_nobody_takes_wakes_nobody_and_keeps_what_is_behind_it_waiting() {
    let (mut client, mut watched) = closed(100_000, Duration::from_mins(1)).await;
    first(&mut client, &mut watched).await;
    client.write_all(&REQUEST.repeat(2)).await.unwrap();
    let asked = handed_on(&mut watched);
    let asked = tokio::time::timeout(Duration::from_millis(50), asked).await;
    assert!(asked.is_err(), "the second has its turn before the first");
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    for _ in 0..10 {
        let mut room = [0; 64];
        let mut buffer = ReadBuf::new(&mut room);
        let read = Pin::new(&mut watched).poll_read(&mut cx, &mut buffer);
        assert!(read.is_pending());
        assert!(Pin::new(&mut watched).poll_flush(&mut cx).is_pending());
        let written = Pin::new(&mut watched).poll_write(&mut cx, b"of Actix");
        assert!(written.is_pending(), "it comes between");
        assert!(Pin::new(&mut watched).poll_shutdown(&mut cx).is_pending());
    }
    assert_eq!(woken.0.load(Relaxed), 0);
}

#[tokio::test]
async fn nothing_is_refused_while_an_answer_of_actix_is_on_its_way_or_after_one_amid_a_body() {
    let (mut client, mut watched) = closed(1, Duration::from_mins(1)).await;
    first(&mut client, &mut watched).await;
    // More than the kernel takes.
    let filled = poll_fn(|cx| {
        while Pin::new(&mut watched)
            .poll_write(cx, &[0; 8_192])
            .is_ready()
        {}
        Poll::Ready(())
    });
    filled.await;
    client.write_all(REQUEST).await.unwrap();
    let asked = watched.read_buf(&mut Vec::with_capacity(4096)).await;
    assert_eq!(asked.unwrap(), REQUEST.len());

    let (mut client, mut watched) = closed(1, Duration::from_mins(1)).await;
    first(&mut client, &mut watched).await;
    client
        .write_all(&REQUEST[..REQUEST.len() - 1])
        .await
        .unwrap();
    handed_on(&mut watched).await.unwrap();
    watched.peer().answered();
    client
        .write_all(&REQUEST[REQUEST.len() - 1..])
        .await
        .unwrap();
    assert_eq!(handed_on(&mut watched).await.unwrap(), b"}");
    client.write_all(REQUEST).await.unwrap();
    assert_eq!(handed_on(&mut watched).await.unwrap(), REQUEST);
}

#[tokio::test]
async fn only_what_came_whole_is_refused_and_actix_hears_from_a_connection_in_time() {
    let (mut client, mut watched) = closed(1, Duration::from_millis(200)).await;
    first(&mut client, &mut watched).await;
    // In two pieces.
    client.write_all(&REQUEST[..20]).await.unwrap();
    let mut read = vec![0; REQUEST.len()];
    let rest = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.write_all(&REQUEST[20..]).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(watched.read_exact(&mut read), rest);
    assert_eq!((outcome.unwrap(), &read[..]), (REQUEST.len(), REQUEST));
    watched.peer().answered();
    // When half of the time is over that an idle connection is kept for.
    tokio::time::sleep(Duration::from_millis(150)).await;
    first(&mut client, &mut watched).await;
    client.write_all(REQUEST).await.unwrap();
    let refused = handed_on(&mut watched);
    let refused = tokio::time::timeout(Duration::from_millis(20), refused).await;
    assert!(refused.is_err(), "it is not handed on");
    let mut answer = vec![0; REQUEST.len()];
    client.read_exact(&mut answer).await.unwrap();
}
