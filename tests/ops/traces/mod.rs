//! Traces as a collector of somebody else's making sees them: one for each sampled request, in the words of its log line.

mod outages;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::app;
use crate::support::client::{Client, PASSWORD};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::metrics::Metrics;
use crate::support::on_both;
use crate::support::process::{Process, Program};

use crate::support::collector::{Collector, Protocol, SOON, Span};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// The program, sending its traces there.
fn traced(database: &TestDatabase, collector: &Collector, ratio: &str) -> Program {
    Program::on(database)
        .env("GLASSHOUSE_TRACES__ENDPOINT", &collector.endpoint())
        .env("GLASSHOUSE_TRACES__PROTOCOL", collector.setting())
        .env("GLASSHOUSE_TRACES__SAMPLE_RATIO", ratio)
}

/// The access line of the request of this id.
async fn access_line(process: &Process, id: &str) -> Value {
    eventually("the access line", SOON, async || {
        let mut log = process.log().into_iter();
        log.find(|line| line["request_id"] == id && line["message"] == "request completed")
            .ok_or_else(|| process.said())
    })
    .await
}

/// A customer and a product with stock.
async fn shop(
    database: &TestDatabase,
    client: &Client,
) -> (crate::support::client::Account, String) {
    app::create_operator(database, "operator@example.com", PASSWORD);
    let operator = client.login("operator@example.com").await;
    let product = client.create_product(&operator, "LAMP-1", 5).await;
    (client.register("ada@example.com").await, product)
}

/// A scrape that counts a whole trace: the collector has it before its answer is back.
async fn counted(process: &Process) -> Metrics {
    let admin = process.admin();
    eventually("the spans to be counted", SOON, async || {
        let metrics = admin.metrics().await;
        let exported = metrics.value("trace_spans_total", &[("outcome", "exported")]);
        (exported >= 3.0).then_some(metrics)
    })
    .await
}

async fn an_order_is_followed(database: &TestDatabase, protocol: Protocol) {
    let collector = Collector::start(protocol).await;
    let process = traced(database, &collector, "1").serve().await;
    let client = process.public();
    let (account, product) = shop(database, &client).await;
    let answer = client
        .post("/api/v1/orders?colour=canary-query")
        .token(&account)
        .key("followed")
        .header("x-request-id", "followed-1")
        .json(&json!({"items": [{"product_id": product, "quantity": 1}]}))
        .send()
        .await
        .expect(201);
    // From the answer's header to the log line, from there to the trace.
    let line = access_line(&process, answer.header("x-request-id").unwrap()).await;
    let trace = line["trace_id"].as_str().unwrap();
    let spans = collector
        .wait_for("the whole trace", |spans| {
            let ours: Vec<Span> = spans
                .into_iter()
                .filter(|span| span.trace == trace)
                .collect();
            (ours.len() >= 3).then_some(ours)
        })
        .await;

    let root = spans.iter().find(|span| span.parent.is_empty()).unwrap();
    assert_eq!(root.id, line["span_id"]);
    assert_eq!(root.name, "POST /api/v1/orders");
    assert_eq!(root.kind, "server");
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/orders"),
        ("url.path", "/api/v1/orders"),
        ("url.scheme", "http"),
        ("http.response.status_code", "201"),
        ("request_id", "followed-1"),
        ("account.id", &account.id),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(root.attribute(name), Some(value), "{name} of {root:#?}");
    }
    assert_eq!(root.status, "unset");
    let took = line["duration_ms"].as_f64().unwrap();
    // It ends when its line is written; the rest is a busy machine.
    assert!(
        (root.millis() - took).abs() < 50.0,
        "{} in {took}",
        root.millis()
    );

    let system = match database.backend() {
        Backend::Sqlite => "sqlite",
        Backend::Postgres => "postgresql",
    };
    let (wait, operation) = (
        spans.iter().find(|span| span.name == "pool wait").unwrap(),
        spans.iter().find(|span| span.kind == "client").unwrap(),
    );
    assert_eq!(operation.attribute("db.system.name"), Some(system));
    assert_eq!(
        operation.attribute("db.operation.name"),
        Some(&*operation.name)
    );
    assert!(wait.attribute("db.client.connection.pool.name").is_some());
    for child in [wait, operation] {
        assert_eq!(child.parent, root.id, "{child:#?}");
        assert!(
            root.start <= child.start && child.end <= root.end,
            "{child:#?}"
        );
    }
    assert!(wait.end <= operation.start, "the wait comes first");
    assert!(
        wait.millis() + operation.millis() <= root.millis(),
        "the parts are within the whole"
    );
    assert_eq!(root.resource("service.name"), Some("glasshouse"));
    assert_eq!(
        root.resource("service.version"),
        Some(env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        root.resource("deployment.environment.name"),
        Some("development")
    );

    // What is in no log is in no trace.
    let all = format!("{:?}", collector.spans().await);
    for secret in [
        "canary-query",
        "ada@example.com",
        PASSWORD,
        &account.access_token,
    ] {
        assert!(!all.contains(secret), "{secret}");
    }
    let metrics = counted(&process).await;
    assert!(metrics.complaints().is_empty(), "{}", metrics.complaints());
}

on_both!(a_request_is_followed_from_its_answer_to_its_trace_over_http);
async fn a_request_is_followed_from_its_answer_to_its_trace_over_http(database: Arc<TestDatabase>) {
    an_order_is_followed(&database, Protocol::Http).await;
}

on_both!(a_request_is_followed_from_its_answer_to_its_trace_over_grpc);
async fn a_request_is_followed_from_its_answer_to_its_trace_over_grpc(database: Arc<TestDatabase>) {
    an_order_is_followed(&database, Protocol::Grpc).await;
}

/// Asks for the catalog with this `traceparent`; returns the trace that its line names.
async fn ask(process: &Process, id: &str, flags: Option<&str>) -> String {
    let mut call = process.public().get("/api/v1/products");
    if let Some(flags) = flags {
        call = call.header("traceparent", &format!("00-{TRACE}-{CALLER}-{flags}"));
    }
    call.header("x-request-id", id).send().await.expect(200);
    let line = access_line(process, id).await;
    line["trace_id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn the_caller_decides_whether_its_trace_is_recorded() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let collector = Collector::start(Protocol::Http).await;
    let never = traced(&database, &collector, "0").serve().await;
    ask(&never, "own", None).await;
    ask(&never, "unsampled", Some("00")).await;
    assert_eq!(ask(&never, "sampled", Some("01")).await, TRACE);
    let of_never = collector
        .wait_for("the sampled one", |spans| {
            let found = spans
                .iter()
                .any(|span| span.attribute("request_id") == Some("sampled"));
            found.then_some(spans)
        })
        .await;
    let roots: Vec<&Span> = of_never
        .iter()
        .filter(|span| span.kind == "server")
        .collect();
    let [root] = roots.as_slice() else {
        panic!("one request was sampled: {roots:#?}");
    };
    assert_eq!((root.trace.as_str(), root.parent.as_str()), (TRACE, CALLER));

    let always = traced(&database, &collector, "1").serve().await;
    ask(&always, "left-out", Some("00")).await;
    let own = ask(&always, "recorded", None).await;
    let of_always = collector
        .wait_for("its own decision", |spans| {
            spans.iter().any(|span| span.trace == own).then_some(spans)
        })
        .await;
    assert!(
        of_always
            .iter()
            .all(|span| span.attribute("request_id") != Some("left-out"))
    );
}

#[actix_web::test]
async fn what_goes_wrong_stands_on_the_spans_it_concerns() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let collector = Collector::start(Protocol::Http).await;
    let process = traced(&database, &collector, "1")
        .env("GLASSHOUSE_DATABASE__MAX_CONNECTIONS", "2")
        .serve()
        .await;
    let client = process.public();
    let (account, product) = shop(&database, &client).await;
    let order = |id: &'static str| {
        client
            .post("/api/v1/orders")
            .token(&account)
            .header("x-request-id", id)
            .json(&json!({"items": [{"product_id": product, "quantity": 1}]}))
    };
    let held = database.hold("BEGIN IMMEDIATE");
    order("too-late").send().await.expect(503);
    // One that its client does not wait for.
    let body = json!({"items": [{"product_id": product, "quantity": 1}]}).to_string();
    let head = format!(
        "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nX-Request-Id: left\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        account.access_token,
        body.len()
    );
    let mut leaver = client.raw().await;
    leaver.send(head + &body).await;
    let admin = process.admin();
    eventually("it to be in flight", SOON, async || {
        admin.metrics().await.value("http_requests_in_flight", &[]) > 0.5
    })
    .await;
    leaver.reset();
    drop(held);
    client
        .get("/no/such/canary-path")
        .header("x-request-id", "nowhere")
        .send()
        .await
        .expect(404);
    let spans = collector
        .wait_for("all three", |spans| {
            let has = |id: &str| {
                spans
                    .iter()
                    .any(|span| span.attribute("request_id") == Some(id))
            };
            (has("too-late") && has("left") && has("nowhere")).then_some(spans)
        })
        .await;
    let root = |id: &str| {
        let mut found = spans
            .iter()
            .filter(|span| span.attribute("request_id") == Some(id));
        found.next().unwrap().clone()
    };
    let late = root("too-late");
    assert_eq!(late.attribute("http.response.status_code"), Some("503"));
    assert_eq!(
        (late.status.as_str(), late.attribute("error.type")),
        ("error", Some("503"))
    );
    let failed = spans
        .iter()
        .find(|span| span.parent == late.id && span.status == "error")
        .unwrap_or_else(|| panic!("nothing below is at fault: {spans:#?}"));
    assert!(failed.attribute("error.type").is_some(), "{failed:#?}");
    let left = root("left");
    assert_eq!(left.attribute("http.response.status_code"), Some("499"));
    assert_eq!(left.status, "unset", "the server did nothing wrong");
    let nowhere = root("nowhere");
    assert_eq!(
        (nowhere.name.as_str(), nowhere.attribute("url.path")),
        ("GET", None)
    );
}

#[actix_web::test]
async fn a_filter_of_the_log_can_ask_for_one_route() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let filter =
        json!({"filter": "warn,[request{http.request.method=\"GET\"}]=trace", "for": "1m"});
    process
        .admin()
        .put("/log")
        .json(&filter)
        .send()
        .await
        .expect(200);
    let client = process.public();
    client
        .get("/api/v1/products")
        .header("x-request-id", "heard")
        .send()
        .await
        .expect(200);
    let wrong = client
        .post("/api/v1/sessions")
        .header("x-request-id", "unheard");
    wrong
        .json(&json!({"email": "a@example.com", "password": "wrong password"}))
        .send()
        .await
        .expect(401);
    let heard = |id: &str| {
        process
            .log()
            .iter()
            .filter(|line| line["request_id"] == id)
            .count()
    };
    eventually("lines of the one that is asked for", SOON, async || {
        heard("heard") > 0
    })
    .await;
    assert_eq!(heard("unheard"), 0, "{:#?}", process.log());
}
