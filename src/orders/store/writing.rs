//! Writing orders: what placing inserts, and how one is locked and moved.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::inserting::InsertOrder;
use super::rows::{HistoryRow, NewLineRow, OrderRow};
use crate::database::schema::{order_history, order_lines, orders};
use crate::database::types::{Key, Stamp};
use crate::database::{Conn, DatabaseError};
use crate::on_backend;
use crate::orders::model::{Access, HistoryEntry, Order};
#[cfg(feature = "planted-bugs")]
use crate::orders::status::Status;
use crate::orders::status::Transition;
#[cfg(feature = "planted-bugs")]
use crate::planted::Bug;

/// Inserts an order, its lines and the first step of its history: on PostgreSQL in one statement, which is the same for any
/// number of lines and so stays prepared. On SQLite there is no way to go for a statement, and each line is one.
pub(in crate::orders) fn insert_order(
    conn: &mut Conn<'_>,
    order: &Order,
    first: &HistoryEntry,
) -> Result<(), DatabaseError> {
    match conn {
        Conn::Postgres(c) => {
            InsertOrder::new(order, first).execute(*c)?;
        }
        Conn::Sqlite(c) => {
            diesel::insert_into(orders::table)
                .values(&OrderRow::new(order))
                .execute(*c)?;
            for line in NewLineRow::all(order) {
                diesel::insert_into(order_lines::table)
                    .values(&line)
                    .execute(*c)?;
            }
            insert_history(conn, order.id, first)?;
        }
    }
    Ok(())
}

/// Inserts one step of an order's history.
pub(in crate::orders) fn insert_history(
    conn: &mut Conn<'_>,
    order_id: Uuid,
    entry: &HistoryEntry,
) -> Result<(), DatabaseError> {
    let row = HistoryRow::new(order_id, entry);
    on_backend!(conn, |c| diesel::insert_into(order_history::table)
        .values(&row)
        .execute(c))?;
    Ok(())
}

/// Locks the order until the transaction ends; `None` when it is not there for this caller. `NO KEY` lets history and
/// lines refer to it meanwhile. On SQLite the transaction is the only writer already.
pub(in crate::orders) fn lock(
    conn: &mut Conn<'_>,
    access: Access,
    id: Uuid,
) -> Result<Option<Order>, DatabaseError> {
    let query = orders::table.filter(orders::id.eq(Key(id))).filter(
        orders::account_id
            .eq(Key(access.account))
            .or(access.any_order.into_sql::<Bool>()),
    );
    let row: Option<OrderRow> = match conn {
        Conn::Postgres(c) => query
            .select(OrderRow::as_select())
            .for_no_key_update()
            .first(*c)
            .optional(),
        Conn::Sqlite(c) => query.select(OrderRow::as_select()).first(*c).optional(),
    }?;
    row.map(OrderRow::into_order).transpose()
}

/// Moves the order, if it still stands where the transition begins; tells whether it did.
pub(in crate::orders) fn set_status(
    conn: &mut Conn<'_>,
    id: Uuid,
    transition: Transition,
    at: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    #[cfg(feature = "planted-bugs")]
    if Bug::StatusForgotten.is_planted() && transition.to() == Status::Shipped {
        return Ok(true);
    }
    let moved = on_backend!(conn, |c| diesel::update(orders::table.find(Key(id)))
        .filter(orders::status.eq(transition.from().as_str()))
        .set((
            orders::status.eq(transition.to().as_str()),
            orders::updated_at.eq(Stamp(at))
        ))
        .execute(c))?;
    Ok(moved == 1)
}
