//! The catalog as its clients know it: anyone reads it, operators change it, and who has a version already is not sent it
//! again.
//!
//! # Layout
//! - `adding`: what is taken and what is refused; `changing`: names, prices and stock
//! - `versions`: entity tags; `listing`: pages, types, what is not there

mod adding;
mod changing;
mod listing;
mod versions;

use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::test_app::TestApp;

/// The most pieces, and the highest price.
const MOST_PIECES: i64 = 1_000_000_000_000;
const HIGHEST_PRICE: i64 = 10_000_000_000;

/// A product that breaks no rule.
fn mug(sku: &str) -> Value {
    json!({"sku": sku, "name": "Stoneware mug", "product_type": "physical", "unit_price_cents": 1490, "stock": 3})
}

/// The same but for one field.
fn mug_with(field: &str, value: Value) -> Value {
    let mut body = mug("MUG-1");
    body[field] = value;
    body
}

/// Has the operator put it into the catalog.
async fn add(app: &TestApp, body: &Value) -> Answer {
    let operator = app.operator().await;
    let call = app.post("/api/v1/products").token(&operator);
    call.json(body).send().await
}

/// A product that is there.
async fn added(app: &TestApp, body: &Value) -> Value {
    add(app, body).await.expect(201).json()
}

fn path(product: &Value) -> String {
    format!(
        "/api/v1/products/{}",
        product["id"].as_str().expect("an id")
    )
}

/// Has the operator change it.
async fn change(app: &TestApp, product: &Value, body: &Value) -> Answer {
    let operator = app.operator().await;
    let call = app.patch(&path(product)).token(&operator);
    call.json(body).send().await
}

/// As anyone sees it.
async fn shown(app: &TestApp, product: &Value) -> Answer {
    app.get(&path(product)).send().await.expect(200)
}

/// The entity tag of an answer, which is a strong one.
#[track_caller]
fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").expect("an ETag");
    let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let is_strong = inner.is_some_and(|inner| !inner.is_empty() && !inner.contains('"'));
    assert!(is_strong, "{tag}");
    tag.to_owned()
}

/// The products of a page.
#[track_caller]
fn items(page: &Value) -> &[Value] {
    page["items"].as_array().expect("items")
}

/// How many there are in the whole catalog, past the service.
fn count(app: &TestApp) -> i64 {
    app.database()
        .number("SELECT count(*) AS number FROM products")
}
