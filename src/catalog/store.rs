//! The queries of the catalog, and what they do to rows; no decision is made here.
//!
//! Each takes a connection and belongs to whatever transaction its caller has open. Times are given by the caller.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt};
use uuid::Uuid;

use super::model::{NewProduct, Product, ProductChange, ProductType};
use crate::database::schema::products;
use crate::database::types::{Id, Instant, Key, Stamp};
use crate::database::{Conn, DatabaseError};
use crate::on_backend;

/// A row of `products`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(
    table_name = products,
    check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
struct ProductRow {
    id: Key,
    sku: String,
    name: String,
    product_type: String,
    unit_price_cents: i64,
    stock: i64,
    created_at: Stamp,
    updated_at: Stamp,
}

impl ProductRow {
    fn new(product: &NewProduct, now: DateTime<Utc>) -> Self {
        Self {
            id: Key(Uuid::now_v7()),
            sku: product.sku.as_str().to_owned(),
            name: product.name.as_str().to_owned(),
            product_type: product.product_type.as_str().to_owned(),
            unit_price_cents: product.unit_price.cents(),
            stock: product.stock.pieces(),
            created_at: Stamp(now),
            updated_at: Stamp(now),
        }
    }

    fn into_product(self) -> Result<Product, DatabaseError> {
        let product_type = ProductType::parse(&self.product_type)
            .ok_or_else(|| DatabaseError::unreadable("a product's type is unknown"))?;
        Ok(Product {
            id: self.id.into(),
            sku: self.sku,
            name: self.name,
            product_type,
            unit_price_cents: self.unit_price_cents,
            stock: self.stock,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

fn into_products(rows: Vec<ProductRow>) -> Result<Vec<Product>, DatabaseError> {
    rows.into_iter().map(ProductRow::into_product).collect()
}

/// The product of that id.
pub(super) fn find(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Product>, DatabaseError> {
    let row = on_backend!(conn, |c| products::table
        .find(Key(id))
        .select(ProductRow::as_select())
        .first(c)
        .optional())?;
    row.map(ProductRow::into_product).transpose()
}

/// At most `limit` products after the id `after`, in the order of their ids. It costs the same however far down that
/// is: the index on the id, or on type and id, leads straight to the place.
pub(super) fn page(
    conn: &mut Conn<'_>,
    product_type: Option<ProductType>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Product>, DatabaseError> {
    let rows = on_backend!(conn, |c| {
        let mut query = products::table.select(ProductRow::as_select()).into_boxed();
        if let Some(product_type) = product_type {
            query = query.filter(products::product_type.eq(product_type.as_str()));
        }
        query
            .filter(products::id.gt(Key(after)))
            .order(products::id)
            .limit(limit)
            .load(c)
    })?;
    into_products(rows)
}

/// Puts the product in. `None` when another one has its SKU: the conflict is told by the row that is missing from the
/// answer, because a failed insert would end a transaction on PostgreSQL.
pub(super) fn insert(
    conn: &mut Conn<'_>,
    product: &NewProduct,
    now: DateTime<Utc>,
) -> Result<Option<Product>, DatabaseError> {
    let row = on_backend!(conn, |c| diesel::insert_into(products::table)
        .values(ProductRow::new(product, now))
        .on_conflict(products::sku)
        .do_nothing()
        .returning(ProductRow::as_returning())
        .get_result(c)
        .optional())?;
    row.map(ProductRow::into_product).transpose()
}

/// Puts in those whose SKU is new, and tells how many they were.
pub(super) fn insert_missing(
    conn: &mut Conn<'_>,
    new: &[NewProduct],
    now: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    let rows: Vec<_> = new
        .iter()
        .map(|product| ProductRow::new(product, now))
        .collect();
    let added = on_backend!(conn, |c| diesel::insert_into(products::table)
        .values(&rows)
        .on_conflict(products::sku)
        .do_nothing()
        .execute(c))?;
    Ok(added)
}

/// Changes the product in one statement, if its stock allows it: whoever comes at the same moment waits for the row,
/// and finds the stock that this one left. `None` when there is no such product or its stock does not allow it.
pub(super) fn change(
    conn: &mut Conn<'_>,
    id: Uuid,
    change: &ProductChange,
    now: DateTime<Utc>,
) -> Result<Option<Product>, DatabaseError> {
    let name = change
        .name
        .as_ref()
        .map(|name| products::name.eq(name.as_str()));
    let price = change
        .unit_price
        .map(|price| products::unit_price_cents.eq(price.cents()));
    let (fewest, most) = RangeInclusive::into_inner(change.stock_delta.possible_on());
    let row = on_backend!(conn, |c| diesel::update(products::table.find(Key(id)))
        .filter(products::stock.between(fewest, most))
        .set((
            name,
            price,
            products::stock.eq(products::stock + change.stock_delta.pieces()),
            products::updated_at.eq(Stamp(now)),
        ))
        .returning(ProductRow::as_returning())
        .get_result(c)
        .optional())?;
    row.map(ProductRow::into_product).transpose()
}

/// The products of these ids in the order of their ids, locked until the transaction ends. `NO KEY` leaves room for
/// the order lines of others, which refer to the same products. On SQLite the transaction is the only writer already.
pub(super) fn lock(conn: &mut Conn<'_>, ids: &[Uuid]) -> Result<Vec<Product>, DatabaseError> {
    let keys = ids.iter().copied().map(Key);
    let rows = match conn {
        Conn::Postgres(c) => products::table
            .filter(products::id.eq_any(keys))
            .order(products::id)
            .select(ProductRow::as_select())
            .for_no_key_update()
            .load(*c),
        Conn::Sqlite(c) => products::table
            .filter(products::id.eq_any(keys))
            .order(products::id)
            .select(ProductRow::as_select())
            .load(*c),
    }?;
    into_products(rows)
}

/// Adds to each product's stock its number of pieces, or takes them away when negative, wherever the stock does not fall
/// below zero by it; tells how many products changed. Ids must differ.
pub(super) fn move_stock(
    conn: &mut Conn<'_>,
    moved: &[(Uuid, i64)],
    now: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    match conn {
        Conn::Postgres(c) => {
            let (ids, pieces) = moved.iter().map(|&(id, pieces)| (Key(id), pieces)).unzip();
            let query = MoveStock {
                ids,
                pieces,
                now: Stamp(now),
            };
            Ok(query.execute(*c)?)
        }
        Conn::Sqlite(c) => moved.iter().try_fold(0, |changed, &(id, pieces)| {
            let changed_here = diesel::update(products::table.find(Key(id)))
                .filter(products::stock.ge(-pieces))
                .set((
                    products::stock.eq(products::stock + pieces),
                    products::updated_at.eq(Stamp(now)),
                ))
                .execute(*c)?;
            Ok(changed + changed_here)
        }),
    }
}

/// `UPDATE … FROM unnest`, for which Diesel has no words: one round trip for any number of products. Its text is
/// fixed, so unlike `sql_query` it is prepared once for each connection. `= ANY` says nothing new, but leads through
/// the index where a generic plan of the join alone reads the whole of a small table: half the CPU with 1,200 products.
#[derive(QueryId)]
struct MoveStock {
    ids: Vec<Key>,
    pieces: Vec<i64>,
    now: Stamp,
}

impl QueryFragment<Pg> for MoveStock {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("UPDATE products SET stock = products.stock + moved.pieces, updated_at = ");
        out.push_bind_param::<Instant, _>(&self.now)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<Id>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.pieces)?;
        out.push_sql(") AS moved (id, pieces) WHERE products.id = ANY(");
        out.push_bind_param::<Array<Id>, _>(&self.ids)?;
        out.push_sql(") AND products.id = moved.id AND products.stock + moved.pieces >= 0");
        Ok(())
    }
}

impl RunQueryDsl<diesel::PgConnection> for MoveStock {}
