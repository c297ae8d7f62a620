//! Whatever strangers send, the number of series stays: 10,000 random paths and methods add none.

use std::fmt::Write as _;

use futures_util::future::join_all;

use super::{MOST_AT_THE_START, SERIES_OF_A_HISTOGRAM};
use crate::support::database::Backend;
use crate::support::metrics::Metrics;
use crate::support::test_app::TestApp;

/// Sent at once on one connection; Actix takes 16 before it answers the first.
const AT_ONCE: usize = 10;
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 10_000;

/// Begins of paths: nothing that exists, and everything that does.
const PREFIXES: &[&str] = &[
    "/",
    "/wp-admin/",
    "/api/v1/orders/",
    "/api/v1/products/",
    "/api/v1/products/x/",
    "/api/v2/",
    "/docs/",
    "/problems/",
    "/health/",
    "/metrics/",
];

fn path(dice: &mut fastrand::Rng) -> String {
    let mut path = (*dice.choice(PREFIXES).expect("several")).to_owned();
    for _ in 0..dice.usize(1..24) {
        match dice.u32(..10) {
            0 => path.push('/'),
            1 => _ = write!(path, "%{:02x}", dice.u8(..)),
            2 => path.push_str(dice.choice(&["..", "{id}", "~", ";", "!", "'"]).unwrap()),
            _ => path.push(dice.alphanumeric()),
        }
    }
    if dice.bool() {
        _ = write!(path, "?q={}", dice.u64(..));
    }
    path
}

fn method(dice: &mut fastrand::Rng) -> String {
    let known = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "PROPFIND",
    ];
    if dice.u32(..3) > 0 {
        return (*dice.choice(&known).expect("several")).to_owned();
    }
    (0..dice.usize(1..12)).map(|_| dice.uppercase()).collect()
}

async fn strangers(app: &TestApp, number: usize) {
    let mut dice = fastrand::Rng::with_seed(u64::try_from(number).unwrap());
    let mut raw = app.client().raw().await;
    for _ in 0..REQUESTS / CONNECTIONS / AT_ONCE {
        let mut requests = String::new();
        for _ in 0..AT_ONCE {
            let (method, path) = (method(&mut dice), path(&mut dice));
            _ = write!(requests, "{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        }
        raw.send(&requests).await;
        for _ in 0..AT_ONCE {
            let answer = raw.response().await.expect("an answer");
            let refused = [400, 401, 404, 405, 415].contains(&answer.status);
            assert!(refused, "{} to one of\n{requests}", answer.status);
        }
    }
}

fn requests(metrics: &Metrics) -> usize {
    metrics.series_count(Some("http_requests_total"))
}

#[actix_web::test]
async fn ten_thousand_random_paths_and_methods_add_no_series() {
    let app = TestApp::start(Backend::Sqlite, |_| {}).await;
    let before = app.metrics().await;
    join_all((0..CONNECTIONS).map(|number| strangers(&app, number))).await;
    let after = app.metrics().await;
    let counted = after.sum("http_requests_total", &[]);
    assert!(counted > 9_999.0, "{counted}");
    assert_eq!(requests(&after), requests(&before));
    // Histograms are born with the first answer of their kind: no more of them than there are counters.
    let durations = after.series_count(Some("http_requests_duration_seconds_count"));
    assert!(durations <= 100, "{durations} kinds of answers");
    let total = after.series_count(None);
    assert_eq!(
        total - before.series_count(None),
        durations * SERIES_OF_A_HISTOGRAM
    );
    assert!(total <= MOST_AT_THE_START + 100 * SERIES_OF_A_HISTOGRAM);
    let other = after.sum("http_requests_total", &[("method", "_OTHER")]);
    let unmatched = after.sum("http_requests_total", &[("path", "unmatched")]);
    assert!(
        other > 2_000.0 && unmatched > 3_000.0,
        "{other} {unmatched}"
    );
    assert!(app.stop().await);
}
