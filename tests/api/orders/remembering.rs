//! Which answers a key keeps: orders, and refusals for want of stock. Everything else leaves the key as it was, so that a
//! client that mends its request, or tries again later, may use it again.

use std::time::Duration;

use serde_json::json;

use super::{Contents, SOON, basket, hold_product, is_replayed, placing, stock};
use crate::support::eventually::eventually;
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

on_both!(a_refusal_for_want_of_stock_is_given_again);
async fn a_refusal_for_want_of_stock_is_given_again(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 1).await, app.product("CUP", 9).await);
    let body = basket(&[(&cup, 1), (&mug, 2)]);
    let before = Contents::of(app.database());
    let call = || placing(&app, &buyer, &body).key("k");
    let first = call().header("x-request-id", "the-first").send().await;
    let mut told = assert_problem(&first, 409, "out_of_stock");
    assert!(!is_replayed(&first));
    assert_eq!(
        Contents::of(app.database()),
        Contents { keys: 1, ..before },
        "nothing but the record"
    );

    // The stock that has come since makes no difference to this key; to another one it does.
    let more = json!({"stock_delta": 10});
    app.patch(&format!("/api/v1/products/{mug}"))
        .token(&app.operator().await)
        .json(&more)
        .send()
        .await
        .expect(200);
    let again = call().header("x-request-id", "the-second").send().await;
    let said_again = assert_problem(&again, 409, "out_of_stock");
    assert!(is_replayed(&again));
    assert_eq!(
        (&told["request_id"], &said_again["request_id"]),
        (&json!("the-first"), &json!("the-second"))
    );
    told["request_id"] = said_again["request_id"].clone();
    assert_eq!(said_again, told, "the same but for the request's id");
    assert_fields(&said_again, &["items[1].quantity"]);
    let other = placing(&app, &buyer, &basket(&[(&mug, 1)]))
        .key("k")
        .send()
        .await;
    assert_problem(&other, 422, "idempotency_key_reuse");
    placing(&app, &buyer, &body)
        .key("l")
        .send()
        .await
        .expect(201);
    let contents = Contents::of(app.database());
    assert_eq!((contents.orders, contents.keys), (1, 2));
}

on_both!(what_a_client_can_mend_leaves_the_key_free);
async fn what_a_client_can_mend_leaves_the_key_free(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, gold) = (app.product("MUG", 5).await, app.product("GOLD", 5).await);
    app.database().execute(&format!(
        "UPDATE products SET unit_price_cents = {} WHERE id = '{gold}'",
        i64::MAX
    ));
    let whole = basket(&[(&mug, 1)]);
    let unknown = uuid::Uuid::now_v7().to_string();
    for (body, status, code) in [
        (json!({"items": []}), 422, "invalid_body"),
        (
            json!({"items": [{"product_id": mug, "quantity": 1, "colour": "blue"}]}),
            422,
            "invalid_body",
        ),
        (basket(&[(&mug, 1), (&mug, 1)]), 422, "duplicate_product"),
        (basket(&[(&unknown, 1)]), 422, "unknown_product"),
        (basket(&[(&gold, 2)]), 422, "total_overflow"),
    ] {
        assert_problem(
            &placing(&app, &buyer, &body).key("k").send().await,
            status,
            code,
        );
    }
    let call = || app.post("/api/v1/orders").key("k");
    assert_problem(
        &call()
            .token(&buyer)
            .body("application/json", "{")
            .send()
            .await,
        400,
        "malformed_request",
    );
    assert_problem(
        &call()
            .token(&buyer)
            .body("text/plain", whole.to_string())
            .send()
            .await,
        415,
        "unsupported_media_type",
    );
    let large = format!("{}{}", " ".repeat(64 * 1024), whole);
    assert_problem(
        &call()
            .token(&buyer)
            .body("application/json", large)
            .send()
            .await,
        413,
        "body_too_large",
    );
    assert_problem(&call().json(&whole).send().await, 401, "unauthenticated");
    let contents = Contents::of(app.database());
    assert_eq!((contents.orders, contents.keys), (0, 0));

    let placed = placing(&app, &buyer, &whole)
        .key("k")
        .send()
        .await
        .expect(201);
    assert!(!is_replayed(&placed));
    assert_eq!(stock(&app, &mug).await, 4);
}

on_both!(
    a_refusal_by_the_rate_limit_leaves_the_key_free,
    |settings| {
        settings.rate_limit.api.rate = Some("5/s".parse().expect("a rate"));
        settings.rate_limit.api.burst = 5;
    }
);
async fn a_refusal_by_the_rate_limit_leaves_the_key_free(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 1000).await;
    let body = basket(&[(&mug, 1)]);
    let call = |key: &str| placing(&app, &buyer, &body).key(key).send();
    let mut keys = (0..).map(|number| format!("key-{number}"));
    let key = loop {
        while app
            .get("/api/v1/accounts/me")
            .token(&buyer)
            .send()
            .await
            .status
            != 429
        {}
        let key = keys.next().expect("endless");
        let answer = call(&key).await;
        // One that came just when the bucket had a drop again proves nothing.
        if answer.status == 429 {
            assert_problem(&answer, 429, "rate_limited");
            break key;
        }
    };
    let records = format!("SELECT count(*) AS number FROM idempotency_keys WHERE key = '{key}'");
    assert_eq!(app.database().number(&records), 0);
    let placed = eventually("the bucket to fill", SOON, async || {
        let answer = call(&key).await;
        if answer.status == 429 {
            Err("429")
        } else {
            Ok(answer)
        }
    });
    assert!(!is_replayed(&placed.await.expect(201)));
}

on_both!(a_failure_of_the_database_leaves_the_key_free, |settings| {
    settings.database.statement_timeout = Duration::from_millis(200);
    settings.database.deadline = Duration::from_millis(400);
});
async fn a_failure_of_the_database_leaves_the_key_free(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 5).await;
    let body = basket(&[(&mug, 1)]);
    let before = Contents::of(app.database());
    let call = || placing(&app, &buyer, &body).key("k");

    let held = hold_product(&app, &mug);
    let late = call().send().await;
    assert_problem(&late, 503, "database_unavailable");
    assert!(late.header("retry-after").is_some());
    drop(held);
    assert_eq!(Contents::of(app.database()), before);

    // A table that is missing, near the end of the work.
    app.database()
        .execute("ALTER TABLE outbox_events RENAME TO events_elsewhere");
    assert_problem(&call().send().await, 503, "database_unavailable");
    app.database()
        .execute("ALTER TABLE events_elsewhere RENAME TO outbox_events");
    assert_eq!(Contents::of(app.database()), before);

    let placed = call().send().await.expect(201);
    assert!(!is_replayed(&placed));
    assert!(is_replayed(&call().send().await.expect(201)));
    assert_eq!(stock(&app, &mug).await, 4);
}
