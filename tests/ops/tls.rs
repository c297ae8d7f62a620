//! The public listener with TLS of its own: the same answers, counted and logged in the same way, and nothing without TLS.

use std::sync::Arc;
use std::time::Duration;

use crate::support::client::Client;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::metrics::Metrics;
use crate::support::on_both;
use crate::support::process::{Process, Program};
use crate::support::raw::Raw;
use crate::support::tls::Certificate;

const SOON: Duration = Duration::from_secs(10);

/// The program with a certificate of its own, which signs itself.
async fn serve(database: &TestDatabase) -> (Process, Arc<Certificate>) {
    let certificate = Certificate::in_folder(database.folder(), "shop");
    let process = Program::on(database)
        .env("GLASSHOUSE_SERVER__TLS__CERT", &certificate.cert())
        .env("GLASSHOUSE_SERVER__TLS__KEY", &certificate.key())
        .serve()
        .await;
    (process, Arc::new(certificate))
}

fn counted(metrics: &Metrics, method: &str, path: &str, status: &str) -> u64 {
    let labels = [("method", method), ("path", path), ("status", status)];
    let value = metrics.value("http_requests_total", &labels);
    format!("{value}").parse().expect("a whole number")
}

/// Waits until so many connections are open.
async fn open(admin: &Client, expected: f64) {
    eventually("connections to come and go", SOON, async || {
        let open = admin.metrics().await.value("http_connections_open", &[]);
        ((open - expected).abs() < 0.1).then_some(()).ok_or(open)
    })
    .await;
}

on_both!(requests_over_tls_are_answered_counted_and_logged);
async fn requests_over_tls_are_answered_counted_and_logged(database: Arc<TestDatabase>) {
    let (mut process, certificate) = serve(&database).await;
    let admin = process.admin();
    let client = Client::new(certificate.door(process.public().address()).await);
    let started = process.logged("service started").await;
    for field in ["server.reference", "server.probes"] {
        let place = started[field].as_str().expect("a place");
        assert!(place.starts_with("https://127.0.0.1:"), "{place}");
    }

    client.get("/health/ready").send().await.expect(200);
    let account = client.register("ada@example.com").await;
    let asked = client.get("/api/v1/orders").token(&account);
    let asked = asked.header("x-request-id", "over-tls");
    let answer = asked.send().await.expect(200);
    assert_eq!(answer.header("x-request-id"), Some("over-tls"));
    // As large an answer as there is, over many records of TLS.
    let large = client.get("/docs/swagger-ui-bundle.js").send().await;
    assert!(large.expect(200).body.len() > 100_000);

    let metrics = admin.metrics().await;
    assert_eq!(counted(&metrics, "POST", "/api/v1/accounts", "201"), 1);
    assert_eq!(counted(&metrics, "GET", "/api/v1/orders", "200"), 1);
    let line = eventually("the access line", SOON, async || {
        let log = process.log().into_iter();
        let mut lines = log.filter(|line| line["message"] == "request completed");
        lines.find(|line| line["request_id"] == "over-tls")
    })
    .await;
    assert_eq!(line["http.route"], "/api/v1/orders");
    assert_eq!(line["client.address"], "127.0.0.1");
    assert_eq!(line["bytes_out"], answer.body.len());

    open(&admin, 1.0).await;
    drop(client);
    open(&admin, 0.0).await;
    process.signal("TERM");
    let finished = process.wait_exit(SOON).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[actix_web::test]
async fn a_client_that_goes_away_over_tls_is_counted_as_that() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let (process, certificate) = serve(&database).await;
    let admin = process.admin();
    let door = certificate.door(process.public().address()).await;
    let mut raw = Raw::connect(door).await;
    let head = "POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    raw.send(format!("{head}Content-Length: 90\r\n\r\n{{\"email\""))
        .await;
    eventually("the request to be in flight", SOON, async || {
        admin.metrics().await.value("http_requests_in_flight", &[]) > 0.5
    })
    .await;
    raw.reset();
    eventually("it to be counted", SOON, async || {
        let metrics = admin.metrics().await;
        counted(&metrics, "POST", "/api/v1/accounts", "499") == 1
    })
    .await;
    open(&admin, 0.0).await;
    let metrics = admin.metrics().await;
    assert!(metrics.value("http_requests_in_flight", &[]) < 0.5);
}

#[actix_web::test]
async fn what_is_no_tls_gets_no_answer_and_harms_nobody() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let (process, certificate) = serve(&database).await;
    let address = process.public().address();
    let mut plain = Raw::connect(address).await;
    plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (said, _end) = plain.rest().await;
    assert!(!said.starts_with(b"HTTP/"), "{said:?}");
    // A certificate of the same name is not the same certificate.
    let other = Certificate::in_folder(database.folder(), "other");
    let refused = other.connect(address, &[]).await;
    assert!(refused.is_err());
    // HTTP/2 is not offered: who would rather speak it is told to speak HTTP/1.1.
    let stream = certificate.connect(address, &[b"h2", b"http/1.1"]).await;
    let stream = stream.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    drop(stream);
    let client = Client::new(certificate.door(address).await);
    client.get("/health/ready").send().await.expect(200);
    let metrics = process.admin().metrics().await;
    let all = metrics.sum("http_requests_total", &[]);
    assert!((all - 1.0).abs() < 0.1, "{all}");
}
