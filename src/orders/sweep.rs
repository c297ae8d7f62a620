//! Forgets, in the background, the idempotency records that no longer count.
//!
//! Not what makes a key free again after 24 hours: placing takes an older record for none. This only gives the space
//! back, so it may run late, in several replicas at once, or not at all for a while.

use std::time::Duration;

use crate::lifecycle::StopToken;
use crate::telemetry::error_chain;

use super::service::OrderService;

/// Between two runs, give or take a quarter, so that replicas that started together do not sweep together.
const INTERVAL: Duration = Duration::from_mins(10);

/// Runs until it is stopped.
pub async fn sweep(service: OrderService, stop: StopToken) {
    while stop
        .sleep(INTERVAL.mul_f64(0.75 + fastrand::f64() / 2.0))
        .await
    {
        match service.sweep().await {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, "idempotency records swept"),
            Err(error) => {
                tracing::warn!(error = error_chain(&error), "idempotency records not swept");
            }
        }
    }
}
