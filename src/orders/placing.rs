//! Placing an order: everything that happens in its one transaction, in the order in which it must.
//!
//! # How a key makes it happen once
//! With an `Idempotency-Key` the transaction first claims the key. Whoever finds it claimed by somebody else, and no
//! answer remembered, is told to come back. Whoever finds an answer gives it again. Else the order is placed and the
//! answer remembered in the same transaction, so both are there or neither is. One race is left on PostgreSQL: the
//! first one may commit between this one's look at the records and its claim. Then remembering finds a younger record,
//! the transaction is given up as a conflict and run again, and this time it finds the answer.
//!
//! Remembered are the order, and the refusal for want of stock: nothing has been written when that is found, so there is
//! nothing to roll back before it is remembered. No other refusal is.
//!
//! # Locks
//! Claim of the key (never waited for), then all products in ascending order, then rows that are new. Moving an order
//! locks the order, then its products (`transitions.rs`). Nobody who holds a product waits for an order, so there is
//! no circle.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::catalog::{Product, stock};
use crate::database::{Conn, DatabaseError, ErrorKind};
use crate::outbox::{self, NewEvent};
#[cfg(feature = "planted-bugs")]
use crate::planted::Bug;

use super::basket::{Basket, Offer, Wanted, priced, shortages};
use super::error::OrderError;
use super::idempotency::{Fingerprint, IdempotencyKey, cutoff};
use super::metrics::OrderKind;
use super::model::{HistoryEntry, Order};
use super::representation::{OrderView, OutOfStock};
use super::status::Status;
use super::store::{self, Claimed, Record};

/// Status of an answer that holds an order, as remembered.
const CREATED: i32 = 201;
/// Status of a remembered refusal.
const CONFLICT: i32 = 409;

/// A key, and the request that it is for.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The client's name for this attempt.
    pub key: IdempotencyKey,
    /// What it asks for.
    pub fingerprint: Fingerprint,
}

/// How placing ended.
#[derive(Debug)]
pub enum Placement {
    /// The order is stored.
    Created {
        /// The order.
        order: OrderView,
        /// What it consists of.
        kind: OrderKind,
        /// The order as JSON: what is remembered, to the byte.
        body: String,
    },
    /// There was too little of something. With a key, that is remembered.
    OutOfStock(OutOfStock),
    /// The key was good for an answer given before.
    Replayed(Answer),
}

/// An answer as it is remembered.
#[derive(Debug)]
pub enum Answer {
    /// An order.
    Created {
        /// Its id.
        order_id: Uuid,
        /// The body of the first answer, to the byte.
        body: String,
    },
    /// Too little of something, then.
    OutOfStock(OutOfStock),
}

/// A request to place an order, with all that a run of it needs: each run does the same.
#[derive(Debug)]
pub(super) struct Placing {
    pub(super) order_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) basket: Basket,
    pub(super) claim: Option<Claim>,
    pub(super) now: DateTime<Utc>,
}

impl Placing {
    /// Runs it in the caller's transaction, which commits unless this ends with an error.
    pub(super) fn run(&self, conn: &mut Conn<'_>) -> Result<Placement, OrderError> {
        if let Some(answer) = self.earlier_answer(conn)? {
            return Ok(Placement::Replayed(answer));
        }
        let products = stock::lock(conn, &self.basket.product_ids())?;
        let kind = OrderKind::of(products.iter().map(|product| product.product_type));
        let wanted = self
            .basket
            .matched(products.into_iter().map(Offer::from).collect())?;
        let short = shortages(&wanted);
        if short.is_empty() {
            self.place(conn, wanted, kind)
        } else {
            self.refuse(conn, OutOfStock::new(&short))
        }
    }

    /// The answer given to this request before.
    fn earlier_answer(&self, conn: &mut Conn<'_>) -> Result<Option<Answer>, OrderError> {
        let Some(claim) = &self.claim else {
            return Ok(None);
        };
        let Claimed { alone, record } = store::claim(conn, self.account_id, &claim.key)?;
        match record.filter(|record| record.created_at >= cutoff(self.now)) {
            Some(record) if record.request_hash == claim.fingerprint.as_bytes() => {
                answer(record).map(Some)
            }
            Some(_) => Err(OrderError::KeyReused),
            None if alone => Ok(None),
            None => Err(OrderError::KeyInProgress),
        }
    }

    fn place(
        &self,
        conn: &mut Conn<'_>,
        wanted: Vec<Wanted>,
        kind: OrderKind,
    ) -> Result<Placement, OrderError> {
        let (lines, total_cents) = priced(wanted)?;
        let pieces: Vec<_> = lines
            .iter()
            .map(|line| (line.product_id, line.quantity))
            .collect();
        stock::take(conn, &pieces)?;
        #[cfg(feature = "planted-bugs")]
        conn.split(Bug::StockApart)?;
        let order = Order {
            id: self.order_id,
            account_id: self.account_id,
            status: Status::Placed,
            lines,
            total_cents,
            created_at: self.now,
            updated_at: self.now,
        };
        let first = HistoryEntry {
            from: None,
            to: Status::Placed,
            at: self.now,
            by: self.account_id,
        };
        store::insert_order(conn, &order, &first).map_err(account_gone)?;
        let order = OrderView::from(order);
        outbox::append(
            conn,
            &NewEvent::new(event_type(Status::Placed), order.id, self.now, &order)?,
        )?;
        let body = serde_json::to_string(&order)?;
        #[cfg(feature = "planted-bugs")]
        conn.split(Bug::KeyApart)?;
        self.remember(conn, CREATED, &body, Some(order.id))?;
        Ok(Placement::Created { order, kind, body })
    }

    fn refuse(&self, conn: &mut Conn<'_>, refusal: OutOfStock) -> Result<Placement, OrderError> {
        self.remember(conn, CONFLICT, &serde_json::to_string(&refusal)?, None)?;
        Ok(Placement::OutOfStock(refusal))
    }

    fn remember(
        &self,
        conn: &mut Conn<'_>,
        status: i32,
        body: &str,
        order_id: Option<Uuid>,
    ) -> Result<(), OrderError> {
        let Some(claim) = &self.claim else {
            return Ok(());
        };
        let record = Record {
            request_hash: claim.fingerprint.as_bytes().to_vec(),
            response_status: status,
            response_body: body.to_owned(),
            order_id,
            created_at: self.now,
        };
        let stored = store::remember(conn, self.account_id, &claim.key, &record, cutoff(self.now));
        if stored.map_err(account_gone)? {
            Ok(())
        } else {
            Err(DatabaseError::conflict().into())
        }
    }
}

/// What was remembered, for giving it again.
fn answer(record: Record) -> Result<Answer, OrderError> {
    match (record.response_status, record.order_id) {
        (CREATED, Some(order_id)) => Ok(Answer::Created {
            order_id,
            body: record.response_body,
        }),
        (CONFLICT, _) => Ok(Answer::OutOfStock(serde_json::from_str(
            &record.response_body,
        )?)),
        _ => Err(DatabaseError::unreadable(
            "an idempotency record has a status that is never remembered",
        )
        .into()),
    }
}

/// The only row that can be missing is the account's: products are locked, and what is inserted keeps every check.
fn account_gone(error: DatabaseError) -> OrderError {
    if error.kind() == ErrorKind::Constraint {
        OrderError::AccountGone
    } else {
        error.into()
    }
}

/// The type of the event that tells of an order being there.
pub(super) const fn event_type(status: Status) -> &'static str {
    match status {
        Status::Placed => "order.placed",
        Status::Paid => "order.paid",
        Status::Shipped => "order.shipped",
        Status::Delivered => "order.delivered",
        Status::Cancelled => "order.cancelled",
    }
}

impl From<Product> for Offer {
    fn from(product: Product) -> Self {
        Self {
            product_id: product.id,
            sku: product.sku,
            name: product.name,
            unit_price_cents: product.unit_price_cents,
            stock: product.stock,
        }
    }
}
