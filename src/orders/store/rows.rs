//! The rows of `orders`, `order_lines` and `order_history`, and how they become orders.

use diesel::prelude::*;
use uuid::Uuid;

use crate::database::DatabaseError;
use crate::database::schema::{order_history, order_lines, orders};
use crate::database::types::{Key, Stamp};
use crate::orders::model::{HistoryEntry, Order, OrderLine};
use crate::orders::status::Status;

/// A row of `orders`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(
    table_name = orders,
    check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(super) struct OrderRow {
    pub(super) id: Key,
    pub(super) account_id: Key,
    pub(super) status: String,
    pub(super) total_cents: i64,
    pub(super) created_at: Stamp,
    pub(super) updated_at: Stamp,
}

impl OrderRow {
    pub(super) fn new(order: &Order) -> Self {
        Self {
            id: order.id.into(),
            account_id: order.account_id.into(),
            status: order.status.as_str().to_owned(),
            total_cents: order.total_cents,
            created_at: order.created_at.into(),
            updated_at: order.updated_at.into(),
        }
    }

    /// The order of this row, still without lines.
    pub(super) fn into_order(self) -> Result<Order, DatabaseError> {
        Ok(Order {
            id: self.id.into(),
            account_id: self.account_id.into(),
            status: status(&self.status)?,
            lines: Vec::new(),
            total_cents: self.total_cents,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

/// A row of `order_lines`, as read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = order_lines, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct LineRow {
    pub(super) order_id: Key,
    product_id: Key,
    sku: String,
    name: String,
    quantity: i64,
    unit_price_cents: i64,
    line_total_cents: i64,
}

impl From<LineRow> for OrderLine {
    fn from(row: LineRow) -> Self {
        Self {
            product_id: row.product_id.into(),
            sku: row.sku,
            name: row.name,
            quantity: row.quantity,
            unit_price_cents: row.unit_price_cents,
            line_total_cents: row.line_total_cents,
        }
    }
}

/// A row of `order_lines`, as written.
#[derive(Insertable)]
#[diesel(table_name = order_lines, treat_none_as_default_value = false)]
pub(super) struct NewLineRow<'a> {
    order_id: Key,
    line_no: i32,
    product_id: Key,
    sku: &'a str,
    name: &'a str,
    quantity: i64,
    unit_price_cents: i64,
    line_total_cents: i64,
}

impl<'a> NewLineRow<'a> {
    /// The lines of an order, numbered from 1.
    pub(super) fn all(order: &'a Order) -> Vec<Self> {
        (1..)
            .zip(&order.lines)
            .map(|(line_no, line)| Self::new(order.id, line_no, line))
            .collect()
    }

    fn new(order_id: Uuid, line_no: i32, line: &'a OrderLine) -> Self {
        Self {
            order_id: order_id.into(),
            line_no,
            product_id: line.product_id.into(),
            sku: &line.sku,
            name: &line.name,
            quantity: line.quantity,
            unit_price_cents: line.unit_price_cents,
            line_total_cents: line.line_total_cents,
        }
    }
}

/// A row of `order_history`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(
    table_name = order_history,
    check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(super) struct HistoryRow {
    pub(super) order_id: Key,
    pub(super) id: Key,
    pub(super) from_status: Option<String>,
    pub(super) to_status: String,
    pub(super) actor_id: Key,
    pub(super) created_at: Stamp,
}

impl HistoryRow {
    pub(super) fn new(order_id: Uuid, entry: &HistoryEntry) -> Self {
        Self {
            order_id: order_id.into(),
            id: entry.id().into(),
            from_status: entry.from.map(|from| from.as_str().to_owned()),
            to_status: entry.to.as_str().to_owned(),
            actor_id: entry.by.into(),
            created_at: entry.at.into(),
        }
    }

    pub(super) fn into_entry(self) -> Result<HistoryEntry, DatabaseError> {
        Ok(HistoryEntry {
            from: self.from_status.as_deref().map(status).transpose()?,
            to: status(&self.to_status)?,
            at: self.created_at.into(),
            by: self.actor_id.into(),
        })
    }
}

fn status(name: &str) -> Result<Status, DatabaseError> {
    Status::parse(name).ok_or_else(|| DatabaseError::unreadable("an order's status is unknown"))
}
