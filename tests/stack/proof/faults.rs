//! What is done to the service while it is loaded: somebody holds a lock on the catalog, so that statements wait for it and
//! connections for them, for a while or for longer than anybody waits.

use std::time::Duration;

use crate::load::run::{Ran, Running};
use crate::support::eventually::eventually;

use super::stack::{SOON, Stack};

/// Nearly everything reads the catalog.
const LOCK: &str = "LOCK TABLE products IN ACCESS EXCLUSIVE MODE";

/// Three times longer than the objective, and half of what a caller waits for a connection: no request fails.
const SLOW: Duration = Duration::from_millis(750);

/// Longer than any deadline of the service.
const STARVED: Duration = Duration::from_millis(4500);

/// What orders are written to, and nothing else waits for.
const LOCK_ORDERS: &str = "LOCK TABLE orders IN SHARE MODE";

/// Shorter than a statement may take: orders that have a connection are slow, and placed.
const HELD_UP: Duration = Duration::from_secs(2);

/// Slows every visit of these stretches down.
pub(super) async fn slow_stretches(stack: &Stack, load: &mut Running) {
    stretches(stack, load, LOCK, [SLOW; 4], Duration::from_secs(3)).await;
}

/// Leaves visits of these stretches without a connection or without an answer from the database, and holds orders up before.
/// In the others it is left to chance whether one of the few connections is an order's.
pub(super) async fn starved_stretches(stack: &Stack, load: &mut Running) {
    let pause = Duration::from_secs(2);
    stretches(stack, load, LOCK_ORDERS, [HELD_UP], pause).await;
    stretches(stack, load, LOCK, [STARVED; 2], pause).await;
}

/// Each after a pause, from the first visit on.
async fn stretches<const N: usize>(
    stack: &Stack,
    load: &mut Running,
    lock: &str,
    lengths: [Duration; N],
    pause: Duration,
) {
    let arrivals = format!("k6_arrivals_total{{testid=\"{}\"}} > 0", load.id());
    eventually("the first visits", SOON, async || {
        assert!(!load.has_ended(), "the load ended before it began");
        stack.number(&arrivals).await
    })
    .await;
    for length in lengths {
        tokio::time::sleep(pause).await;
        let held = stack.database.hold(lock);
        tokio::time::sleep(length).await;
        drop(held);
    }
    assert!(
        !load.has_ended(),
        "the load ended before the last stretch did"
    );
}

/// Waits for a load to end.
pub(super) async fn until_the_end(mut load: Running) -> Ran {
    let longest = Duration::from_mins(2);
    eventually("the load to end", longest, async || load.has_ended()).await;
    load.wait()
}
