//! What a refusal costs, and what it says: next to nothing, and the same wherever it was decided.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::{ONE_PLACE, assert_refused, refused, with_no_place_left};
use crate::support::metrics::whole;
use crate::support::on_both;
use crate::support::test_app::TestApp;

on_both!(
    what_is_refused_is_refused_before_its_token_its_body_and_the_database,
    ONE_PLACE
);
async fn what_is_refused_is_refused_before_its_token_its_body_and_the_database(app: TestApp) {
    with_no_place_left(&app, async || {
        let checkouts = async || app.metrics().await.sum("db_pool_wait_seconds_count", &[]);
        let before = checkouts().await;
        for path in ["/api/v1/products", "/api/v1/orders", "/nowhere"] {
            assert_refused(&app.get(path).send().await);
        }
        for path in ["orders", "sessions"] {
            let mut raw = app.raw().await;
            // A token that is none, and a body that is too large and does not come.
            let head = format!(
                "POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nContent-Length: 9999999\r\n\r\n"
            );
            raw.send(&head).await;
            let refused = raw.response().await.expect("an answer");
            assert_refused(&refused.answer());
        }
        let after = checkouts().await;
        assert!((after - before).abs() < f64::EPSILON, "{before} {after}");
    })
    .await;
}

on_both!(
    a_refused_request_with_a_small_body_does_not_cost_its_connection,
    ONE_PLACE
);
async fn a_refused_request_with_a_small_body_does_not_cost_its_connection(app: TestApp) {
    with_no_place_left(&app, async || {
        let post = "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
        let client = async || {
            let mut raw = app.raw().await;
            for _ in 0..10 {
                raw.send(post).await;
                let refused = raw.response().await.expect("an answer").answer();
                assert_refused(&refused);
                assert_eq!(refused.header("connection"), None);
            }
        };
        // One of them waits for a moment before it is refused. The others are refused before their body is looked at.
        join_all((0..4).map(|_| client())).await;
    })
    .await;
}

on_both!(
    a_request_is_refused_in_the_same_words_whether_actix_has_seen_it_or_not,
    ONE_PLACE
);
async fn a_request_is_refused_in_the_same_words_whether_actix_has_seen_it_or_not(app: TestApp) {
    const IN_THE_CONNECTION: [&str; 9] = [
        "content-length",
        "content-type",
        "retry-after",
        "x-request-id",
        "x-content-type-options",
        "referrer-policy",
        "cache-control",
        "content-security-policy",
        "date",
    ];
    /// What differs from one answer to the next is no word of it.
    fn words((name, value): &(String, String)) -> (&str, &str) {
        let differs = ["date", "retry-after"].contains(&name.as_str());
        (name, if differs { "" } else { value })
    }
    with_no_place_left(&app, async || {
        let counted = async || {
            let labels = [("path", "/api/v1/products"), ("status", "503")];
            let metrics = app.metrics().await;
            let refused = refused(&metrics, "read");
            (whole(metrics.sum("http_requests_total", &labels)), refused)
        };
        let client = async |path: &str| {
            let ask = format!(
                "GET {path}?limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nX-Request-Id: of-the-client\r\n\r\n"
            );
            let (mut raw, until) = (app.raw().await, Instant::now() + Duration::from_secs(2));
            let mut answers = Vec::new();
            while Instant::now() < until {
                raw.send(&ask).await;
                let answer = raw.response().await.expect("an answer");
                assert_refused(&answer.answer());
                assert_eq!(answer.header("x-request-id"), Some("of-the-client"));
                answers.push(answer);
            }
            answers
        };
        let before = counted().await;
        // The connection itself refuses only what there is nothing to decode in.
        let paths = ["/api/v1/products", "/api/v1/%70roducts"];
        let clients = (0..8).map(|number| client(paths[number % 2]));
        let answers: Vec<_> = join_all(clients).await.into_iter().flatten().collect();
        let (mut orders, mut contents) = (HashSet::new(), HashSet::new());
        for answer in &answers {
            let mut headers: Vec<_> = answer.headers.iter().map(words).collect();
            orders.insert(headers.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            headers.sort_unstable();
            contents.insert((headers, &answer.body));
        }
        assert_eq!(contents.len(), 1, "{contents:?}");
        // By the order of their headers alone one can tell them apart: Actix' is that of a hash table.
        assert!(orders.contains(IN_THE_CONNECTION.as_slice()) && orders.len() > 1, "{orders:?}");
        let (after, all) = (counted().await, answers.len() as u64);
        assert_eq!(after, (before.0 + all, before.1 + all));
    })
    .await;
}
