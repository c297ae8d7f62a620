//! Clients that take their time: with the first head, with a later one, with a body that is read or that nobody reads, and
//! with what they are sent. Each is closed in time, and who is beside them does not notice.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::app::{create_operator, raise_descriptors};
use crate::support::client::{Account, Client, PASSWORD};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::metrics::Metrics;
use crate::support::process::{Process, Program};
use crate::support::tls::Certificate;

/// What is promised of each of them.
const PROMISED: Duration = Duration::from_secs(15);

/// Between two bytes of one who takes his time.
const PAUSE: Duration = Duration::from_millis(300);

/// Of each kind.
const CROWD: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    FirstHead,
    SecondHead,
    Body,
    UnreadBody,
    Reader,
}

use Kind::{Body, FirstHead, Reader, SecondHead, UnreadBody};

const KINDS: [Kind; 5] = [FirstHead, SecondHead, Body, UnreadBody, Reader];

impl Kind {
    /// What is sent at once, and what byte by byte.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            FirstHead => ("GET /health/live HTTP/1.1\r\nHost: x\r\n", "X-Slow: a"),
            SecondHead => (
                "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n",
                "X-Slow: a",
            ),
            Body => (
                "POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
                "{\"email\": \"",
            ),
            UnreadBody => (
                "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n",
                "",
            ),
            Reader => (
                "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n",
                "",
            ),
        }
    }

    /// The statuses that it sees before the end; of what a slow reader has been sent, it sees the beginning.
    fn answers(self) -> &'static [u16] {
        match self {
            FirstHead | Body => &[408],
            SecondHead => &[200, 408],
            UnreadBody => &[401],
            Reader => &[],
        }
    }

    fn reason(self) -> &'static str {
        match self {
            FirstHead | SecondHead => "header_timeout",
            Body | UnreadBody => "body_timeout",
            Reader => "write_timeout",
        }
    }
}

/// The service with limits that are a fifth of what they are by default, so that the test is as much shorter.
async fn serve(database: &TestDatabase, more: &[(&str, &str)]) -> Process {
    let mut program = Program::on(database)
        .env("GLASSHOUSE_SERVER__HEADER_TIMEOUT", "1s")
        .env("GLASSHOUSE_SERVER__BODY_TIMEOUT", "2s")
        .env("GLASSHOUSE_SERVER__WRITE_TIMEOUT", "2s");
    for (name, value) in more {
        program = program.env(name, value);
    }
    program.serve().await
}

/// One of them: what it was answered, and how long it was there.
async fn be_slow(kind: Kind, to: SocketAddr) -> (Vec<u16>, Duration) {
    let socket = TcpSocket::new_v4().expect("a socket");
    if kind == Reader {
        socket.set_recv_buffer_size(4 * 1024).expect("a socket");
    }
    let since = Instant::now();
    let mut stream = socket.connect(to).await.expect("it listens");
    let (begin, rest) = kind.words();
    stream
        .write_all(begin.as_bytes())
        .await
        .expect("it is open");
    let mut back = Vec::new();
    let ended = if kind == Reader {
        read_slowly(&mut stream).await
    } else {
        write_slowly(&mut stream, rest.bytes().cycle(), &mut back).await
    };
    assert!(
        ended,
        "{kind:?} was still there after {:?}",
        since.elapsed()
    );
    let text = String::from_utf8_lossy(&back).into_owned();
    let starts = text.match_indices("HTTP/1.1 ");
    let statuses =
        starts.filter_map(|(at, start)| text.get(at + start.len()..)?.get(..3)?.parse().ok());
    (statuses.collect(), since.elapsed())
}

/// Sends a byte now and then, or nothing, until the other side has ended it. Whether it has.
async fn write_slowly(
    stream: &mut TcpStream,
    mut bytes: impl Iterator<Item = u8>,
    back: &mut Vec<u8>,
) -> bool {
    let end = Instant::now() + PROMISED * 2;
    while Instant::now() < end {
        match tokio::time::timeout(PAUSE, stream.read_buf(back)).await {
            Ok(Ok(length)) if length > 0 => {}
            Ok(_ended) => return true,
            Err(_nothing) => {
                if let Some(byte) = bytes.next() {
                    // Who has closed it will say so when it is read from.
                    let _sent = stream.write_all(&[byte]).await;
                }
            }
        }
    }
    false
}

/// Takes a byte now and then. Whether what it had asked for ended before its end.
async fn read_slowly(stream: &mut TcpStream) -> bool {
    let end = Instant::now() + PROMISED * 2;
    let mut byte = [0];
    while Instant::now() < end {
        tokio::time::sleep(PAUSE).await;
        // What the kernel took in before a reset can still be read after it; the socket knows of it at once.
        let reset = stream.take_error().expect("a socket").is_some();
        if reset || stream.read(&mut byte).await.is_err() {
            return true;
        }
    }
    false
}

/// Asks and orders as others do, one after the other, until it is told to stop; the longest it waited, and how often.
async fn be_good(
    client: &Client,
    (buyer, product): &(Account, String),
    stop: &Cell<bool>,
) -> (Duration, u32) {
    let (mut longest, mut count) = (Duration::ZERO, 0);
    while !stop.get() {
        let asked = Instant::now();
        client.get("/api/v1/products").send().await.expect(200);
        client.place_order(buyer, product, 1).await.expect(201);
        longest = longest.max(asked.elapsed());
        count += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (longest, count)
}

fn closed(metrics: &Metrics, reason: &str) -> f64 {
    metrics.value("http_connections_closed_total", &[("reason", reason)])
}

#[actix_web::test]
async fn a_thousand_slow_clients_are_each_closed_in_time_and_a_good_one_beside_them_is_unharmed() {
    raise_descriptors();
    let database = TestDatabase::migrated(Backend::Sqlite);
    // With the gate as it is by default.
    let process = serve(&database, &[("GLASSHOUSE_SERVER__MIN_IN_FLIGHT", "16")]).await;
    let (public, admin) = (process.public(), process.admin());
    create_operator(&database, "operator@example.com", PASSWORD);
    let operator = public.login("operator@example.com").await;
    let product = public.create_product(&operator, "LAMP-1", 100_000).await;
    let errand = (operator, product);
    let (stop, longest) = (Rc::new(Cell::new(false)), Rc::new(RefCell::default()));
    let good = async {
        *longest.borrow_mut() = be_good(&public, &errand, &stop).await;
    };
    let crowd = async {
        let all = KINDS
            .iter()
            .flat_map(|kind| std::iter::repeat_n(*kind, CROWD));
        let ends = join_all(all.map(async |kind| (kind, be_slow(kind, public.address()).await)));
        let ends = ends.await;
        for kind in KINDS {
            let of_kind = ends.iter().filter(|(of, _)| *of == kind);
            let lasted: Vec<_> = of_kind.clone().map(|(_, (_, lasted))| *lasted).collect();
            println!(
                "{kind:?}: {} closed after {:?} to {:?}",
                lasted.len(),
                lasted.iter().min().unwrap(),
                lasted.iter().max().unwrap()
            );
            for (_, (statuses, lasted)) in of_kind {
                assert_eq!(statuses, kind.answers(), "{kind:?}");
                assert!(*lasted < PROMISED, "{kind:?} was there for {lasted:?}");
            }
        }
        stop.set(true);
    };
    tokio::join!(good, crowd);
    let (longest, count): (Duration, u32) = *longest.borrow();
    println!("the good client asked {count} times and waited {longest:?} at most");
    assert!(count > 20 && longest < Duration::from_secs(5));
    eventually("all to be gone", PROMISED, async || {
        let open = admin.metrics().await.value("http_connections_open", &[]);
        (open < 1.5).then_some(()).ok_or(open)
    })
    .await;
    let metrics = admin.metrics().await;
    let of_a_kind = f64::from(u32::try_from(CROWD).unwrap());
    for kind in KINDS {
        let alike = KINDS.iter().filter(|other| other.reason() == kind.reason());
        let expected = of_a_kind * f64::from(u32::try_from(alike.count()).unwrap());
        let counted = closed(&metrics, kind.reason());
        assert!((counted - expected).abs() < 0.1, "{kind:?}: {counted}");
    }
}

#[actix_web::test]
async fn slow_clients_over_tls_are_closed_in_time() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let certificate = Arc::new(Certificate::in_folder(database.folder(), "shop"));
    let paths = [
        ("GLASSHOUSE_SERVER__TLS__CERT", certificate.cert()),
        ("GLASSHOUSE_SERVER__TLS__KEY", certificate.key()),
    ];
    let paths = paths.each_ref().map(|(name, path)| (*name, path.as_str()));
    let process = serve(&database, &paths).await;
    let door = certificate.door(process.public().address()).await;
    let kinds = [FirstHead, SecondHead, Body, UnreadBody];
    let ends = join_all(kinds.map(async |kind| (kind, be_slow(kind, door).await))).await;
    for (kind, (statuses, lasted)) in ends {
        assert_eq!(statuses, kind.answers(), "{kind:?}");
        assert!(lasted < PROMISED, "{kind:?} was there for {lasted:?}");
    }
    // One that says nothing at all, not even hello.
    let mut silent = TcpStream::connect(process.public().address())
        .await
        .expect("it listens");
    assert!(write_slowly(&mut silent, std::iter::empty(), &mut Vec::new()).await);
    let metrics = process.admin().metrics().await;
    for (reason, expected) in [
        ("header_timeout", 2.0),
        ("body_timeout", 2.0),
        ("handshake", 1.0),
    ] {
        let counted = closed(&metrics, reason);
        assert!((counted - expected).abs() < 0.1, "{reason}: {counted}");
    }
}

/// What fits into the buffers of the kernel leaves nothing for the service to wait with: it is the kernel that gives up.
#[actix_web::test]
async fn an_answer_that_is_not_taken_is_given_up_by_the_kernel_too() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let process = serve(&database, &[]).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(1024).expect("a socket");
    let mut stream = socket
        .connect(process.public().address())
        .await
        .expect("it listens");
    // Less than the kernel takes from the service at once, more than it takes for the client.
    let ask = "GET /problems/forbidden HTTP/1.1\r\nHost: x\r\n\r\n".repeat(8);
    stream.write_all(ask.as_bytes()).await.expect("it is open");
    let admin = process.admin();
    eventually("the connection to be given up", PROMISED, async || {
        let metrics = admin.metrics().await;
        let open = metrics.value("http_connections_open", &[]);
        let closed = closed(&metrics, "write_timeout");
        (open < 0.5 && closed > 0.5)
            .then_some(())
            .ok_or((open, closed))
    })
    .await;
}

/// The limits that are set when nobody sets any.
#[test]
fn by_default_every_limit_is_within_what_is_promised() {
    let server = glasshouse::settings::Settings::default().server;
    let lingering = Duration::from_secs(1);
    for limit in [
        server.header_timeout,
        server.body_timeout,
        server.write_timeout,
    ] {
        assert!(limit + lingering < PROMISED, "{limit:?}");
    }
}
