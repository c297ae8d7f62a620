//! How many connections there may be, how long each may idle, and how long one may take to say what it wants.

use std::time::{Duration, Instant};

use crate::support::database::Backend;
use crate::support::eventually::eventually;
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

#[test]
fn one_connection_too_many_waits_until_another_ends() {
    run::<TestApp>(
        Backend::Sqlite,
        |settings| {
            settings.server.workers = 1;
            settings.server.max_connections = 3;
        },
        async |app| {
            let mut admitted = Vec::new();
            for _ in 0..3 {
                let mut raw = app.raw().await;
                ask(&mut raw).await;
                admitted.push(raw);
            }
            // It waits with the kernel: nobody has turned it away, and nobody has heard of it.
            let mut waiting = app.raw().await;
            waiting.send(REQUEST).await;
            assert!(waiting.is_silent_for(Duration::from_millis(500)).await);
            assert!((open(&app).await - 3.0).abs() < 0.1);
            for raw in &mut admitted {
                ask(raw).await;
            }
            // The admin listener is not concerned.
            app.admin().get("/health/ready").send().await.expect(200);
            drop(admitted.pop());
            let answer = waiting.response().await.expect("an answer");
            assert_eq!(answer.status, 200);
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
fn a_first_head_that_does_not_come_is_not_waited_for() {
    const ALLOWED: Duration = Duration::from_millis(1200);
    run::<TestApp>(
        Backend::Sqlite,
        |settings| settings.server.header_timeout = ALLOWED,
        async |app| {
            for begun in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
                let mut raw = app.raw().await;
                raw.send(begun).await;
                let since = Instant::now();
                let answer = raw.response().await.map(|answer| answer.status);
                let lasted = since.elapsed();
                assert_eq!(answer, Some(408), "{begun:?}");
                assert!(lasted > ALLOWED / 2, "{lasted:?}");
                assert!(lasted < SOON, "{lasted:?}");
                raw.rest().await;
            }
            // Nobody asked for anything: there is nothing to count.
            let metrics = app.metrics().await;
            assert!(metrics.sum("http_requests_total", &[]) < 0.5);
            // A head that comes in pieces, and in time, is as good as any.
            let mut raw = app.raw().await;
            for piece in [&REQUEST[..5], &REQUEST[5..20], &REQUEST[20..]] {
                raw.send(piece).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(raw.response().await.expect("an answer").status, 200);
        },
    );
}
