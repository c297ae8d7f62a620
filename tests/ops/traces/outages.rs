//! A collector that is gone or does not answer costs spans, which are counted, and requests nothing. What is left at the end
//! still gets out.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use super::{access_line, traced};
use crate::support::client::Client;
use crate::support::collector::{Collector, Protocol, SOON};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::process::{Process, Program};
use crate::support::proxy::{Mode, Proxy};

/// More than a queue holds, with two spans or more a request.
const MANY: usize = 1_500;

fn sending_to(endpoint: &str, protocol: &str) -> (TestDatabase, Program) {
    let database = TestDatabase::empty(Backend::Sqlite);
    let program = Program::on(&database)
        .env("GLASSHOUSE_TRACES__ENDPOINT", endpoint)
        .env("GLASSHOUSE_TRACES__PROTOCOL", protocol)
        .env("GLASSHOUSE_TRACES__SAMPLE_RATIO", "1");
    (database, program)
}

async fn outcome(admin: &Client, outcome: &str) -> f64 {
    let metrics = admin.metrics().await;
    metrics.value("trace_spans_total", &[("outcome", outcome)])
}

/// Asks so often, one after the other; the longest that an answer took.
async fn ask(process: &Process, times: usize) -> Duration {
    let client = process.public();
    let mut longest = Duration::ZERO;
    for _ in 0..times {
        let asked = Instant::now();
        client.get("/api/v1/products").send().await.expect(200);
        longest = longest.max(asked.elapsed());
    }
    longest
}

/// A second is far more than an answer takes, and far less than any limit on the way to the collector.
const UNHURT: Duration = Duration::from_secs(1);

#[actix_web::test]
async fn a_collector_that_is_gone_costs_spans_and_says_so_once() {
    for protocol in ["http/protobuf", "grpc"] {
        // A port that somebody had, and nobody has.
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", nobody.local_addr().unwrap());
        drop(nobody);
        let (_database, program) = sending_to(&endpoint, protocol);
        let mut process = program.serve().await;
        let admin = process.admin();
        assert!(ask(&process, 50).await < UNHURT, "{protocol}");
        eventually("failed spans", SOON, async || {
            outcome(&admin, "failed").await > 0.0
        })
        .await;
        ask(&process, 50).await;
        eventually("more failed spans", SOON, async || {
            outcome(&admin, "failed").await > 150.0
        })
        .await;
        let told = process.log().into_iter();
        let told = told.filter(|line| line["message"] == "export of traces failed");
        assert_eq!(told.count(), 1, "{protocol}: {:#?}", process.log());
        process.signal("TERM");
        let end = process.wait_exit(Duration::from_secs(10)).await;
        assert_eq!(end.code, Some(0), "{protocol}: {end:?}");
    }
}

#[actix_web::test]
async fn a_collector_that_does_not_answer_costs_spans_and_no_time() {
    for protocol in ["http/protobuf", "grpc"] {
        // It takes connections, and nothing else: the kernel does so, up to the backlog.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let (_database, program) = sending_to(&endpoint, protocol);
        let mut process = program.serve().await;
        let admin = process.admin();
        assert!(ask(&process, MANY).await < UNHURT, "{protocol}");
        eventually("dropped spans", SOON, async || {
            outcome(&admin, "dropped").await > 0.0
        })
        .await;
        let told = Instant::now();
        process.signal("TERM");
        let end = process.wait_exit(Duration::from_secs(10)).await;
        assert_eq!(end.code, Some(0), "{protocol}: {end:?}");
        assert!(
            told.elapsed() < Duration::from_secs(5),
            "{protocol}: {:?}",
            told.elapsed()
        );
        assert!(
            end.stdout.contains("spans lost at the end"),
            "{protocol}: {end:?}"
        );
    }
}

#[actix_web::test]
async fn the_spans_of_the_last_requests_get_out() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let database = TestDatabase::empty(Backend::Sqlite);
        let collector = Collector::start(protocol).await;
        let mut process = traced(&database, &collector, "1").serve().await;
        let client = process.public();
        client
            .get("/")
            .header("x-request-id", "the-last")
            .send()
            .await
            .expect(200);
        access_line(&process, "the-last").await;
        process.signal("TERM");
        let end = process.wait_exit(Duration::from_secs(10)).await;
        assert_eq!(end.code, Some(0), "{protocol:?}: {end:?}");
        let spans = collector.spans().await;
        assert!(
            spans
                .iter()
                .any(|span| span.attribute("request_id") == Some("the-last")),
            "{protocol:?}: {spans:#?}"
        );
    }
}

#[actix_web::test]
async fn a_collector_that_comes_back_gets_spans_again() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let collector = Collector::start(Protocol::Http).await;
    let address = collector.endpoint();
    let target = address.trim_start_matches("http://").parse().unwrap();
    let proxy = Proxy::to(target).await;
    let process = Program::on(&database)
        .env(
            "GLASSHOUSE_TRACES__ENDPOINT",
            &format!("http://{}", proxy.address()),
        )
        .env("GLASSHOUSE_TRACES__SAMPLE_RATIO", "1")
        .serve()
        .await;
    let admin = process.admin();
    proxy.set(Mode::Cut);
    ask(&process, 5).await;
    eventually("failed spans", SOON, async || {
        outcome(&admin, "failed").await > 0.0
    })
    .await;
    proxy.set(Mode::Pass);
    ask(&process, 5).await;
    eventually("exported spans", SOON, async || {
        outcome(&admin, "exported").await > 0.0
    })
    .await;
    process.logged("export of traces recovered").await;
    assert!(!collector.spans().await.is_empty());
}
