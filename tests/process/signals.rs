//! Ends that cannot wait: a second signal, a grace that is used up, a signal before the service is there. Each says what
//! was cut and ends with 1; a start that is called off ends with 0.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::shop::{Shop, messages};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::on_both;
use crate::support::process::{Finished, Program};

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(10);

/// An end at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Fails unless it was cut, and its log ends with what.
#[track_caller]
fn assert_cut(finished: &Finished, what: &str) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let last = finished.stdout.lines().last().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["message"], "shutdown was forced", "{finished:?}");
    assert_eq!(last["level"], "ERROR", "{finished:?}");
    let cut = last["cut"].as_str().unwrap();
    assert!(cut.contains(what), "{what} in {cut}");
    assert_eq!(finished.stderr, "", "{finished:?}");
}

on_both!(a_second_signal_ends_a_drain_at_once);
async fn a_second_signal_ends_a_drain_at_once(database: Arc<TestDatabase>) {
    for (first, second) in [("TERM", "INT"), ("INT", "INT")] {
        let mut process = Program::on(&database)
            .env("GLASSHOUSE_SHUTDOWN__DRAIN_DELAY", "1h")
            .serve()
            .await;
        process.signal(first);
        let client = process.public();
        eventually("unready", SOON, async || {
            client.get("/health/ready").send().await.status == 503
        })
        .await;
        let asked = Instant::now();
        process.signal(second);
        let finished = process.wait_exit(SOON).await;
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
        assert_cut(&finished, "drain");
        assert_cut(&finished, "admin listener: skipped");
    }
}

on_both!(a_second_signal_cuts_what_is_in_flight_and_says_so);
async fn a_second_signal_cuts_what_is_in_flight_and_says_so(database: Arc<TestDatabase>) {
    let mut shop = Shop::open(Program::on(&database), &database).await;
    let (head, body) = shop.order();
    let mut raw = shop.process.public().raw().await;
    raw.send(format!("{head}{}", &body[..5])).await;
    let admin = shop.process.admin();
    eventually("a request in flight", SOON, async || {
        admin.metrics().await.value("http_requests_in_flight", &[]) > 0.5
    })
    .await;
    shop.process.signal("TERM");
    shop.process.logged("shutdown step completed").await; // the drain, which has no delay here
    let asked = Instant::now();
    shop.process.signal("TERM");
    let finished = shop.process.wait_exit(SOON).await;
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    assert_cut(
        &finished,
        " ms, 1 request in flight; background tasks: skipped",
    );
    assert_eq!(shop.orders(), 0);
}

on_both!(a_client_that_does_not_read_is_cut_when_the_grace_is_over);
async fn a_client_that_does_not_read_is_cut_when_the_grace_is_over(database: Arc<TestDatabase>) {
    let mut process = Program::on(&database)
        .env("GLASSHOUSE_DATABASE__DEADLINE", "1600ms")
        .env("GLASSHOUSE_SERVER__REQUEST_TIMEOUT", "1700ms")
        .env("GLASSHOUSE_SHUTDOWN__GRACE", "1800ms")
        .serve()
        .await;
    // More than the buffers between them hold.
    let mut raw = process.public().raw().await;
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: shop\r\n\r\n";
    raw.send(request.repeat(16)).await;
    let admin = process.admin();
    eventually("a request in flight", SOON, async || {
        admin.metrics().await.value("http_requests_in_flight", &[]) > 0.5
    })
    .await;
    let asked = Instant::now();
    process.signal("TERM");
    let finished = process.wait_exit(SOON).await;
    let took = asked.elapsed();
    println!("grace of 1.8 s, ended after {took:?}");
    assert_cut(&finished, "public listener: 1 request in flight");
    assert!(took >= Duration::from_millis(1800), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(messages(&finished).contains(&"shutdown step cut".to_owned()));
}
