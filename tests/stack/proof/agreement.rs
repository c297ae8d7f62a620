//! Numbers on the panels against those that the load generator says at its end, and which it counted by itself.
//!
//! A rate on a panel is held against a count by the area under it: with a point at every scrape, each scrape's increase is
//! in as many windows as a window has increases, so the area is the count, whatever the load's course.

use std::time::Duration;

use glasshouse::telemetry::metrics::HTTP_BUCKETS;
use serde_json::Value;

use crate::dashboards::Dashboard;
use crate::load::run::Ran;
use crate::probe::{Findings, Outcome, Window, probe};

use super::stack::{SCRAPE, Stack};

/// Panels and load generator may differ by so much.
const TOLERANCE: f64 = 0.02;

/// The most that the beginnings of all series may hold, of a run of twenty seconds that is told every second.
const BEGINNINGS: f64 = 0.15;

/// Asked of all that happened since `before`, when nothing else asked the service for anything.
pub(super) async fn with_the_load_generator(stack: &Stack, before: f64, load: &Ran) {
    let prometheus = stack.prometheus.client();
    let dashboards = [
        "glasshouse-overview",
        "glasshouse-latency",
        "glasshouse-load-test",
    ];
    let dashboards = dashboards.map(Dashboard::of);
    let fine = since(before);
    let findings = probe(prometheus, &dashboards, fine).await;
    rates(&findings, &Counted::of(&load.summary));

    // k6 says quantiles of all there was so far, and Prometheus does when it is looked at from so far away that all there
    // was is between two points.
    let coarse = Window {
        range: SCRAPE,
        step: fine.range,
        ..fine
    };
    let from_afar = probe(prometheus, &dashboards, coarse).await;
    quantiles(&findings, &from_afar, load);
}

/// The same for what failed. It had not failed before, and Prometheus does not extrapolate below 0: from there on a counter's
/// first window shows up to a quarter less than there was.
pub(super) async fn about_errors(stack: &Stack, before: f64, load: &Ran) {
    let overview = [Dashboard::of("glasshouse-overview")];
    let findings = probe(stack.prometheus.client(), &overview, since(before)).await;
    let counted = Counted::of(&load.summary);
    let panel = findings.of(
        "glasshouse-overview",
        "Requests",
        "Requests by status",
        "5xx",
    );
    assert!(
        counted.by_class[5] > 50.0,
        "{} are too few",
        counted.by_class[5]
    );
    let (least, most) = (
        counted.by_class[5] * (1.0 - BEGINNINGS),
        counted.by_class[5] * (1.0 + TOLERANCE),
    );
    let panel = area(panel);
    assert!(
        (least..most).contains(&panel),
        "{panel} 5xx, not {least} to {most}"
    );
}

/// All that happened since then, with a point at every scrape.
fn since(before: f64) -> Window {
    let end = Window::now();
    Window {
        end,
        range: Duration::from_secs_f64(end - before),
        step: SCRAPE,
        scrape: SCRAPE,
    }
}

/// Requests by the first digit of their status, of all kinds, and those of the load alone, without probes; and orders.
struct Counted {
    by_class: [f64; 6],
    all: f64,
    in_load: f64,
    orders: f64,
}

impl Counted {
    fn of(summary: &Value) -> Self {
        let mut by_class = [0.0; 6];
        for (route, row) in summary["routes"].as_object().unwrap() {
            if route.contains(" /health") {
                continue;
            }
            for (status, count) in row["client"]["statuses"].as_object().unwrap() {
                let class = usize::from(status.as_bytes()[0] - b'0');
                by_class[class] += count.as_f64().unwrap();
            }
        }
        Self {
            by_class,
            all: by_class.iter().sum(),
            in_load: summary["phases"]["steady"]["answers"].as_f64().unwrap(),
            orders: counted(summary, "orders created"),
        }
    }
}

/// What the client counted of something that both sides count.
fn counted(summary: &Value, name: &str) -> f64 {
    let all = summary["counts"].as_array().expect("counts").iter();
    let found = all.clone().find(|count| count["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {all:?}"))["client"]
        .as_f64()
        .unwrap()
}

fn rates(findings: &Findings, counted: &Counted) {
    let by_status = |legend| {
        let panel = ("Requests", "Requests by status");
        area(findings.of("glasshouse-overview", panel.0, panel.1, legend))
    };
    let by_side = |legend| {
        let panel = ("Both views", "Requests: client and server");
        area(findings.of("glasshouse-load-test", panel.0, panel.1, legend))
    };
    assert!(
        counted.all > 800.0,
        "{} are too few to compare",
        counted.all
    );
    close("requests with 2xx", by_status("2xx"), counted.by_class[2]);
    let orders = findings.of(
        "glasshouse-overview",
        "What comes of them",
        "Orders",
        "{{product_type}}",
    );
    assert!(counted.orders > 50.0, "{} are too few", counted.orders);
    close("orders", area(orders), counted.orders);
    close("requests", by_side("server"), counted.all);
    // What the client sends first is where its series begin, and no increase; and what it sends before and after the load
    // is not on the panel.
    let client = by_side("client");
    let least = counted.in_load * (1.0 - BEGINNINGS);
    let most = counted.all * (1.0 + TOLERANCE);
    assert!(
        (least..most).contains(&client),
        "{client} requests, not {least} to {most}"
    );
}

/// The quantile of all requests, most of all of those that were slow on purpose, so that a busy machine moves neither.
fn quantiles(findings: &Findings, from_afar: &Findings, load: &Ran) {
    let client = load.summary["phases"]["steady"]["p99_ms"].as_f64();
    let client = client.expect("a quantile") / 1000.0;
    assert!(client > 0.25, "nothing was slow: {client} s");
    let both = ("Both views", "p99: client and server");
    for (findings, dashboard, (row, title), legend) in [
        (
            from_afar,
            "glasshouse-overview",
            ("Now", "Latency p99"),
            "p99",
        ),
        (
            from_afar,
            "glasshouse-latency",
            ("How they spread", "Quantiles"),
            "p99",
        ),
        (from_afar, "glasshouse-load-test", both, "server"),
        (findings, "glasshouse-load-test", both, "client"),
    ] {
        let panel = findings.highest(dashboard, row, title, legend);
        let (from, to) = bucket(panel);
        assert!(
            (from..=to).contains(&client),
            "{dashboard} | {row} | {title} ({legend}): {panel} s, so {from} to {to} s; the load generator: {client} s"
        );
    }
}

/// The bucket that so many seconds are counted in. A client measures its way to the service too: where the service has an
/// answer on one side of an edge, the client may have it a little past it.
fn bucket(seconds: f64) -> (f64, f64) {
    let after = HTTP_BUCKETS.partition_point(|upper| *upper < seconds);
    let from = after
        .checked_sub(1)
        .map_or(0.0, |below| HTTP_BUCKETS[below]);
    let to = HTTP_BUCKETS.get(after).copied().unwrap_or(f64::INFINITY);
    (from, to * 1.1)
}

/// The area under all series of a panel.
fn area(panel: &Outcome) -> f64 {
    panel.numbers().sum::<f64>() * SCRAPE.as_secs_f64()
}

#[track_caller]
fn close(what: &str, panel: f64, counted: f64) {
    assert!(
        (panel - counted).abs() <= counted * TOLERANCE,
        "{what}: {panel:.1} on the panel, {counted} by the load generator"
    );
}
