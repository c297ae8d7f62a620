//! What the catalog offers to the subjects above it: pieces taken out of stock, and put back, in their transaction.
//!
//! The rule for who uses it: [`lock`] first, with all ids at once in ascending order, so that two orders over the same
//! products wait for one another instead of deadlocking; then decide; then [`take`] or [`put_back`].
//! A thin face: the queries are the store's.

use uuid::Uuid;

use super::model::Product;
use super::store;
use crate::database::types::now;
use crate::database::{Conn, DatabaseError};

/// Locks the products of these ids, which are ascending and unique, until the transaction ends, and reads them in that
/// order. Those that do not exist are absent from the answer.
pub fn lock(conn: &mut Conn<'_>, ids: &[Uuid]) -> Result<Vec<Product>, DatabaseError> {
    debug_assert!(
        ids.is_sorted_by(|one, next| one < next),
        "ids must be ascending and unique"
    );
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    store::lock(conn, ids)
}

/// Takes so many pieces, above zero, of each product, whose ids are unique. Whoever has locked them knows that they are
/// there; for whoever has not, too few of one product end the transaction as a conflict, and nothing is taken.
pub fn take(conn: &mut Conn<'_>, items: &[(Uuid, i64)]) -> Result<(), DatabaseError> {
    let taken: Vec<_> = items.iter().map(|&(id, pieces)| (id, -pieces)).collect();
    move_all(conn, &taken)
}

/// Puts so many pieces, above zero, of each product back, whose ids are unique. A product that does not exist ends the
/// transaction as a conflict; there is no way to delete one.
pub fn put_back(conn: &mut Conn<'_>, items: &[(Uuid, i64)]) -> Result<(), DatabaseError> {
    move_all(conn, items)
}

/// All or nothing: fewer rows than items is an error, by which the transaction is rolled back.
fn move_all(conn: &mut Conn<'_>, moved: &[(Uuid, i64)]) -> Result<(), DatabaseError> {
    if moved.is_empty() || store::move_stock(conn, moved, now())? == moved.len() {
        Ok(())
    } else {
        Err(DatabaseError::conflict())
    }
}
