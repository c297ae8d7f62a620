//! Moving an order from one status to the next: everything that happens in its one transaction.
//!
//! The order is locked first, then, to put stock back, its products in ascending order. Time and ids are taken once the
//! order is locked: of two steps that come at the same moment, the one that waited is the later one, in the history
//! and in the events. A run that is rolled back leaves none of them behind, so another run may take new ones.

use uuid::Uuid;

use crate::catalog::stock;
use crate::database::types::now;
use crate::database::{Conn, DatabaseError};
use crate::outbox::{self, NewEvent};
#[cfg(feature = "planted-bugs")]
use crate::planted::Bug;

use super::error::OrderError;
use super::model::{Access, HistoryEntry, Order, OrderLine, next_step};
use super::placing::event_type;
use super::representation::OrderView;
use super::status::{Status, Transition};
use super::store;

/// An order that made a step.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) order: OrderView,
    pub(super) transition: Transition,
}

/// A request to move an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moving {
    pub(super) access: Access,
    pub(super) order_id: Uuid,
    pub(super) to: Status,
}

impl Moving {
    /// Runs it in the caller's transaction, which commits unless this ends with an error.
    pub(super) fn run(self, conn: &mut Conn<'_>) -> Result<Moved, OrderError> {
        let mut order =
            store::lock(conn, self.access, self.order_id)?.ok_or(OrderError::NotFound)?;
        let transition = order.status.to(self.to)?;
        let at = next_step(order.updated_at, now());
        if !store::set_status(conn, order.id, transition, at)? {
            // Cannot be while the row is locked; a second guard against putting stock back twice.
            return Err(DatabaseError::conflict().into());
        }
        let entry = HistoryEntry {
            from: Some(transition.from()),
            to: self.to,
            at,
            by: self.access.account,
        };
        store::insert_history(conn, order.id, &entry)?;
        order.lines = store::lines(conn, order.id)?;
        if self.to == Status::Cancelled {
            put_back(conn, &order.lines)?;
            #[cfg(feature = "planted-bugs")]
            if Bug::PutBackTwice.is_planted() && transition.from() == Status::Paid {
                put_back(conn, &order.lines)?;
            }
        }
        let order = OrderView::from(Order {
            status: self.to,
            updated_at: at,
            ..order
        });
        #[cfg(feature = "planted-bugs")]
        conn.split(Bug::EventApart)?;
        outbox::append(
            conn,
            &NewEvent::new(event_type(self.to), order.id, at, &order)?,
        )?;
        Ok(Moved { order, transition })
    }
}

fn put_back(conn: &mut Conn<'_>, lines: &[OrderLine]) -> Result<(), DatabaseError> {
    let mut pieces: Vec<_> = lines
        .iter()
        .map(|line| (line.product_id, line.quantity))
        .collect();
    pieces.sort_unstable();
    let ids: Vec<_> = pieces.iter().map(|(id, _)| *id).collect();
    stock::lock(conn, &ids)?;
    stock::put_back(conn, &pieces)
}
