//! What the pool tells of itself when it is starved, and when its connections grow old or idle: the numbers by which an
//! operator sees starvation before users feel it.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::database::Backend;
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::json::assert_problem;
use crate::support::metrics::{Metrics, whole};
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

/// The pool that writes go through.
fn pool(app: &TestApp) -> (&'static str, &'static str) {
    match app.database().backend() {
        Backend::Postgres => ("pool", "primary"),
        Backend::Sqlite => ("pool", "writer"),
    }
}

fn connections(metrics: &Metrics, pool: (&str, &str)) -> (u64, u64) {
    let of = |state| whole(metrics.value("db_pool_connections", &[pool, ("state", state)]));
    (of("used"), of("idle"))
}

on_both!(a_starved_pool_is_told_to_the_last_refusal, |settings| {
    settings.database.max_connections = 1;
    // So long that a scrape falls into it on a busy machine too.
    settings.database.wait_timeout = Duration::from_secs(2);
    settings.database.statement_timeout = Duration::from_secs(10);
    settings.database.deadline = Duration::from_secs(12);
});
async fn a_starved_pool_is_told_to_the_last_refusal(app: TestApp) {
    const REFUSED: usize = 12;
    let pool = pool(&app);
    let product = app.product("LAMP-1", 100).await;
    let operator = app.operator().await;
    let before = app.metrics().await;
    assert_eq!(connections(&before, pool), (0, 1));

    let held = HeldWrites::in_database(app.database());
    let first = app.place_order(&operator, &product, 1);
    let starving = async {
        eventually("the connection to be used", SOON, async || {
            connections(&app.metrics().await, pool) == (1, 0)
        })
        .await;
        let others = (0..REFUSED).map(|_| app.place_order(&operator, &product, 1));
        let watching = eventually("callers to wait", SOON, async || {
            let metrics = app.metrics().await;
            whole(metrics.value("db_pool_waiting", &[pool])) >= 2
        });
        let (answers, ()) = tokio::join!(join_all(others), watching);
        for answer in &answers {
            assert_problem(answer, 503, "overloaded");
            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=5).contains(&after), "{after}");
        }
        drop(held);
    };
    let (first, ()) = tokio::join!(first, starving);
    first.expect(201);

    let after = eventually("the connection to come back", SOON, async || {
        let metrics = app.metrics().await;
        (connections(&metrics, pool) == (0, 1)).then_some(metrics)
    });
    let after = after.await;
    let more = |name: &str, labels: &[(&str, &str)]| {
        whole(after.value(name, labels) - before.value(name, labels))
    };
    let refused = u64::try_from(REFUSED).unwrap();
    let of_phase = |phase| more("db_pool_timeouts_total", &[pool, ("phase", phase)]);
    assert_eq!(
        (of_phase("wait"), of_phase("create"), of_phase("recycle")),
        (refused, 0, 0)
    );
    let rejected = [("reason", "pool")];
    assert_eq!(more("http_requests_rejected_total", &rejected), refused);
    let answered = [
        ("method", "POST"),
        ("path", "/api/v1/orders"),
        ("status", "503"),
    ];
    assert_eq!(more("http_requests_total", &answered), refused);
    assert_eq!(more("db_errors_total", &[("kind", "pool_wait")]), refused);
    let failed = [("operation", "insert_order"), ("outcome", "failed")];
    let operations = "db_operation_duration_seconds_count";
    assert_eq!(more(operations, &failed), refused);
    assert_eq!(more("db_pool_wait_seconds_count", &[pool]), refused + 1);
    assert_eq!(more("db_pool_hold_seconds_count", &[pool]), 1);
    let seconds = |name| after.value(name, &[pool]) - before.value(name, &[pool]);
    let waited = seconds("db_pool_wait_seconds_sum");
    let lasted = f64::from(u32::try_from(REFUSED).unwrap()) * 2.0;
    assert!(waited >= lasted, "{waited} s waited by those refused");
    let held = seconds("db_pool_hold_seconds_sum");
    assert!(held >= 2.0, "{held} s held");
    assert_eq!(whole(after.value("db_pool_connections_max", &[pool])), 1);
    assert_eq!(whole(after.value("db_pool_waiting", &[pool])), 0);
}

on_both!(
    idle_connections_are_closed_down_to_the_least_that_is_kept,
    |settings| {
        settings.database.max_connections = 6;
        settings.database.min_idle = 2;
        settings.database.idle_timeout = Duration::from_millis(500);
    }
);
async fn idle_connections_are_closed_down_to_the_least_that_is_kept(app: TestApp) {
    let pool = match app.database().backend() {
        Backend::Postgres => ("pool", "primary"),
        Backend::Sqlite => ("pool", "reader"),
    };
    let kept = match app.database().backend() {
        Backend::Postgres => 2,
        Backend::Sqlite => 1, // one of the two is the writer
    };
    let opened = eventually("a burst to open more connections", SOON, async || {
        let burst = (0..12).map(|_| app.get("/api/v1/products?limit=100").send());
        join_all(burst).await;
        let metrics = app.metrics().await;
        let opened = whole(metrics.value("db_pool_connections_opened_total", &[pool]));
        if opened > kept {
            Ok(opened)
        } else {
            Err(opened)
        }
    })
    .await;
    let idle = [pool, ("reason", "idle")];
    eventually("the idle ones to be closed", SOON, async || {
        let metrics = app.metrics().await;
        let counted = |name: &str| whole(metrics.sum(name, &[pool]));
        let all_opened = counted("db_pool_connections_opened_total");
        let closed = whole(metrics.value("db_pool_connections_closed_total", &idle));
        // Looked at while one is being closed, they may differ by it.
        let adds_up = closed >= opened - kept
            && counted("db_pool_connections_closed_total") == closed
            && all_opened - closed == kept;
        if connections(&metrics, pool) == (0, kept) && adds_up {
            Ok(())
        } else {
            Err((connections(&metrics, pool), all_opened, closed))
        }
    })
    .await;
    at_the_server(&app, kept + 1).await;
}

/// PostgreSQL's own view: the pool and the health check's connection, and nothing leaked.
async fn at_the_server(app: &TestApp, expected: u64) {
    if app.database().backend() == Backend::Sqlite {
        return;
    }
    let query = "SELECT count(*) AS number FROM pg_stat_activity \
                 WHERE application_name = 'glasshouse' AND datname = current_database()";
    eventually("the server to see as many", SOON, async || {
        let seen = app.database().number(query);
        if u64::try_from(seen) == Ok(expected) {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
}

on_both!(
    old_connections_are_replaced_and_nobody_notices,
    |settings| {
        settings.database.max_connections = 2;
        settings.database.min_idle = 1;
        settings.database.max_lifetime = Duration::from_millis(300);
    }
);
async fn old_connections_are_replaced_and_nobody_notices(app: TestApp) {
    let pool = match app.database().backend() {
        Backend::Postgres => ("pool", "primary"),
        Backend::Sqlite => ("pool", "reader"),
    };
    let old = [pool, ("reason", "max_lifetime")];
    let metrics = eventually("three connections to grow old", SOON, async || {
        app.get("/api/v1/products").send().await.expect(200);
        let metrics = app.metrics().await;
        let closed = metrics.value("db_pool_connections_closed_total", &old);
        (closed > 2.5).then_some(metrics)
    })
    .await;
    let all = metrics.sum("db_pool_connections_closed_total", &[pool]);
    let closed = metrics.value("db_pool_connections_closed_total", &old);
    assert!((all - closed).abs() < 0.5, "none for another reason");
    let (used, idle) = connections(&metrics, pool);
    let opened = whole(metrics.value("db_pool_connections_opened_total", &[pool]));
    assert_eq!(opened - whole(closed), used + idle);
    assert!(metrics.sum("db_errors_total", &[]) < 0.5);
    at_the_server(&app, used + idle + 1).await;
}
