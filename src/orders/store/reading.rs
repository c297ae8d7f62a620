//! Reading orders: always a fixed number of statements, whatever the number of orders and lines.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::rows::{HistoryRow, LineRow, OrderRow};
use crate::database::schema::{order_history, order_lines, orders};
use crate::database::types::Key;
use crate::database::{Conn, DatabaseError};
use crate::on_backend;
use crate::orders::model::{Access, HistoryEntry, Order, OrderLine};
use crate::orders::status::Status;

/// The order with its lines, in one statement; `None` when it is not there for this caller.
pub(in crate::orders) fn find(
    conn: &mut Conn<'_>,
    access: Access,
    id: Uuid,
) -> Result<Option<Order>, DatabaseError> {
    let rows: Vec<(OrderRow, LineRow)> = on_backend!(conn, |c| orders::table
        .inner_join(order_lines::table)
        .filter(orders::id.eq(Key(id)))
        .filter(
            orders::account_id
                .eq(Key(access.account))
                .or(access.any_order.into_sql::<Bool>())
        )
        .order(order_lines::line_no)
        .select((OrderRow::as_select(), LineRow::as_select()))
        .load(c))?;
    let mut order = None;
    for (row, line) in rows {
        let order = match &mut order {
            Some(order) => order,
            none => none.insert(row.into_order()?),
        };
        order.lines.push(line.into());
    }
    Ok(order)
}

/// The lines of one order.
pub(in crate::orders) fn lines(
    conn: &mut Conn<'_>,
    order_id: Uuid,
) -> Result<Vec<OrderLine>, DatabaseError> {
    let rows: Vec<LineRow> = on_backend!(conn, |c| order_lines::table
        .filter(order_lines::order_id.eq(Key(order_id)))
        .order(order_lines::line_no)
        .select(LineRow::as_select())
        .load(c))?;
    Ok(rows.into_iter().map(OrderLine::from).collect())
}

/// At most `limit` orders of the account whose ids come before `before`, the newest first, in two statements. An index
/// leads straight to the first of them, so it costs the same however far down that is.
pub(in crate::orders) fn page(
    conn: &mut Conn<'_>,
    account: Uuid,
    status: Option<Status>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Order>, DatabaseError> {
    let rows: Vec<OrderRow> = on_backend!(conn, |c| {
        let mut query = orders::table.select(OrderRow::as_select()).into_boxed();
        if let Some(status) = status {
            query = query.filter(orders::status.eq(status.as_str()));
        }
        query
            .filter(orders::account_id.eq(Key(account)))
            .filter(orders::id.lt(Key(before)))
            .order(orders::id.desc())
            .limit(limit)
            .load(c)
    })?;
    let mut page = rows
        .into_iter()
        .map(OrderRow::into_order)
        .collect::<Result<Vec<_>, _>>()?;
    add_lines(conn, &mut page)?;
    Ok(page)
}

/// Reads the lines of all these orders in one statement. The orders come newest first, the lines too, so one walk over
/// both puts each line where it belongs.
fn add_lines(conn: &mut Conn<'_>, page: &mut [Order]) -> Result<(), DatabaseError> {
    if page.is_empty() {
        return Ok(());
    }
    let ids: Vec<Key> = page.iter().map(|order| Key(order.id)).collect();
    let rows: Vec<LineRow> = on_backend!(conn, |c| order_lines::table
        .filter(order_lines::order_id.eq_any(&ids))
        .order((order_lines::order_id.desc(), order_lines::line_no))
        .select(LineRow::as_select())
        .load(c))?;
    let mut rows = rows.into_iter().peekable();
    for order in page {
        while let Some(row) = rows.next_if(|row| row.order_id == Key(order.id)) {
            order.lines.push(row.into());
        }
    }
    Ok(())
}

/// The steps of the order, the first one first; none when it is not there for this caller.
pub(in crate::orders) fn history(
    conn: &mut Conn<'_>,
    access: Access,
    order_id: Uuid,
) -> Result<Vec<HistoryEntry>, DatabaseError> {
    let rows: Vec<HistoryRow> = on_backend!(conn, |c| order_history::table
        .inner_join(orders::table)
        .filter(order_history::order_id.eq(Key(order_id)))
        .filter(
            orders::account_id
                .eq(Key(access.account))
                .or(access.any_order.into_sql::<Bool>())
        )
        .order(order_history::id)
        .select(HistoryRow::as_select())
        .load(c))?;
    rows.into_iter().map(HistoryRow::into_entry).collect()
}
