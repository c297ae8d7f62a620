//! The numbers about orders after a scripted sequence: exactly what was done, in every series, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};

use super::{basket, hold_product, id, key_is_claimed, placing, product, step};
use crate::support::client::Account;
use crate::support::database::Backend;
use crate::support::metrics::Metrics;
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// The families with the labels that tell their series apart.
const FAMILIES: [(&str, &[&str]); 5] = [
    ("orders_created_total", &["product_type"]),
    ("orders_rejected_total", &["reason"]),
    ("order_creation_duration_seconds_count", &["outcome"]),
    ("idempotent_requests_total", &["outcome"]),
    ("order_transitions_total", &["from", "to"]),
];

/// Every series of the families, by name and label values, with its number.
fn counted(metrics: &Metrics) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, labels) in FAMILIES {
        for sample in metrics.all(name, &[]) {
            assert_eq!(sample.labels.len(), labels.len(), "{sample:?}");
            let values: Vec<_> = labels
                .iter()
                .map(|label| sample.labels[*label].as_str())
                .collect();
            all.insert(
                format!("{name} {}", values.join(" ")),
                sample.value.to_string(),
            );
        }
    }
    all
}

/// The same as expected, from lines of `name labels number`.
fn expected(lines: &str, in_progress: u32) -> BTreeMap<String, String> {
    let lines = lines
        .replace("IN_PROGRESS", &in_progress.to_string())
        .replace("REJECTED", &(11 + in_progress).to_string());
    let line = |line: &str| {
        let (series, number) = line.trim().rsplit_once(' ').expect("a number");
        (series.to_owned(), number.to_owned())
    };
    lines.trim().lines().map(line).collect()
}

const AFTERWARDS: &str = "
    orders_created_total physical 3
    orders_created_total digital 1
    orders_created_total service 1
    orders_created_total subscription 1
    orders_created_total mixed 2
    orders_rejected_total out_of_stock 2
    orders_rejected_total unknown_product 1
    orders_rejected_total duplicate_product 1
    orders_rejected_total total_overflow 1
    orders_rejected_total invalid 5
    orders_rejected_total key_reuse 1
    orders_rejected_total in_progress IN_PROGRESS
    order_creation_duration_seconds_count created 8
    order_creation_duration_seconds_count replayed 4
    order_creation_duration_seconds_count rejected REJECTED
    order_creation_duration_seconds_count failed 1
    idempotent_requests_total new 5
    idempotent_requests_total replayed 4
    idempotent_requests_total in_progress IN_PROGRESS
    idempotent_requests_total reused 1
    order_transitions_total placed paid 3
    order_transitions_total paid shipped 2
    order_transitions_total shipped delivered 1
    order_transitions_total placed cancelled 1
    order_transitions_total paid cancelled 1
";

/// One product of each type.
struct Shelf {
    mug: String,
    song: String,
    repair: String,
    magazine: String,
    gold: String,
}

impl Shelf {
    async fn of(app: &TestApp) -> Self {
        let shelf = Self {
            mug: product(app, "MUG", "physical", 1999, 100).await,
            song: product(app, "SONG", "digital", 99, 100).await,
            repair: product(app, "REPAIR", "service", 5000, 100).await,
            magazine: product(app, "MAGAZINE", "subscription", 800, 100).await,
            gold: product(app, "GOLD", "physical", 1, 100).await,
        };
        let dearest = format!(
            "UPDATE products SET unit_price_cents = {} WHERE id = '{}'",
            i64::MAX,
            shelf.gold
        );
        app.database().execute(&dearest);
        shelf
    }
}

on_both!(
    the_numbers_about_orders_are_exactly_what_was_done,
    |settings| {
        settings.database.statement_timeout = Duration::from_millis(500);
    }
);
async fn the_numbers_about_orders_are_exactly_what_was_done(app: TestApp) {
    let zero = counted(&app.metrics().await);
    let all = expected(AFTERWARDS, 0);
    assert!(
        zero.keys().eq(all.keys()),
        "every series is there from the start: {zero:?}"
    );
    assert!(zero.values().all(|number| number == "0"), "{zero:?}");

    let (buyer, shelf) = (
        app.register("buyer@example.com").await,
        Shelf::of(&app).await,
    );
    let orders = create(&app, &buyer, &shelf).await;
    refuse(&app, &buyer, &shelf).await;
    move_along(&app, &buyer, &orders).await;
    let in_progress = fail(&app, &buyer, &shelf).await;

    let metrics = app.metrics().await;
    assert_eq!(counted(&metrics), expected(AFTERWARDS, in_progress));
    for outcome in ["created", "replayed", "rejected", "failed"] {
        let labels = [("outcome", outcome)];
        let seconds = metrics.value("order_creation_duration_seconds_sum", &labels);
        assert!(seconds > 0.0 && seconds < 60.0, "{outcome}: {seconds} s");
    }
    let failed = metrics.value(
        "order_creation_duration_seconds_sum",
        &[("outcome", "failed")],
    );
    assert!(failed > 0.4, "it waited for a lock: {failed} s");
}

/// Seven orders, three of them with a key; four answers given again.
async fn create(app: &TestApp, buyer: &Account, shelf: &Shelf) -> Vec<Value> {
    let Shelf {
        mug,
        song,
        repair,
        magazine,
        ..
    } = shelf;
    let mut orders = Vec::new();
    for (items, key) in [
        (&[(mug, 2)][..], None),
        (&[(mug, 1)], Some("a")),
        (&[(song, 1)], None),
        (&[(repair, 1)], None),
        (&[(magazine, 1)], None),
        (&[(mug, 1), (song, 1)], Some("b")),
        (
            &[(mug, 1), (song, 1), (repair, 1), (magazine, 1)],
            Some("c"),
        ),
    ] {
        let call = || placing(app, buyer, &basket(items));
        let Some(key) = key else {
            orders.push(call().send().await.expect(201).json());
            continue;
        };
        orders.push(call().key(key).send().await.expect(201).json());
        call().key(&format!("\"{key}\"")).send().await.expect(201);
    }
    let short = || {
        placing(app, buyer, &basket(&[(mug, 1000)]))
            .key("short")
            .send()
    };
    short().await.expect(409);
    short().await.expect(409);
    orders
}

/// Ten refusals beside the one above, and what is none.
async fn refuse(app: &TestApp, buyer: &Account, shelf: &Shelf) {
    let Shelf { mug, gold, .. } = shelf;
    let send = async |body: &Value, key: &str, status: u16| {
        placing(app, buyer, body)
            .key(key)
            .send()
            .await
            .expect(status);
    };
    let unknown = uuid::Uuid::now_v7().to_string();
    placing(app, buyer, &basket(&[(mug, 1000)]))
        .send()
        .await
        .expect(409);
    send(&basket(&[(&unknown, 1)]), "d", 422).await;
    send(&basket(&[(mug, 1), (mug, 1)]), "d", 422).await;
    send(&basket(&[(gold, 2)]), "d", 422).await;
    send(&basket(&[(mug, 7)]), "a", 422).await;
    // These five are all `invalid`.
    send(&json!({"items": []}), "d", 422).await;
    send(&json!({"items": 1}), "d", 422).await;
    send(&basket(&[(mug, 1)]), "d e", 400).await;
    let call = || app.post("/api/v1/orders").token(buyer);
    call()
        .body("application/json", "{")
        .send()
        .await
        .expect(400);
    call().body("text/plain", "{}").send().await.expect(415);
    // Of nobody's requests, and of wrong methods, the numbers about requests tell.
    app.post("/api/v1/orders")
        .json(&basket(&[(mug, 1)]))
        .send()
        .await
        .expect(401);
    app.put("/api/v1/orders")
        .token(buyer)
        .json(&basket(&[(mug, 1)]))
        .send()
        .await
        .expect(405);
}

/// Eight steps, and some that are refused.
async fn move_along(app: &TestApp, buyer: &Account, orders: &[Value]) {
    let operator = app.operator().await;
    for (order, actions) in [
        (0, &["pay", "ship", "deliver"][..]),
        (1, &["pay", "ship"]),
        (2, &["pay", "cancel"]),
        (3, &["cancel"]),
    ] {
        for action in actions {
            step(app, &operator, id(&orders[order]), action)
                .await
                .expect(200);
        }
        for (account, action, status) in [(&operator, "pay", 409), (buyer, "ship", 403)] {
            step(app, account, id(&orders[order]), action)
                .await
                .expect(status);
        }
    }
}

/// A request that the database fails, and an order with its key once the database works again. On PostgreSQL one more
/// comes meanwhile; SQLite has one writer, which it would wait for. Tells how many came meanwhile.
async fn fail(app: &TestApp, buyer: &Account, shelf: &Shelf) -> u32 {
    let call = || {
        placing(app, buyer, &basket(&[(&shelf.mug, 1)]))
            .key("failing")
            .send()
    };
    let held = hold_product(app, &shelf.mug);
    let meanwhile = async {
        if app.database().backend() == Backend::Sqlite {
            return 0;
        }
        key_is_claimed(app).await;
        call().await.expect(409);
        1
    };
    let (failed, in_progress) = join(call(), meanwhile).await;
    failed.expect(503);
    drop(held);
    call().await.expect(201);
    in_progress
}
