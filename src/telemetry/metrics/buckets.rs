//! Histogram buckets, in seconds: one set for each kind of time that is measured.
//!
//! A bucket more is a series more for each label value, so the sets are as short as the questions
//! asked of them allow. Every set shares its edges with the alerts that read it.

/// Requests. Holds .25, the edge of the latency SLO (99 % under 250 ms).
pub const HTTP_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Waiting for a pooled connection: from nothing to wait for, to far past the wait timeout.
pub const POOL_WAIT_BUCKETS: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Work with a connection in hand: the set of OpenTelemetry's `db.client.operation.duration`,
/// and .0005 for what an embedded database answers.
pub const OPERATION_BUCKETS: &[f64] = &[0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// How late a runtime wakes a task up.
pub const LAG_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];
