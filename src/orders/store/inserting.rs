//! An order with all that it begins with, as PostgreSQL is given it: in one statement. Written out, because Diesel knows no
//! inserts beside one another; not by `sql_query`, because that is planned anew each time.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use super::rows::{HistoryRow, OrderRow};
use crate::database::types::{Id, Instant, Key};
use crate::orders::model::{HistoryEntry, Order, OrderLine};

/// The rows of it; the lines by columns, as `unnest` takes them.
#[derive(QueryId)]
pub(super) struct InsertOrder {
    order: OrderRow,
    first: HistoryRow,
    numbers: Vec<i32>,
    products: Vec<Key>,
    skus: Vec<String>,
    names: Vec<String>,
    quantities: Vec<i64>,
    prices: Vec<i64>,
    totals: Vec<i64>,
}

impl InsertOrder {
    pub(super) fn new(order: &Order, first: &HistoryEntry) -> Self {
        fn column<T>(order: &Order, of: impl Fn(&OrderLine) -> T) -> Vec<T> {
            order.lines.iter().map(of).collect()
        }
        Self {
            order: OrderRow::new(order),
            first: HistoryRow::new(order.id, first),
            numbers: (1..).zip(&order.lines).map(|(number, _)| number).collect(),
            products: column(order, |line| Key(line.product_id)),
            skus: column(order, |line| line.sku.clone()),
            names: column(order, |line| line.name.clone()),
            quantities: column(order, |line| line.quantity),
            prices: column(order, |line| line.unit_price_cents),
            totals: column(order, |line| line.line_total_cents),
        }
    }
}

impl RunQueryDsl<PgConnection> for InsertOrder {}

impl QueryFragment<Pg> for InsertOrder {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { order, first, .. } = self;
        // References between the tables are checked when the whole statement is done.
        out.push_sql(
            "WITH placed AS (INSERT INTO orders \
             (id, account_id, status, total_cents, created_at, updated_at) VALUES (",
        );
        out.push_bind_param::<Id, _>(&order.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Id, _>(&order.account_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&order.status)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&order.total_cents)?;
        out.push_sql(", ");
        out.push_bind_param::<Instant, _>(&order.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Instant, _>(&order.updated_at)?;
        out.push_sql(
            ")), begun AS (INSERT INTO order_history \
             (order_id, id, from_status, to_status, actor_id, created_at) VALUES (",
        );
        out.push_bind_param::<Id, _>(&first.order_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Id, _>(&first.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&first.from_status)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&first.to_status)?;
        out.push_sql(", ");
        out.push_bind_param::<Id, _>(&first.actor_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Instant, _>(&first.created_at)?;
        out.push_sql(
            ")) INSERT INTO order_lines (order_id, line_no, product_id, sku, name, quantity, \
             unit_price_cents, line_total_cents) SELECT ",
        );
        out.push_bind_param::<Id, _>(&order.id)?;
        out.push_sql(", * FROM unnest(");
        out.push_bind_param::<Array<Integer>, _>(&self.numbers)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Id>, _>(&self.products)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.skus)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.quantities)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.prices)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.totals)?;
        out.push_sql(")");
        Ok(())
    }
}
