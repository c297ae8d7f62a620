//! What planted bugs do to orders; see [`crate::planted`].

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::OrderError;
use super::model::Order;
use super::placing::{Answer, Placement, Placing};
use super::status::Status;
use crate::database::{Conn, Database, Operation};
use crate::planted::{Bug, linger};

/// Answers as soon as the order is there, on whose commit its thread goes on working.
pub(super) async fn answer_before_commit(
    database: &Database,
    operation: Operation,
    placing: Placing,
) -> Result<Placement, OrderError> {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let run = move |conn: &mut Conn<'_>| {
        let placement = placing.run(conn)?;
        if let Placement::Created { order, body, .. } = &placement {
            let early = Placement::Replayed(Answer::Created {
                order_id: order.id,
                body: body.clone(),
            });
            let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
            let _nobody_waits = tell.take().map(|tell| tell.send(early));
            linger();
        }
        Ok(placement)
    };
    tokio::select! {
        biased;
        Ok(early) = told => Ok(early),
        ended = database.write(operation, run) => ended,
    }
}

/// The order as it stood when this process read it for the first time: from a cache that nobody ever empties.
pub(super) fn as_seen_first(order: Order) -> Order {
    static SEEN: LazyLock<Mutex<HashMap<Uuid, Status>>> = LazyLock::new(Mutex::default);
    if !Bug::StaleRead.is_planted() {
        return order;
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let status = *seen.entry(order.id).or_insert(order.status);
    Order { status, ..order }
}
