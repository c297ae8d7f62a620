//! One operation under way: how long it may take, how often it was tried, and where its time went.

use std::time::{Duration, Instant};

use crate::telemetry;

use super::error::DatabaseError;
use super::metrics::Outcome;
use super::{Inner, Operation, OperationError};

/// Until when an operation may go on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Its caller gives up then: `database.deadline`.
    pub(super) deadline: Instant,
    /// No work begins after this, and none is committed: the deadline, or that of its request if it comes first. Nobody
    /// gives up at this one here: the guard does, which answers for the request.
    pub(super) last_begin: Instant,
}

impl Bounds {
    fn from(started: Instant, limit: Duration) -> Self {
        let deadline = started + limit;
        let of_request = telemetry::with_current(|context| context.deadline()).flatten();
        Self {
            deadline,
            last_begin: of_request.map_or(deadline, |limit| limit.min(deadline)),
        }
    }

    /// Refuses what comes too late to begin.
    pub(super) fn check(&self) -> Result<(), DatabaseError> {
        if Instant::now() >= self.last_begin {
            return Err(DatabaseError::deadline());
        }
        Ok(())
    }

    /// What is left to begin in.
    pub(super) fn left(&self) -> Duration {
        self.last_begin.saturating_duration_since(Instant::now())
    }
}

/// Where the time of an operation went; both parts are known even when it was cut off.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Spent {
    pub(super) wait: Duration,
    pub(super) work: Duration,
}

/// One operation under way.
pub(super) struct Call<'a> {
    inner: &'a Inner,
    operation: Operation,
    started: Instant,
    pub(super) bounds: Bounds,
    pub(super) spent: Spent,
    tries: u32,
}

impl<'a> Call<'a> {
    pub(super) fn start(inner: &'a Inner, operation: Operation) -> Self {
        let started = Instant::now();
        Self {
            inner,
            operation,
            started,
            bounds: Bounds::from(started, inner.deadline),
            spent: Spent::default(),
            tries: 0,
        }
    }

    /// Whether to try again; waits a little first, each one for its own time, so that two that collided part.
    pub(super) async fn again<T, E: OperationError>(
        &mut self,
        outcome: &Result<T, E>,
        worth_it: impl Fn(&DatabaseError, u32) -> bool,
    ) -> bool {
        let tries = self.tries;
        let again = outcome
            .as_ref()
            .is_err_and(|error| error.database().is_some_and(|error| worth_it(error, tries)));
        if !again || self.bounds.check().is_err() {
            return false;
        }
        self.tries += 1;
        tokio::time::sleep(Duration::from_micros(
            fastrand::u64(500..5_000) * u64::from(self.tries),
        ))
        .await;
        true
    }

    /// Tells how it went.
    pub(super) fn finish<T, E: OperationError>(self, outcome: Result<T, E>) -> Result<T, E> {
        if let Some(context) = telemetry::current() {
            context.add_database(self.spent.wait, self.spent.work);
        }
        let label = match &outcome {
            Ok(_) => Outcome::Ok,
            Err(error) => error.database().map_or(Outcome::Rejected, |error| {
                self.inner.metrics.errors.with(error.kind()).inc();
                if error.is_refusal() {
                    Outcome::Rejected
                } else {
                    Outcome::Failed
                }
            }),
        };
        self.inner
            .operations
            .observe(self.operation, label, self.started.elapsed());
        outcome
    }
}
