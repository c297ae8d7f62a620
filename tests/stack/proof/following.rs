//! One request, followed by what a person has of it: the id in its answer leads to its line in the log, that line to its
//! trace, and its route to the panels.

use crate::dashboards::Dashboard;
use crate::probe::{Window, probe};
use crate::support::eventually::eventually;

use super::stack::{SCRAPE, SOON, Stack};

/// A route that nobody else asks for at that time.
const ROUTE: &str = "/api/v1/products/{id}";
/// What the panel is made of.
const COUNTER: &str = "http_requests_duration_seconds_count";

pub(super) async fn one_request(stack: &Stack) {
    let text = "SELECT id::text AS text FROM products LIMIT 1";
    let product = stack.database.texts(text).remove(0);
    let before = all_that_was_asked_before(stack).await;

    let answer = stack
        .service
        .public()
        .get(&format!("/api/v1/products/{product}"))
        // A caller that traces, and wants this one.
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .send()
        .await
        .expect(200);
    let id = answer.header("x-request-id").expect("an id").to_owned();

    // The answer's id is in the log,
    let line = eventually("its line in the log", SOON, async || {
        let mut lines = stack.service.log().into_iter();
        lines.find(|line| line["request_id"] == *id && line["message"] == "request completed")
    })
    .await;
    // the line's trace at the collector, with the line's span as its first,
    let (trace, span) = (line["trace_id"].clone(), line["span_id"].clone());
    assert_eq!(trace, "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
    let spans = stack
        .collector
        .wait_for("its trace", |spans| {
            let of_it: Vec<_> = spans.into_iter().filter(|s| trace == *s.trace).collect();
            (of_it.len() >= 3).then_some(of_it)
        })
        .await;
    let first = spans
        .iter()
        .find(|s| span == *s.id)
        .expect("its first span");
    assert_eq!(first.attribute("request_id"), Some(&*id), "{spans:#?}");
    assert_eq!(first.attribute("http.route"), Some(ROUTE), "{spans:#?}");
    assert_eq!(line["http.route"], ROUTE, "{line}");
    // and its route is a line on the panel, on which it is counted.
    eventually("it to be scraped", SOON, async || {
        let now = counted(stack).await;
        (now >= before + 1.0).then_some(()).ok_or(now)
    })
    .await;
    let latency = [Dashboard::of("glasshouse-latency")];
    let findings = probe(
        stack.prometheus.client(),
        &latency,
        Window::last(SOON, SCRAPE),
    )
    .await;
    let panel = findings.of("glasshouse-latency", "Which are slow", "Routes", "Requests");
    let mut rows = panel.series().iter();
    let row = rows.find(|row| row.labels["path"] == ROUTE);
    let rate = row.and_then(|row| row.points.last()).map(|(_, rate)| *rate);
    assert!(rate.is_some_and(|rate| rate > 0.0), "{panel:?}");
}

/// How many requests of this route there were, once Prometheus knows of each: of a series that is first scraped together with
/// what comes, there is no rate.
async fn all_that_was_asked_before(stack: &Stack) -> f64 {
    let metrics = stack.service.admin().metrics().await;
    let told = metrics.sum(COUNTER, &[("path", ROUTE), ("method", "GET")]);
    eventually("what was asked before to be scraped", SOON, async || {
        let now = counted(stack).await;
        ((now - told).abs() < 0.5).then_some(now).ok_or(now)
    })
    .await
}

/// How many requests of this route Prometheus knows of.
async fn counted(stack: &Stack) -> f64 {
    let query = format!("sum({COUNTER}{{path=\"{ROUTE}\",method=\"GET\"}})");
    stack.number(&query).await.unwrap_or(0.0)
}
