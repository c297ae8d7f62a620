//! The forms in which an order leaves the service: as JSON in answers and in the events that webhooks deliver, and the
//! stored form of a refusal. Field names and their order are a contract; `model.rs` may change without it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::basket::Shortage;
use super::model::{HistoryEntry, Order, OrderLine};
use super::status::Status;

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView {
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// What was ordered, in the order of the request.
    pub items: Vec<LineView>,
    /// The sum of the lines, in minor units.
    #[schema(example = 3998, minimum = 0)]
    pub total_cents: i64,
    /// When it was placed.
    #[serde(with = "crate::http::time::millis")]
    pub created_at: DateTime<Utc>,
    /// When its status changed last.
    #[serde(with = "crate::http::time::millis")]
    pub updated_at: DateTime<Utc>,
}

/// One product in an order; SKU, name and price are as they were when the order was placed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderItem)]
pub struct LineView {
    /// Which product.
    pub product_id: Uuid,
    /// Its SKU.
    #[schema(example = "MUG-BLUE")]
    pub sku: String,
    /// Its name.
    #[schema(example = "Blue mug")]
    pub name: String,
    /// Pieces.
    #[schema(example = 2, minimum = 1, maximum = 1000)]
    pub quantity: i64,
    /// Price of one piece, in minor units.
    #[schema(example = 1999, minimum = 0)]
    pub unit_price_cents: i64,
    /// Price of all pieces, in minor units.
    #[schema(example = 3998, minimum = 0)]
    pub line_total_cents: i64,
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            status: order.status,
            items: order.lines.into_iter().map(LineView::from).collect(),
            total_cents: order.total_cents,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

impl From<OrderLine> for LineView {
    fn from(line: OrderLine) -> Self {
        Self {
            product_id: line.product_id,
            sku: line.sku,
            name: line.name,
            quantity: line.quantity,
            unit_price_cents: line.unit_price_cents,
            line_total_cents: line.line_total_cents,
        }
    }
}

/// One step in an order's life.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderHistoryEntry)]
pub struct HistoryView {
    /// Where it stood; null when it was placed.
    #[schema(required = true)]
    pub from: Option<Status>,
    /// Where it went.
    pub to: Status,
    /// When.
    #[serde(with = "crate::http::time::millis")]
    pub at: DateTime<Utc>,
    /// Id of the account that did it.
    pub by: Uuid,
}

impl From<HistoryEntry> for HistoryView {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            from: entry.from,
            to: entry.to,
            at: entry.at,
            by: entry.by,
        }
    }
}

/// A refusal for want of stock, in words: what is stored with a key, so that a replay says the same although the stock
/// has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutOfStock {
    /// The problem code; the record names it, so that it can be read without this program.
    code: String,
    /// Which products there is too little of, and how much is left.
    pub detail: String,
    /// The same for each field.
    pub errors: Vec<StoredFieldError>,
}

/// A field at fault, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFieldError {
    /// Such as `items[0].quantity`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl OutOfStock {
    /// The code of the problem.
    pub const CODE: &'static str = "out_of_stock";

    /// Names each product of which there is too little.
    pub fn new(shortages: &[Shortage]) -> Self {
        let sentence = |short: &Shortage| {
            format!(
                "{} of {} were ordered, {} are left.",
                short.wanted, short.sku, short.left
            )
        };
        let error = |short: &Shortage| StoredFieldError {
            field: format!("items[{}].quantity", short.position),
            message: format!(
                "must be {} at most, which is all that is left of {}",
                short.left, short.sku
            ),
        };
        Self {
            code: Self::CODE.to_owned(),
            detail: shortages.iter().map(sentence).collect::<Vec<_>>().join(" "),
            errors: shortages.iter().map(error).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_exactly_these_fields_in_this_order() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
        let order = Order {
            id: Uuid::from_u128(1),
            account_id: Uuid::from_u128(2),
            status: Status::Placed,
            lines: vec![OrderLine {
                product_id: Uuid::from_u128(3),
                sku: "MUG".to_owned(),
                name: "Mug".to_owned(),
                quantity: 2,
                unit_price_cents: 50,
                line_total_cents: 100,
            }],
            total_cents: 100,
            created_at: at,
            updated_at: at,
        };
        let json = serde_json::to_string(&OrderView::from(order)).unwrap();
        let expected = concat!(
            r#"{"id":"00000000-0000-0000-0000-000000000001","status":"placed","items":[{"#,
            r#""product_id":"00000000-0000-0000-0000-000000000003","sku":"MUG","name":"Mug","quantity":2,"#,
            r#""unit_price_cents":50,"line_total_cents":100}],"total_cents":100,"#,
            r#""created_at":"2026-09-21T14:13:20.000Z","updated_at":"2026-09-21T14:13:20.000Z"}"#,
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn a_refusal_names_product_and_field_and_survives_storing() {
        let short = |position, sku: &str| Shortage {
            position,
            sku: sku.to_owned(),
            wanted: 5,
            left: 2,
        };
        let refusal = OutOfStock::new(&[short(0, "MUG"), short(3, "CUP")]);
        assert_eq!(
            refusal.detail,
            "5 of MUG were ordered, 2 are left. 5 of CUP were ordered, 2 are left."
        );
        assert_eq!(refusal.errors[1].field, "items[3].quantity");
        let stored = serde_json::to_string(&refusal).unwrap();
        assert!(
            stored.starts_with(r#"{"code":"out_of_stock","detail":"5 of MUG"#),
            "{stored}"
        );
        assert_eq!(
            serde_json::from_str::<OutOfStock>(&stored).unwrap(),
            refusal
        );
    }
}
