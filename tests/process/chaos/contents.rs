//! What the database holds in the end, read past the service. Ids are text, which sorts as they do.

use std::collections::BTreeMap;

use serde_json::Value;

use super::history::{Line, Status};
use crate::support::database::TestDatabase;

/// An order with everything that hangs on it.
#[derive(Debug, Clone)]
pub(crate) struct StoredOrder {
    pub(crate) account: String,
    /// As it is stored, known or not.
    pub(crate) status: String,
    pub(crate) total_cents: i64,
    pub(crate) lines: Vec<Line>,
    /// Its history: where it came from, nothing at first, and where it went.
    pub(crate) steps: Vec<(String, String)>,
    pub(crate) events: Vec<Event>,
}

/// What was written down for delivery: its type, and what it says of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) order: String,
    pub(crate) status: Option<Status>,
    pub(crate) total_cents: Option<i64>,
}

/// What is remembered of a key.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub(crate) account: String,
    pub(crate) key: String,
    /// Nothing, when it was a refusal.
    pub(crate) order: Option<String>,
}

/// A product.
#[derive(Debug, Clone)]
pub(crate) struct StoredProduct {
    pub(crate) name: String,
    pub(crate) stock: i64,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    pub(crate) orders: BTreeMap<String, StoredOrder>,
    pub(crate) keys: Vec<StoredKey>,
    pub(crate) products: BTreeMap<String, StoredProduct>,
    /// Events whose subject is no order.
    pub(crate) strays: Vec<String>,
}

impl Contents {
    /// As they are now.
    pub(crate) fn of(database: &TestDatabase) -> Self {
        let rows = |query: &str, columns: usize| {
            let rows = database.texts(query).into_iter();
            let cut = |row: String| row.splitn(columns, '|').map(str::to_owned).collect();
            rows.map(cut).collect::<Vec<Vec<String>>>()
        };
        let mut all = Self::default();
        for row in rows(
            "SELECT id || '|' || account_id || '|' || status || '|' || total_cents AS text FROM orders",
            4,
        ) {
            let [id, account, status, total] = four(row);
            let order = StoredOrder {
                account,
                status,
                total_cents: number(&total),
                lines: Vec::new(),
                steps: Vec::new(),
                events: Vec::new(),
            };
            all.orders.insert(id, order);
        }
        for row in rows(
            "SELECT order_id || '|' || product_id || '|' || quantity || '|' || unit_price_cents || '|' || line_total_cents \
             AS text FROM order_lines ORDER BY order_id, line_no",
            5,
        ) {
            let line = Line {
                product: row[1].clone(),
                quantity: number(&row[2]),
                price_cents: number(&row[3]),
                total_cents: number(&row[4]),
            };
            all.order(&row[0]).lines.push(line);
        }
        for row in rows(
            "SELECT order_id || '|' || coalesce(from_status, '') || '|' || to_status AS text FROM order_history \
             ORDER BY order_id, id",
            3,
        ) {
            let step = (row[1].clone(), row[2].clone());
            all.order(&row[0]).steps.push(step);
        }
        for row in rows(
            "SELECT subject_id || '|' || event_type || '|' || payload AS text FROM outbox_events ORDER BY subject_id, id",
            3,
        ) {
            match all.orders.get_mut(&row[0]) {
                Some(order) => order.events.push(event(&row[1], &row[2])),
                None => all.strays.push(row.join(" ")),
            }
        }
        // The name comes last: it may hold anything.
        for row in rows(
            "SELECT id || '|' || stock || '|' || name AS text FROM products",
            3,
        ) {
            let product = StoredProduct {
                stock: number(&row[1]),
                name: row[2].clone(),
            };
            all.products.insert(row[0].clone(), product);
        }
        for row in rows(
            "SELECT account_id || '|' || coalesce(CAST(order_id AS text), '') || '|' || key AS text FROM idempotency_keys",
            3,
        ) {
            all.keys.push(StoredKey {
                account: row[0].clone(),
                order: Some(row[1].clone()).filter(|order| !order.is_empty()),
                key: row[2].clone(),
            });
        }
        all
    }

    fn order(&mut self, id: &str) -> &mut StoredOrder {
        self.orders
            .get_mut(id)
            .expect("the database lets nothing refer to an order that is not there")
    }
}

fn event(kind: &str, payload: &str) -> Event {
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    let data = &payload["data"];
    Event {
        kind: kind.to_owned(),
        order: data["id"].as_str().unwrap_or_default().to_owned(),
        status: data["status"].as_str().and_then(Status::named),
        total_cents: data["total_cents"].as_i64(),
    }
}

fn four(row: Vec<String>) -> [String; 4] {
    row.try_into().expect("as many as were selected")
}

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}
