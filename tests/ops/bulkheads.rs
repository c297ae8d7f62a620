//! Reads, writes and log-ins do not starve each other: what one kind waits for holds up that kind alone.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::database::Backend;
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

on_both!(
    a_table_locked_for_writers_leaves_readers_their_connections,
    |settings| {
        settings.database.max_connections = 4;
        settings.database.wait_timeout = Duration::from_secs(4);
        settings.database.statement_timeout = Duration::from_secs(20);
        settings.database.deadline = Duration::from_secs(25);
    }
);
async fn a_table_locked_for_writers_leaves_readers_their_connections(app: TestApp) {
    const WRITERS: usize = 12;
    // All but a quarter; on SQLite one writes at a time.
    let (pool, at_once) = match app.database().backend() {
        Backend::Postgres => (("pool", "primary"), 3),
        Backend::Sqlite => (("pool", "writer"), 1),
    };
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let held = HeldWrites::in_database(app.database());
    let writers = join_all((0..WRITERS).map(|_| app.place_order(&buyer, &product, 1)));
    let readers = async {
        eventually("as many writers as may be", SOON, async || {
            let metrics = app.metrics().await;
            let of = |name, labels: &[_]| format!("{}", metrics.value(name, labels));
            let used = of("db_pool_connections", &[pool, ("state", "used")]);
            let waiting = of("db_pool_waiting", &[pool]);
            let wanted = (at_once.to_string(), (WRITERS - at_once).to_string());
            if (&used, &waiting) == (&wanted.0, &wanted.1) {
                Ok(())
            } else {
                Err((used, waiting))
            }
        })
        .await;
        for _ in 0..20 {
            let path = format!("/api/v1/products/{product}");
            app.get(&path).send().await.expect(200);
        }
    };
    let freed = async {
        readers.await;
        // Those who got no connection have waited for it in vain by then.
        eventually("the others to give up", SOON, async || {
            let metrics = app.metrics().await;
            let given_up = metrics.value("db_pool_timeouts_total", &[pool, ("phase", "wait")]);
            format!("{given_up}") == (WRITERS - at_once).to_string()
        })
        .await;
        drop(held);
    };
    let (answers, ()) = tokio::join!(writers, freed);
    let (placed, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(placed.len(), at_once);
    for answer in refused {
        assert_problem(answer, 503, "overloaded");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

on_both!(two_hundred_log_ins_at_once_do_not_slow_orders, |settings| {
    // As in production: one hash takes tens of milliseconds and 19 MiB.
    settings.auth.argon2 = glasshouse::settings::Settings::default().auth.argon2;
});
async fn two_hundred_log_ins_at_once_do_not_slow_orders(app: TestApp) {
    const LOG_INS: usize = 200;
    let product = app.product("LAMP-1", 1000).await;
    let buyer = app.register("buyer@example.com").await;
    let order = async || {
        let asked = Instant::now();
        app.place_order(&buyer, &product, 1).await.expect(201);
        asked.elapsed()
    };
    let mut before = Vec::new();
    for _ in 0..20 {
        before.push(order().await);
    }
    let log_in = async || {
        let body = json!({"email": "buyer@example.com", "password": "not the password"});
        app.post("/api/v1/sessions").json(&body).send().await
    };
    let started = Instant::now();
    let log_ins = async {
        let answers = join_all((0..LOG_INS).map(|_| log_in())).await;
        (answers, started.elapsed())
    };
    let ordering = async {
        eventually("log-ins to be at it", SOON, async || {
            let metrics = app.metrics().await;
            metrics.value("http_admission_in_use", &[("class", "login")]) > 20.0
        })
        .await;
        let mut during = Vec::new();
        for _ in 0..20 {
            during.push(order().await);
        }
        during
    };
    let ((answers, storm), during) = tokio::join!(log_ins, ordering);
    for answer in &answers {
        match answer.status {
            401 => {}
            _ => {
                assert_problem(answer, 503, "overloaded");
            }
        }
    }
    let (before, during) = (median(before), median(during));
    // By far less than what the log-ins wait for each other.
    let most = (before * 2).max(storm / 10);
    assert!(
        during <= most,
        "{before:?} before, {during:?} in a storm of {storm:?}"
    );
}
