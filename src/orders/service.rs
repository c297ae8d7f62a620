//! What can be done with orders, each in one operation of the database; who may do it is for the routes to ask.
//!
//! Counting and logging of what was stored happens where its transaction ended, so that neither a client that went away
//! nor a deadline that passed meanwhile makes the numbers differ from the rows.

use std::sync::Arc;

use uuid::Uuid;

use crate::database::types::now;
use crate::database::{Conn, Database, DatabaseError, Operation};

use super::basket::Basket;
use super::error::OrderError;
use super::idempotency::cutoff;
use super::metrics::{Attempt, OrderMetrics, Rejection};
use super::model::{Access, HistoryEntry, Order};
use super::placing::{Claim, Placement, Placing};
use super::representation::OrderView;
use super::status::Status;
use super::store;
use super::transitions::{Moved, Moving};

const INSERT_ORDER: Operation = Operation("insert_order");
const FIND_ORDER: Operation = Operation("find_order");
const LIST_ORDERS: Operation = Operation("list_orders");
const LIST_ORDER_HISTORY: Operation = Operation("list_order_history");
const UPDATE_ORDER: Operation = Operation("update_order");
const DELETE_IDEMPOTENCY_KEYS: Operation = Operation("delete_idempotency_keys");

/// The database operations of this subject.
pub const OPERATIONS: &[Operation] = &[
    INSERT_ORDER,
    FIND_ORDER,
    LIST_ORDERS,
    LIST_ORDER_HISTORY,
    UPDATE_ORDER,
    DELETE_IDEMPOTENCY_KEYS,
];

/// Records deleted in one transaction: done in milliseconds, so that SQLite's one writer is not kept from orders.
const SWEEP_BATCH: i64 = 1_000;

/// A request to place an order.
#[derive(Debug)]
pub struct PlaceOrder {
    /// For whom.
    pub account_id: Uuid,
    /// What.
    pub basket: Basket,
    /// Under which key, if any.
    pub claim: Option<Claim>,
}

/// The orders. Clones share database and metrics.
#[derive(Debug, Clone)]
pub struct OrderService {
    database: Database,
    metrics: OrderMetrics,
}

impl OrderService {
    /// Orders kept in this database.
    pub fn new(database: Database, metrics: OrderMetrics) -> Self {
        Self { database, metrics }
    }

    /// Begins to account for one request to place an order.
    pub fn attempt(&self) -> Attempt {
        Attempt::start(&self.metrics)
    }

    /// Places an order: all of it, or nothing. Settles the attempt.
    pub async fn place(
        &self,
        attempt: Attempt,
        request: PlaceOrder,
    ) -> Result<Placement, OrderError> {
        let PlaceOrder {
            account_id,
            basket,
            claim,
        } = request;
        let has_key = claim.is_some();
        let placing = Placing {
            order_id: Uuid::now_v7(),
            account_id,
            basket,
            claim,
            now: now(),
        };
        #[cfg(feature = "planted-bugs")]
        if crate::planted::Bug::AnsweredBeforeCommit.is_planted() {
            return super::planted::answer_before_commit(&self.database, INSERT_ORDER, placing)
                .await;
        }
        let attempt = Arc::new(attempt);
        let settled = Arc::clone(&attempt);
        let ended = self.database.write_then(
            INSERT_ORDER,
            move |conn: &mut Conn<'_>| placing.run(conn),
            move |ended: &Result<Placement, OrderError>| tell_placement(&settled, has_key, ended),
        );
        let ended = ended.await;
        if ended
            .as_ref()
            .is_err_and(|error| error.rejection().is_none())
        {
            attempt.failed();
        }
        ended
    }

    /// Moves an order.
    pub async fn transition(
        &self,
        access: Access,
        order_id: Uuid,
        to: Status,
    ) -> Result<OrderView, OrderError> {
        let moving = Moving {
            access,
            order_id,
            to,
        };
        let metrics = self.metrics.clone();
        let moved = self.database.write_then(
            UPDATE_ORDER,
            move |conn: &mut Conn<'_>| moving.run(conn),
            move |ended: &Result<Moved, OrderError>| tell_transition(&metrics, ended),
        );
        Ok(moved.await?.order)
    }

    /// The order of that id.
    pub async fn find(&self, access: Access, id: Uuid) -> Result<Order, OrderError> {
        self.database
            .read(FIND_ORDER, move |conn| {
                let order = store::find(conn, access, id)?.ok_or(OrderError::NotFound);
                #[cfg(feature = "planted-bugs")]
                let order = order.map(super::planted::as_seen_first);
                order
            })
            .await
    }

    /// At most `limit` orders of the account that are older than the order `before`, the newest first, in one status or
    /// in any.
    pub async fn list(
        &self,
        account: Uuid,
        status: Option<Status>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Order>, DatabaseError> {
        // Every id comes before it, so that there is one query with and without a start.
        let before = before.unwrap_or(Uuid::max());
        self.database
            .read(LIST_ORDERS, move |conn| {
                store::page(conn, account, status, before, limit)
            })
            .await
    }

    /// The steps of an order, the first one first.
    pub async fn history(&self, access: Access, id: Uuid) -> Result<Vec<HistoryEntry>, OrderError> {
        let read = move |conn: &mut Conn<'_>| {
            let steps = store::history(conn, access, id)?;
            // Every order has the step by which it was placed.
            if steps.is_empty() {
                Err(OrderError::NotFound)
            } else {
                Ok(steps)
            }
        };
        self.database.read(LIST_ORDER_HISTORY, read).await
    }

    /// Deletes the idempotency records that no longer count, in transactions of at most [`SWEEP_BATCH`], and tells how
    /// many there were.
    pub async fn sweep(&self) -> Result<usize, DatabaseError> {
        let cutoff = cutoff(now());
        let mut swept = 0;
        loop {
            let forget = move |conn: &mut Conn<'_>| store::forget_before(conn, cutoff, SWEEP_BATCH);
            let deleted = self.database.write(DELETE_IDEMPOTENCY_KEYS, forget).await?;
            swept += deleted;
            if i64::try_from(deleted).is_ok_and(|deleted| deleted < SWEEP_BATCH) {
                return Ok(swept);
            }
        }
    }
}

/// A database's failure settles nothing: the transaction may be run again. If it is not, the attempt is dropped.
fn tell_placement(attempt: &Attempt, has_key: bool, ended: &Result<Placement, OrderError>) {
    match ended {
        Ok(Placement::Created { order, kind, .. }) => {
            attempt.created(*kind, has_key);
            tracing::info!(
                order.id = %order.id,
                order.total_cents = order.total_cents,
                order.lines = order.items.len(),
                "order placed"
            );
        }
        Ok(Placement::OutOfStock(_)) => attempt.rejected(Rejection::OutOfStock, has_key),
        Ok(Placement::Replayed(_)) => attempt.replayed(),
        Err(error) => attempt.refused(error),
    }
}

fn tell_transition(metrics: &OrderMetrics, ended: &Result<Moved, OrderError>) {
    if let Ok(Moved { order, transition }) = ended {
        metrics.transitions.with(*transition).inc();
        tracing::info!(
            order.id = %order.id,
            from = transition.from().as_str(),
            to = transition.to().as_str(),
            "order transitioned"
        );
    }
}
