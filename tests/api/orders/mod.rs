//! Orders as their clients know them: placed once, as a whole or not at all, never more than there is, moved along one
//! table. What the database holds afterwards is looked up past the service.
//!
//! # Layout
//! - `placing`: what is taken and what is refused; `idempotency`, `remembering`: keys, and which answers they keep
//! - `in_progress`: keys whose first request still runs; `contention`: many at once; `replicas`: at two services
//! - `transitions`, `races`: from status to status; `reading`: lists, single orders, whose they are
//! - `counting`: the metrics after a scripted sequence

mod contention;
mod counting;
mod idempotency;
mod in_progress;
mod placing;
mod races;
mod reading;
mod remembering;
mod replicas;
mod transitions;

use std::time::Duration;

use glasshouse::settings::Settings;
use serde_json::{Value, json};

use crate::support::client::{Account, Answer, Call};
use crate::support::database::{Held, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::test_app::TestApp;

/// Longest wait for something that takes milliseconds, on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Settings for tests with many requests at once that are not about overload: nobody is turned away for waiting long,
/// however slow the machine's disk.
const PATIENT: fn(&mut Settings) = |settings| {
    let patience = Duration::from_secs(20);
    settings.database.wait_timeout = patience;
    settings.database.statement_timeout = patience;
    settings.database.deadline = patience;
};

/// The body of an order.
fn basket<P: AsRef<str>>(items: &[(P, u32)]) -> Value {
    let item = |(product, quantity): &(P, u32)| json!({"product_id": product.as_ref(), "quantity": quantity});
    json!({"items": items.iter().map(item).collect::<Vec<_>>()})
}

/// A request to place an order.
fn placing(app: &TestApp, account: &Account, body: &Value) -> Call {
    app.post("/api/v1/orders").token(account).json(body)
}

/// An order that is placed: one piece of the product.
async fn place(app: &TestApp, account: &Account, product: &str) -> Value {
    app.place_order(account, product, 1)
        .await
        .expect(201)
        .json()
}

/// The id of an order or of a product.
#[track_caller]
fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

/// Asks for a step: `cancel`, `pay`, `ship` or `deliver`.
async fn step(app: &TestApp, account: &Account, order: &str, action: &str) -> Answer {
    let path = format!("/api/v1/orders/{order}/{action}");
    app.post(&path).token(account).send().await
}

/// How many pieces the API says there are.
async fn stock(app: &TestApp, product: &str) -> i64 {
    let path = format!("/api/v1/products/{product}");
    let product = app.get(&path).send().await.expect(200).json();
    product["stock"].as_i64().expect("a stock")
}

/// A product of any type and price; its id.
async fn product(app: &TestApp, sku: &str, kind: &str, cents: i64, pieces: u32) -> String {
    let body = json!({
        "sku": sku, "name": format!("The {sku}"), "product_type": kind, "unit_price_cents": cents, "stock": pieces,
    });
    let call = app.post("/api/v1/products").token(&app.operator().await);
    id(&call.json(&body).send().await.expect(201).json()).to_owned()
}

/// All that placing and moving orders may change, counted in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Contents {
    orders: i64,
    lines: i64,
    steps: i64,
    events: i64,
    keys: i64,
    pieces: i64,
}

impl Contents {
    fn of(database: &TestDatabase) -> Self {
        // One query, because each opens a connection of its own.
        let numbers = database.texts(
            "SELECT CAST((SELECT count(*) FROM orders) AS text) || ' ' || (SELECT count(*) FROM order_lines) || ' ' || \
             (SELECT count(*) FROM order_history) || ' ' || (SELECT count(*) FROM outbox_events) || ' ' || \
             (SELECT count(*) FROM idempotency_keys) || ' ' || (SELECT coalesce(sum(stock), 0) FROM products) AS text",
        );
        let numbers = numbers[0]
            .split(' ')
            .map(|number| number.parse().expect("a count"));
        let numbers: Vec<i64> = numbers.collect();
        let [orders, lines, steps, events, keys, pieces] = numbers[..] else {
            panic!("six numbers, not {numbers:?}");
        };
        Self {
            orders,
            lines,
            steps,
            events,
            keys,
            pieces,
        }
    }
}

/// Makes whoever wants this product wait, until the value is dropped; on SQLite, whoever wants to write anything.
fn hold_product(app: &TestApp, product: &str) -> Held {
    let lock = format!("SELECT 1 FROM products WHERE id = '{product}' FOR UPDATE");
    app.database().hold(&lock)
}

/// Waits until so many requests are at work in the database. Told by the pool, which is asked without the database.
async fn at_work_in_the_database(app: &TestApp, requests: u32) {
    eventually("requests at work in the database", SOON, async || {
        let metrics = app.metrics().await;
        let used = metrics.sum("db_pool_connections", &[("state", "used")]);
        (used >= f64::from(requests)).then_some(()).ok_or(used)
    })
    .await;
}

/// Waits until a request has claimed its key, on PostgreSQL: until then another one with it could be the first.
async fn key_is_claimed(app: &TestApp) {
    let claims = "SELECT count(*) AS number FROM pg_locks WHERE locktype = 'advisory' AND database = \
                  (SELECT oid FROM pg_database WHERE datname = current_database())";
    let look = async || app.database().number(claims) > 0;
    eventually("a claim of a key", SOON, look).await;
}

/// Whether the answer says that it was given before.
fn is_replayed(answer: &Answer) -> bool {
    match answer.header("idempotency-replayed") {
        None => false,
        Some(value) => {
            assert_eq!(value, "true");
            true
        }
    }
}
