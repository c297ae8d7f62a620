//! What can be done with the catalog, each in one operation of the database; who may do it is for the routes to ask.

use uuid::Uuid;

use super::model::{InvalidPart, NewProduct, Product, ProductChange, ProductType, StockRefusal};
use super::{seed, store};
use crate::database::types::now;
use crate::database::{Conn, Database, DatabaseError, Operation, OperationError};

const FIND_PRODUCT: Operation = Operation("find_product");
const LIST_PRODUCTS: Operation = Operation("list_products");
const INSERT_PRODUCT: Operation = Operation("insert_product");
const UPDATE_PRODUCT: Operation = Operation("update_product");
const SEED_PRODUCTS: Operation = Operation("seed_products");

/// The database operations of this subject.
pub const OPERATIONS: &[Operation] = &[
    FIND_PRODUCT,
    LIST_PRODUCTS,
    INSERT_PRODUCT,
    UPDATE_PRODUCT,
    SEED_PRODUCTS,
];

/// Products in one transaction of the seed: 8 values each, where SQLite binds 32,766 and PostgreSQL 65,535 at most,
/// and done long before `database.statement_timeout`.
const SEED_BATCH: usize = 500;

/// Why the catalog did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no product of that id.
    #[error("the product does not exist")]
    NotFound,
    /// Another product has the SKU.
    #[error("another product has this SKU")]
    SkuTaken,
    /// The stock would fall below zero.
    #[error("the stock would fall below zero")]
    InsufficientStock {
        /// Pieces there are.
        stock: i64,
    },
    /// The stock would rise above its maximum.
    #[error("the stock would rise above its maximum")]
    TooMuchStock {
        /// Pieces there are.
        stock: i64,
    },
    /// A seeded product breaks a rule of the catalog: a fault of this program.
    #[error("a seeded product is invalid")]
    Seed(#[from] InvalidPart),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl OperationError for CatalogError {
    fn database(&self) -> Option<&DatabaseError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

/// The catalog. Clones share its database.
#[derive(Debug, Clone)]
pub struct CatalogService {
    database: Database,
}

impl CatalogService {
    /// A catalog kept in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The product of that id.
    pub async fn find(&self, id: Uuid) -> Result<Product, CatalogError> {
        self.database
            .read(FIND_PRODUCT, move |conn| {
                store::find(conn, id)?.ok_or(CatalogError::NotFound)
            })
            .await
    }

    /// At most `limit` products whose ids come after `after`, in the order of their ids, of one type or of all.
    pub async fn list(
        &self,
        product_type: Option<ProductType>,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Product>, DatabaseError> {
        // Every UUIDv7 comes after it, so that there is one query with and without a start.
        let after = after.unwrap_or(Uuid::nil());
        self.database
            .read(LIST_PRODUCTS, move |conn| {
                store::page(conn, product_type, after, limit)
            })
            .await
    }

    /// Puts a product into the catalog.
    pub async fn create(&self, new: NewProduct) -> Result<Product, CatalogError> {
        let insert = move |conn: &mut Conn<'_>| {
            store::insert(conn, &new, now())?.ok_or(CatalogError::SkuTaken)
        };
        self.database.write(INSERT_PRODUCT, insert).await
    }

    /// Changes a product: all that was asked, or nothing.
    pub async fn change(&self, id: Uuid, change: ProductChange) -> Result<Product, CatalogError> {
        let update = move |conn: &mut Conn<'_>| {
            if let Some(product) = store::change(conn, id, &change, now())? {
                return Ok(product);
            }
            let product = store::find(conn, id)?.ok_or(CatalogError::NotFound)?;
            Err(why_unchanged(product.stock, &change))
        };
        self.database.write(UPDATE_PRODUCT, update).await
    }

    /// Puts the first `count` products of the seed into the catalog, but for those that are there, and tells how many
    /// it added.
    pub async fn seed(&self, count: u32) -> Result<u64, CatalogError> {
        let mut added = 0;
        for first in (1..=count).step_by(SEED_BATCH) {
            let batch = (first..=count)
                .take(SEED_BATCH)
                .map(seed::product)
                .collect::<Result<Vec<_>, _>>()?;
            let insert = move |conn: &mut Conn<'_>| store::insert_missing(conn, &batch, now());
            added += self.database.write(SEED_PRODUCTS, insert).await? as u64;
        }
        Ok(added)
    }
}

/// Why no row was changed, by the stock right after. If the change could be made now, another writer got in between,
/// and the whole is worth another try.
fn why_unchanged(stock: i64, change: &ProductChange) -> CatalogError {
    match change.stock_delta.refusal_on(stock) {
        Some(StockRefusal::Insufficient) => CatalogError::InsufficientStock { stock },
        Some(StockRefusal::TooMuch) => CatalogError::TooMuchStock { stock },
        None => DatabaseError::conflict().into(),
    }
}
