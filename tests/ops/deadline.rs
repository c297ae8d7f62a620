//! The deadline of a request goes with it to the database: nothing is begun, waited for or committed for whom nobody waits.
//! What becomes of work that waits for its thread is told beside the pool (`src/database/tests.rs`).

use std::time::Duration;

use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::json::assert_problem;
use crate::support::metrics::whole;
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

fn of_writes(app: &TestApp) -> (&'static str, &'static str) {
    match app.database().file() {
        None => ("pool", "primary"),
        Some(_) => ("pool", "writer"),
    }
}

async fn holds(app: &TestApp) -> u64 {
    let metrics = app.metrics().await;
    whole(metrics.value("db_pool_hold_seconds_count", &[of_writes(app)]))
}

on_both!(
    nothing_is_done_for_a_request_whose_deadline_has_passed,
    |settings| {
        settings.server.request_timeout = Duration::from_secs(2);
        settings.database.wait_timeout = Duration::from_secs(40);
        settings.database.statement_timeout = Duration::from_mins(1);
        settings.database.deadline = Duration::from_mins(1);
    }
);
async fn nothing_is_done_for_a_request_whose_deadline_has_passed(app: TestApp) {
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let before = holds(&app).await;
    let held = HeldWrites::in_database(app.database());
    let late = app.place_order(&buyer, &product, 1).await;
    assert_problem(&late, 503, "deadline_exceeded");
    // Long before its statement would have been ended, and while what it waits for is held still.
    eventually("its connection to come back", SOON, async || {
        let now = holds(&app).await;
        if now > before { Ok(()) } else { Err(now) }
    })
    .await;
    drop(held);
    app.place_order(&buyer, &product, 1).await.expect(201);
    let stored = app
        .database()
        .number("SELECT count(*) AS number FROM orders");
    assert_eq!(
        stored, 1,
        "the one that was told that it was too late is not there"
    );
}

on_both!(
    work_that_gets_its_lock_after_the_deadline_is_not_committed,
    |settings| {
        settings.server.request_timeout = Duration::from_secs(2);
        settings.database.wait_timeout = Duration::from_secs(40);
        // Less than the bound that a deadline puts on statements, which thus does not come into it.
        settings.database.statement_timeout = Duration::from_millis(2_200);
        settings.database.deadline = Duration::from_mins(1);
    }
);
async fn work_that_gets_its_lock_after_the_deadline_is_not_committed(app: TestApp) {
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let before = holds(&app).await;
    let held = HeldWrites::in_database(app.database());
    let late = app.place_order(&buyer, &product, 1).await;
    assert_problem(&late, 503, "deadline_exceeded");
    drop(held);
    eventually("its connection to come back", SOON, async || {
        holds(&app).await > before
    })
    .await;
    let stored = app
        .database()
        .number("SELECT count(*) AS number FROM orders");
    assert_eq!(stored, 0);
}
