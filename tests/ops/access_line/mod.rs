//! The access line of the real program: one a request, with the fields that operators and dashboards count on.

mod stuck_reader;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::app;
use crate::support::client::{Account, Client, PASSWORD};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::on_both;
use crate::support::process::{Process, Program};

const SOON: Duration = Duration::from_secs(20);

/// What stands in every access line.
const ALWAYS: &[&str] = &[
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "version",
    "revision",
    "environment",
    "http.method",
    "http.route",
    "http.status",
    "duration_ms",
    "db.wait_ms",
    "db.time_ms",
    "client.address",
    "bytes_out",
    "request_id",
    "trace_id",
    "span_id",
];

/// The lines about the request of this id.
fn about<'a>(log: &'a [Value], id: &str) -> Vec<&'a Value> {
    log.iter().filter(|line| line["request_id"] == id).collect()
}

/// The access line of the request of this id, of which there is one.
async fn line(process: &Process, id: &str) -> Value {
    eventually("the access line", SOON, async || {
        let log = process.log();
        let mut lines = about(&log, id);
        lines.retain(|line| line["message"] == "request completed");
        match lines.as_slice() {
            [] => Err(process.said()),
            [line] => Ok((*line).clone()),
            several => panic!("several lines for one request: {several:#?}"),
        }
    })
    .await
}

async fn operator(client: &Client, database: &TestDatabase) -> Account {
    app::create_operator(database, "operator@example.com", PASSWORD);
    client.login("operator@example.com").await
}

/// The fields beside those that every line has.
fn further(line: &Value) -> BTreeSet<&str> {
    let fields = line.as_object().expect("an object").keys();
    let fields: BTreeSet<_> = fields.map(String::as_str).collect();
    for name in ALWAYS {
        assert!(fields.contains(name), "no {name} in {line}");
    }
    fields
        .into_iter()
        .filter(|name| !ALWAYS.contains(name))
        .collect()
}

fn is_hexadecimal(value: &Value, length: usize) -> bool {
    let text = value.as_str().expect("a text");
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `2026-01-02T03:04:05.123456Z`
fn is_timestamp(value: &Value) -> bool {
    let text = value.as_str().expect("a text");
    text.len() == 27
        && text.ends_with('Z')
        && text[20..26].bytes().all(|byte| byte.is_ascii_digit())
        && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

on_both!(a_line_has_the_fields_that_are_promised);
async fn a_line_has_the_fields_that_are_promised(database: Arc<TestDatabase>) {
    let process = Program::on(&database).serve().await;
    let client = process.public();
    let operator = operator(&client, &database).await;
    let product = client.create_product(&operator, "LAMP-1", 5).await;
    let answer = client
        .get(&format!("/api/v1/products/{product}?colour=canary-colour"))
        .token(&operator)
        .header("x-request-id", "mine-1")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .send()
        .await
        .expect(200);
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    let shown = line(&process, "mine-1").await;
    for (name, expected) in [
        ("level", json!("INFO")),
        ("target", json!("glasshouse::access")),
        ("service", json!("glasshouse")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("environment", json!("development")),
        ("http.method", json!("GET")),
        ("http.route", json!("/api/v1/products/{id}")),
        ("http.status", json!(200)),
        ("client.address", json!("127.0.0.1")),
        ("bytes_out", json!(answer.body.len())),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
    ] {
        assert_eq!(shown[name], expected, "{name} in {shown}");
    }
    // The product is anyone's to see, so its route does not look at the token.
    assert_eq!(further(&shown), BTreeSet::new(), "{shown}");
    assert!(is_timestamp(&shown["timestamp"]), "{shown}");
    assert!(is_hexadecimal(&shown["span_id"], 16), "{shown}");
    assert_ne!(shown["span_id"], "00f067aa0ba902b7");
    let millis = |name: &str| shown[name].as_f64().expect("a number");
    let (whole, wait, time) = (
        millis("duration_ms"),
        millis("db.wait_ms"),
        millis("db.time_ms"),
    );
    assert!(time > 0.0 && wait > 0.0 && wait + time <= whole, "{shown}");
    assert!(!process.said().contains("canary-colour"));

    let answer = client.place_order(&operator, &product, 2).await.expect(201);
    let id = answer.header("x-request-id").expect("one was made");
    let placed = line(&process, id).await;
    assert_eq!(further(&placed), BTreeSet::from(["account.id"]));
    assert_eq!(placed["account.id"], json!(operator.id));
    assert!(is_hexadecimal(&placed["trace_id"], 32), "{placed}");
    // What else was logged for the request bears its ids.
    let log = process.log();
    let all = about(&log, id);
    let event = all.iter().find(|line| line["message"] == "order placed");
    let event = event.unwrap_or_else(|| panic!("{all:#?}"));
    assert_eq!(event["trace_id"], placed["trace_id"]);
    assert_eq!(event["order.id"], answer.json()["id"]);
}

on_both!(the_level_tells_whose_fault_it_was);
async fn the_level_tells_whose_fault_it_was(database: Arc<TestDatabase>) {
    let process = Program::on(&database)
        .env("GLASSHOUSE_LOG__FILTER", "info,glasshouse::access=debug")
        .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "700ms")
        .env("GLASSHOUSE_LIVE_PAGE__SLOW_REQUEST_THRESHOLD", "500ms")
        .serve()
        .await;
    let client = process.public();
    let operator = operator(&client, &database).await;
    let product = client.create_product(&operator, "LAMP-1", 5).await;
    let order = json!({"items": [{"product_id": product, "quantity": 1}]});
    let with = |method: &str, path: &str, id: &str| {
        client
            .call(method, path)
            .token(&operator)
            .header("x-request-id", id)
    };
    with("GET", "/health/live", "probe").send().await;
    let missing = format!("/api/v1/products/{}", uuid::Uuid::nil());
    with("GET", &missing, "missing").send().await.expect(404);
    with("GET", "/", "good").send().await.expect(200);

    let held = HeldWrites::in_database(&database);
    let place = |id| with("POST", "/api/v1/orders", id).json(&order);
    place("failed").send().await.expect(503);
    let releasing = async {
        // Long enough to be slow, and not so long that it fails.
        tokio::time::sleep(Duration::from_millis(550)).await;
        drop(held);
    };
    let (slow, ()) = tokio::join!(place("slow").send(), releasing);
    slow.expect(201);

    for (id, level, status) in [
        ("probe", "DEBUG", 200),
        ("missing", "INFO", 404),
        ("good", "INFO", 200),
        ("slow", "WARN", 201),
        ("failed", "ERROR", 503),
    ] {
        let line = line(&process, id).await;
        assert_eq!(
            (line["level"].as_str(), line["http.status"].as_u64()),
            (Some(level), Some(status)),
            "{line}"
        );
        assert_eq!(line["error"].is_string(), status >= 500, "{line}");
    }
    let failed = line(&process, "failed").await;
    let (error, causes) = failed["error"]
        .as_str()
        .and_then(|error| error.split_once(": "))
        .unwrap_or_else(|| panic!("no chain in {failed}"));
    assert!(error.starts_with("the database"), "{failed}");
    assert!(!causes.is_empty(), "{failed}");
    // A failure is told once, where it is handled.
    assert_eq!(about(&process.log(), "failed").len(), 1);
}

#[actix_web::test]
async fn probes_leave_no_lines_unless_asked_for() {
    let database = TestDatabase::empty(crate::support::database::Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let (client, admin) = (process.public(), process.admin());
    for path in ["/health", "/health/live", "/health/ready"] {
        client.get(path).send().await.expect(200);
        admin.get(path).send().await.expect(200);
    }
    let metrics = admin.metrics().await;
    let get = [("method", "GET"), ("path", "/health")];
    let counted = metrics.sum("http_requests_total", &get);
    assert!((counted - 1.0).abs() < f64::EPSILON, "{counted}");
    // What happens on the admin listener is counted nowhere.
    let all = metrics.sum("http_requests_total", &[]);
    assert!((all - 3.0).abs() < f64::EPSILON, "{all}");
    let last = client.get("/").header("x-request-id", "last").send();
    last.await.expect(200);
    line(&process, "last").await;
    let log = process.log();
    let lines = log.iter().filter(|line| line["http.route"].is_string());
    assert_eq!(lines.count(), 1, "{}", process.said());
}

#[actix_web::test]
async fn the_address_is_the_clients_where_a_proxy_is_trusted() {
    let database = TestDatabase::empty(crate::support::database::Backend::Sqlite);
    let trusting = Program::on(&database)
        .env("GLASSHOUSE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")
        .serve()
        .await;
    let other = TestDatabase::empty(crate::support::database::Backend::Sqlite);
    let wary = Program::on(&other).serve().await;
    for (process, address) in [(&trusting, "198.51.100.7"), (&wary, "127.0.0.1")] {
        let answer = process
            .public()
            .get("/")
            .header("x-forwarded-for", "6.6.6.6, 198.51.100.7, 127.0.0.9")
            .header("x-request-id", "forwarded")
            .send();
        answer.await.expect(200);
        let line = line(process, "forwarded").await;
        assert_eq!(line["client.address"], address);
        assert!(!process.said().contains("6.6.6.6"));
    }
}

#[actix_web::test]
async fn what_a_client_calls_its_request_cannot_forge_a_line() {
    let database = TestDatabase::empty(crate::support::database::Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let client = process.public();
    for id in ["a b", "x\",\"level\":\"ERROR", &"x".repeat(65), "é"] {
        let mut raw = client.raw().await;
        raw.send(format!("GET / HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\ntraceparent: 00-{id}-01\r\nconnection: close\r\n\r\n"))
            .await;
        let answer = raw.response().await.expect("an answer");
        let made = answer.header("x-request-id").expect("an id");
        assert_eq!(made.len(), 36, "{made}");
        let line = line(&process, made).await;
        assert!(is_hexadecimal(&line["trace_id"], 32), "{line}");
    }
}
