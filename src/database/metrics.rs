//! What the database room tells: the pools from the inside, operations by name, failures by class.
//!
//! The pools' gauges are read when scraped: a lock on each checkout would cost latency.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use crate::telemetry::metrics::{
    Counter, CounterHandle, DynamicCounter, DynamicHistogram, HistogramHandle, MetricsError,
    OPERATION_BUCKETS, POOL_WAIT_BUCKETS, Registry, ScrapedGauge,
};
use crate::{label_set, metrics};

use super::Operation;
use super::error::ErrorKind;

label_set! {
    /// How an operation ended.
    pub(super) enum Outcome("outcome") {
        /// Done.
        Ok = "ok",
        /// The work itself refused, as for want of stock; the database did its part.
        Rejected = "rejected",
        /// The database failed, or was too slow.
        Failed = "failed",
    }
}

label_set! {
    /// The part of a checkout that took too long.
    pub(super) enum Phase("phase") {
        /// No connection became free.
        Wait = "wait",
        /// Opening one took too long.
        Create = "create",
        /// Checking an idle one took too long.
        Recycle = "recycle",
    }
}

label_set! {
    /// Why a connection was closed.
    pub(super) enum CloseReason("reason") {
        /// It failed, or a panic or an open transaction was left on it.
        Broken = "broken",
        /// Idle for longer than `database.idle_timeout`.
        Idle = "idle",
        /// Older than `database.max_lifetime`.
        MaxLifetime = "max_lifetime",
        /// The pool was closed.
        Shutdown = "shutdown",
    }
}

metrics! {
    /// What the database tells. The label `pool` is `primary` on PostgreSQL, `reader` and `writer` on SQLite.
    pub struct DatabaseMetrics {
        /// Connections in the pool, by what they are doing.
        pub connections: ScrapedGauge<2> = "db_pool_connections", labels = ["pool", "state"],
        /// The most connections that the pool may open.
        pub connections_max: ScrapedGauge<1> = "db_pool_connections_max", labels = ["pool"],
        /// Callers waiting for a connection. A hint: scrapes miss spikes, and an opening pool shows waiters without need.
        /// The truth is in db_pool_wait_seconds and db_pool_timeouts_total.
        pub waiting: ScrapedGauge<1> = "db_pool_waiting", labels = ["pool"],
        /// Time from asking for a connection to having one or giving up.
        pub wait: DynamicHistogram<1> = "db_pool_wait_seconds", labels = ["pool"], buckets = POOL_WAIT_BUCKETS,
        /// Time that a connection was held, from checkout to return.
        pub hold: DynamicHistogram<1> = "db_pool_hold_seconds", labels = ["pool"], buckets = OPERATION_BUCKETS,
        /// Time to open a connection and set it up.
        pub create: DynamicHistogram<1> = "db_pool_create_seconds", labels = ["pool"], buckets = OPERATION_BUCKETS,
        /// Checkouts given up, by the phase that took too long.
        pub timeouts: DynamicCounter<2> = "db_pool_timeouts_total", labels = ["pool", "phase"],
        /// Connections opened.
        pub opened: DynamicCounter<1> = "db_pool_connections_opened_total", labels = ["pool"],
        /// Connections closed, by reason.
        pub closed: DynamicCounter<2> = "db_pool_connections_closed_total", labels = ["pool", "reason"],
        /// Time of one operation as its caller sees it: waiting for a connection, statements, commit and retries.
        pub operations: DynamicHistogram<2> =
            "db_operation_duration_seconds", labels = ["operation", "outcome"], buckets = OPERATION_BUCKETS,
        /// Operations that the database did not carry out, by class of failure.
        pub errors: Counter<ErrorKind> = "db_errors_total",
    }
}

/// The series of one pool.
#[derive(Debug)]
pub(super) struct PoolHandles {
    pub(super) wait: HistogramHandle,
    pub(super) hold: HistogramHandle,
    create: HistogramHandle,
    opened: CounterHandle,
    timeouts: [CounterHandle; 3],
    closed: [CounterHandle; 4],
}

impl PoolHandles {
    pub(super) fn new(metrics: &DatabaseMetrics, pool: &str) -> Self {
        let timeouts = [Phase::Wait, Phase::Create, Phase::Recycle];
        let closed = [
            CloseReason::Broken,
            CloseReason::Idle,
            CloseReason::MaxLifetime,
            CloseReason::Shutdown,
        ];
        Self {
            wait: metrics.wait.handle(&[pool]),
            hold: metrics.hold.handle(&[pool]),
            create: metrics.create.handle(&[pool]),
            opened: metrics.opened.handle(&[pool]),
            timeouts: timeouts.map(|phase| metrics.timeouts.handle(&[pool, phase.as_str()])),
            closed: closed.map(|reason| metrics.closed.handle(&[pool, reason.as_str()])),
        }
    }

    pub(super) fn opened(&self, took: Duration) {
        self.create.observe(took);
        self.opened.inc();
    }

    pub(super) fn closed(&self, reason: CloseReason) {
        let place = match reason {
            CloseReason::Broken => 0,
            CloseReason::Idle => 1,
            CloseReason::MaxLifetime => 2,
            CloseReason::Shutdown => 3,
        };
        self.closed[place].inc();
    }

    pub(super) fn timed_out(&self, phase: Phase) {
        let place = match phase {
            Phase::Wait => 0,
            Phase::Create => 1,
            Phase::Recycle => 2,
        };
        self.timeouts[place].inc();
    }
}

/// The series of all operations, made at the start, so that none is born at its first failure.
#[derive(Debug)]
pub(super) struct OperationHandles(HashMap<&'static str, [HistogramHandle; 3]>);

impl OperationHandles {
    pub(super) fn new(metrics: &DatabaseMetrics, operations: &[Operation]) -> Self {
        let outcomes = [Outcome::Ok, Outcome::Rejected, Outcome::Failed];
        let handles = |Operation(name): &Operation| {
            (
                *name,
                outcomes.map(|outcome| metrics.operations.handle(&[name, outcome.as_str()])),
            )
        };
        Self(operations.iter().map(handles).collect())
    }

    pub(super) fn observe(&self, Operation(name): Operation, outcome: Outcome, took: Duration) {
        let Some(handles) = self.0.get(name) else {
            debug_assert!(false, "operation {name} is not in its subject's OPERATIONS");
            return;
        };
        handles[outcome as usize].observe(took);
    }
}

/// A pool as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// The pool's name.
    pub pool: &'static str,
    /// The most connections it may open.
    pub max: usize,
    /// Connections handed out.
    pub used: usize,
    /// Connections at rest.
    pub idle: usize,
    /// Callers without a connection.
    pub waiting: usize,
}

impl DatabaseMetrics {
    /// Registers the metrics of this room.
    pub(super) fn on(registry: &Registry) -> Result<Self, MetricsError> {
        Self::register(registry)
    }

    /// Has the gauges read from the pools at each scrape.
    pub(super) fn read_pools(
        &self,
        status: impl Fn() -> Vec<PoolStatus> + Clone + Send + Sync + 'static,
    ) {
        let of = status.clone();
        self.connections.read_by(move || {
            of().iter()
                .flat_map(|pool| {
                    [
                        (pool.pool, "used", pool.used),
                        (pool.pool, "idle", pool.idle),
                    ]
                })
                .map(|(pool, state, count)| {
                    ([Cow::Borrowed(pool), Cow::Borrowed(state)], gauge(count))
                })
                .collect()
        });
        let of = status.clone();
        self.connections_max.read_by(move || {
            of().iter()
                .map(|pool| ([Cow::Borrowed(pool.pool)], gauge(pool.max)))
                .collect()
        });
        self.waiting.read_by(move || {
            status()
                .iter()
                .map(|pool| ([Cow::Borrowed(pool.pool)], gauge(pool.waiting)))
                .collect()
        });
    }
}

/// A count as a gauge's value; counts of connections are far below what a float holds exactly.
fn gauge(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
