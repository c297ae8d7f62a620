//! How many connections there may be, how long each may idle, and how long one may take to say what it wants.

use std::time::{Duration, Instant};

use crate::support::database::Backend;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::raw::Raw;
use crate::support::test_app::{TestApp, run};

const SOON: Duration = Duration::from_secs(10);

const REQUEST: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

/// Fails unless it is answered with 200.
async fn ask(raw: &mut Raw) {
    raw.send(REQUEST).await;
    let answer = raw.response().await.expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn open(app: &TestApp) -> f64 {
    app.metrics().await.value("http_connections_open", &[])
}

async fn closed(app: &TestApp, reason: &str) -> f64 {
    let metrics = app.metrics().await;
    metrics.value("http_connections_closed_total", &[("reason", reason)])
}

/// Fails unless this connection is one too many.
async fn assert_turned_away(mut raw: Raw) {
    let answer = raw.response().await.expect("an answer");
    assert_problem(&answer.answer(), 503, "overloaded");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert!(raw.rest().await.0.is_empty());
}

#[test]
fn one_connection_too_many_is_turned_away_at_once_until_another_ends() {
    run::<TestApp>(
        Backend::Sqlite,
        |settings| {
            // In all, not for each worker.
            settings.server.workers = 2;
            settings.server.max_connections = 3;
        },
        async |app| {
            let mut admitted = Vec::new();
            for _ in 0..3 {
                let mut raw = app.raw().await;
                ask(&mut raw).await;
                admitted.push(raw);
            }
            for _ in 0..4 {
                assert_turned_away(app.raw().await).await;
            }
            assert!((closed(&app, "limit").await - 4.0).abs() < 0.1);
            for raw in &mut admitted {
                ask(raw).await;
            }
            // The admin listener is not concerned.
            app.admin().get("/health/ready").send().await.expect(200);
            drop(admitted.pop());
            eventually("a place", SOON, async || open(&app).await < 2.5).await;
            ask(&mut app.raw().await).await;
        },
    );
}

#[test]
fn one_connection_too_many_of_an_address_is_turned_away() {
    run::<TestApp>(
        Backend::Sqlite,
        |settings| settings.server.max_connections_per_address = 2,
        async |app| {
            let (mut first, mut second) = (app.raw().await, app.raw().await);
            ask(&mut first).await;
            ask(&mut second).await;
            assert_turned_away(app.raw().await).await;
            assert!((closed(&app, "address_limit").await - 1.0).abs() < 0.1);
            drop(second);
            eventually("a place", SOON, async || open(&app).await < 1.5).await;
            ask(&mut app.raw().await).await;
        },
    );
}

#[test]
fn a_trusted_proxy_may_have_as_many_connections_as_there_are() {
    run::<TestApp>(
        Backend::Sqlite,
        |settings| {
            settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
            settings.server.max_connections_per_address = 2;
        },
        async |app| {
            let mut all = Vec::new();
            for _ in 0..5 {
                let mut raw = app.raw().await;
                ask(&mut raw).await;
                all.push(raw);
            }
            assert!((open(&app).await - 5.0).abs() < 0.1);
        },
    );
}

#[test]
fn an_idle_connection_is_closed_when_its_time_is_up_and_not_before() {
    const KEPT: Duration = Duration::from_millis(1500);
    run::<TestApp>(
        Backend::Sqlite,
        |settings| settings.server.keep_alive = KEPT,
        async |app| {
            let mut raw = app.raw().await;
            ask(&mut raw).await;
            // Another request in time begins it anew.
            assert!(raw.is_silent_for(KEPT / 3).await);
            ask(&mut raw).await;
            let since = Instant::now();
            let (rest, _) = raw.rest().await;
            let lasted = since.elapsed();
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
            // Actix takes the time from a clock that moves twice a second.
            assert!(lasted > KEPT / 2, "{lasted:?}");
            assert!(lasted < SOON, "{lasted:?}");
            eventually("none to be open", SOON, async || open(&app).await < 0.5).await;
        },
    );
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for_be_it_the_first_or_a_later_one() {
    const ALLOWED: Duration = Duration::from_millis(1200);
    run::<TestApp>(
        Backend::Sqlite,
        |settings| settings.server.header_timeout = ALLOWED,
        async |app| {
            let half = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
            let later = format!("{REQUEST}{half}");
            for (begun, before) in [("", 0), (half, 0), ("\r\n", 0), (&later, 1)] {
                let mut raw = app.raw().await;
                raw.send(begun).await;
                for _ in 0..before {
                    assert_eq!(raw.response().await.expect("an answer").status, 200);
                }
                let since = Instant::now();
                let answer = raw.response().await.expect("an answer");
                let lasted = since.elapsed();
                assert_problem(&answer.answer(), 408, "request_timeout");
                assert_eq!(answer.header("connection"), Some("close"), "{begun:?}");
                assert!(lasted > ALLOWED / 2, "{lasted:?}");
                assert!(lasted < SOON, "{lasted:?}");
                assert!(raw.rest().await.0.is_empty());
            }
            assert!((closed(&app, "header_timeout").await - 4.0).abs() < 0.1);
            // Nobody asked for anything else: there is nothing to count.
            let metrics = app.metrics().await;
            let counted = metrics.sum("http_requests_total", &[]);
            assert!((counted - 1.0).abs() < 0.1, "{counted}");
            // A head that comes in pieces, and in time, is as good as any. Between two, there is time for more than a head.
            let mut raw = app.raw().await;
            for _ in 0..2 {
                for piece in [&REQUEST[..5], &REQUEST[5..20], &REQUEST[20..]] {
                    raw.send(piece).await;
                    tokio::task::yield_now().await;
                }
                assert_eq!(raw.response().await.expect("an answer").status, 200);
                assert!(raw.is_silent_for(ALLOWED * 3 / 2).await);
            }
        },
    );
}
