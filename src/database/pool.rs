//! One pool of connections of one backend, and the way work gets onto a connection.
//!
//! The pooled object itself moves into the blocking thread and comes back from there: one thread hop instead of two,
//! and a caller that goes away leaves the connection out of the pool until its thread is done with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{self, Object, PoolError, TimeoutType};
use deadpool_diesel::Runtime;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

use crate::settings::DatabaseSettings;
use crate::telemetry::{self, traces};

use super::call::{Bounds, Spent};
use super::connect::{self, Backend, Limits};
use super::connector::{Connector, Pooled};
use super::error::{DatabaseError, ErrorKind};
use super::lane::Lane;
use super::metrics::{CloseReason, DatabaseMetrics, Phase, PoolHandles, PoolStatus};
use super::{Operation, OperationError};

/// One pool.
pub(super) struct Pool<C: Backend> {
    inner: managed::Pool<Connector<C>>,
    name: &'static str,
    handles: Arc<PoolHandles>,
    limits: Limits,
}

impl<C: Backend> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            name: self.name,
            handles: Arc::clone(&self.handles),
            limits: self.limits,
        }
    }
}

impl<C: Backend> Pool<C> {
    /// Opens nothing yet.
    pub(super) fn new(
        name: &'static str,
        size: usize,
        settings: &DatabaseSettings,
        metrics: &DatabaseMetrics,
    ) -> Result<Self, DatabaseError> {
        let handles = Arc::new(PoolHandles::new(metrics, name));
        let limits = Limits::of(settings);
        let target = connect::target(&settings.url, &limits);
        let connector = Connector::new(&target, settings, Arc::clone(&handles));
        let inner = managed::Pool::builder(connector)
            .max_size(size)
            .wait_timeout(Some(settings.wait_timeout))
            .create_timeout(Some(settings.create_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::caused_by(ErrorKind::Bug, error))?;
        Ok(Self {
            inner,
            name,
            handles,
            limits,
        })
    }

    /// Runs the work on a connection of this pool, on a thread where it may block. Gives up at the deadline; the
    /// thread, if it is at it by then, goes on until the database lets go of it, and keeps its connection so long. What
    /// nobody waits for any more, or comes too late to begin, is not begun.
    pub(super) async fn run<T, E>(
        &self,
        operation: Operation,
        lane: &Arc<Lane>,
        bounds: Bounds,
        spent: &mut Spent,
        work: impl FnOnce(&mut C) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
    {
        bounds.check()?;
        let started = Instant::now();
        let span = traces::pool_wait(self.name);
        let checkout = self.checkout(lane, bounds.deadline);
        let checkout = checkout.instrument(span.clone()).await;
        if let Err(error) = &checkout {
            traces::failed(&span, error.kind().as_str());
        }
        drop(span);
        let waited = started.elapsed();
        spent.wait += waited;
        self.handles.wait.observe(waited);
        lane.waited(waited);
        let (object, turn) = checkout?;
        let held = Held {
            handles: Arc::clone(&self.handles),
            lane: Arc::clone(lane),
            limits: self.limits,
            bounds,
            _turn: turn,
        };
        let span = traces::operation(C::SYSTEM, self.name, operation.0);
        // What the thread does belongs to the operation.
        let task =
            span.in_scope(|| telemetry::spawn_blocking(move || on_connection(object, &held, work)));
        // The caller may go away while its work waits for a thread.
        let _unless_begun = Withdrawal(task.abort_handle());
        let outcome = tokio::time::timeout_at(bounds.deadline.into(), task)
            .instrument(span.clone())
            .await;
        spent.work += started.elapsed().saturating_sub(waited);
        let failure = match &outcome {
            Ok(Ok(Ok(_))) => None,
            // A refusal is an answer, not a failure.
            Ok(Ok(Err(error))) => error
                .database()
                .filter(|error| !error.is_refusal())
                .map(|error| error.kind().as_str()),
            Ok(Err(_)) => Some("panic"),
            Err(_) => Some(ErrorKind::Deadline.as_str()),
        };
        if let Some(kind) = failure {
            traces::failed(&span, kind);
        }
        match outcome {
            Ok(Ok(result)) => result,
            // The panic goes on where the request is, so that it is answered and counted like any other.
            Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Ok(Err(_cancelled)) => Err(DatabaseError::new(ErrorKind::Unavailable).into()),
            Err(_elapsed) => Err(DatabaseError::deadline().into()),
        }
    }

    /// A turn of the lane and a connection; `database.wait_timeout` holds for both together.
    async fn checkout(
        &self,
        lane: &Lane,
        deadline: Instant,
    ) -> Result<(Object<Connector<C>>, Option<OwnedSemaphorePermit>), DatabaseError> {
        let _waiting = lane.wait();
        let mut timeouts = self.inner.timeouts();
        let give_up = timeouts.wait.map(|limit| Instant::now() + limit);
        let until = give_up.map_or(deadline, |give_up| give_up.min(deadline));
        let Ok(turn) = tokio::time::timeout_at(until.into(), lane.turn()).await else {
            if until == deadline {
                return Err(DatabaseError::deadline());
            }
            self.handles.timed_out(Phase::Wait);
            return Err(DatabaseError::new(ErrorKind::PoolWait));
        };
        timeouts.wait = give_up.map(|at| at.saturating_duration_since(Instant::now()));
        let object = self.inner.timeout_get(&timeouts);
        match tokio::time::timeout_at(deadline.into(), object).await {
            Ok(Ok(object)) => Ok((object, turn)),
            Ok(Err(PoolError::Timeout(phase))) => {
                let (phase, kind) = match phase {
                    TimeoutType::Wait => (Phase::Wait, ErrorKind::PoolWait),
                    // There is none for recycling: the connector keeps that limit, and a caller just gets the next one.
                    TimeoutType::Create | TimeoutType::Recycle => {
                        (Phase::Create, ErrorKind::PoolCreate)
                    }
                };
                self.handles.timed_out(phase);
                Err(DatabaseError::new(kind))
            }
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(error)) => Err(DatabaseError::caused_by(
                ErrorKind::Unavailable,
                error.to_string(),
            )),
            Err(_elapsed) => Err(DatabaseError::deadline()),
        }
    }

    /// Opens connections until so many are there. The first failure ends it: the rest comes with demand.
    pub(super) async fn warm_up(&self, min_idle: usize) -> Result<(), DatabaseError> {
        let missing = min_idle
            .min(self.inner.status().max_size)
            .saturating_sub(self.inner.status().size);
        let opening = (0..missing).map(|_| self.inner.get());
        let mut opened = Vec::new();
        for outcome in futures_util::future::join_all(opening).await {
            opened.push(outcome.map_err(|error| match error {
                PoolError::Backend(error) => error,
                PoolError::Timeout(_) => DatabaseError::new(ErrorKind::PoolCreate),
                error => DatabaseError::caused_by(ErrorKind::Unavailable, error.to_string()),
            })?);
        }
        Ok(())
    }

    /// Closes what was idle for too long, the oldest first, down to the least that is kept.
    pub(super) fn retire_idle(&self, min_idle: usize, idle_timeout: Duration) {
        let mut spare = self.inner.status().size.saturating_sub(min_idle);
        let removed = self.inner.retain(|_, metrics| {
            let keep = spare == 0 || metrics.last_used() < idle_timeout;
            if !keep {
                spare -= 1;
            }
            keep
        });
        for mut pooled in removed.removed {
            pooled.retire(CloseReason::Idle);
        }
    }

    pub(super) fn close(&self) {
        self.inner.close();
    }

    /// As it is now; how many wait is known to its lanes.
    pub(super) fn status(&self, waiting: usize) -> PoolStatus {
        let status = self.inner.status();
        PoolStatus {
            pool: self.name,
            max: status.max_size,
            used: status.size.saturating_sub(status.available),
            idle: status.available,
            waiting,
        }
    }
}

/// Takes back work that has not begun. What has begun is not touched by it.
struct Withdrawal(tokio::task::AbortHandle);

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What goes to the blocking thread with a connection.
struct Held {
    handles: Arc<PoolHandles>,
    lane: Arc<Lane>,
    limits: Limits,
    bounds: Bounds,
    /// Given back after the connection.
    _turn: Option<OwnedSemaphorePermit>,
}

/// Added to what is left before a statement is ended for a request whose time is up. So the guard is always the one who
/// tells its client, and the connection is free a moment later.
const AFTER_THE_GUARD: Duration = Duration::from_millis(250);

impl Held {
    /// The time that statements may take, where what is left is less than they have anyway.
    fn shorter_limit(&self) -> Option<Duration> {
        let left = self.bounds.left() + AFTER_THE_GUARD;
        let usual = self.limits.statement?;
        (left < usual).then_some(left)
    }
}

/// What happens on the blocking thread. The hold time is observed even if the work panics.
fn on_connection<C: Backend, T, E: OperationError>(
    object: Object<Connector<C>>,
    held: &Held,
    work: impl FnOnce(&mut C) -> Result<T, E>,
) -> Result<T, E> {
    let _hold = Hold {
        held,
        since: Instant::now(),
    };
    // It may have waited for this thread.
    held.bounds.check()?;
    let shorter = held.shorter_limit();
    let outcome = match object.connection.lock() {
        Ok(mut connection) => within(&mut *connection, shorter, &held.limits, work),
        Err(_poisoned) => Err(DatabaseError::new(ErrorKind::Unavailable).into()),
    };
    if let Err(error) = &outcome
        && error.database().is_some_and(DatabaseError::ends_connection)
    {
        discard(object);
    }
    outcome
}

/// Runs the work with a shorter limit for its statements, if there is one. Setting it costs a round trip, and so does
/// taking it back; only what runs in the last moments of its request pays for that.
fn within<C: Backend, T, E: OperationError>(
    connection: &mut C,
    shorter: Option<Duration>,
    usual: &Limits,
    work: impl FnOnce(&mut C) -> Result<T, E>,
) -> Result<T, E> {
    let Some(limit) = shorter else {
        return work(connection);
    };
    connection.limit_statements(limit)?;
    let outcome = work(connection);
    // Where this fails the connection is dead, which the next one finds out; a limit that stayed would only be too short.
    if let Err(error) = connection.unlimit_statements(usual) {
        tracing::debug!(error = %error, "limit of statements not taken back");
    }
    outcome
}

/// Takes a dead connection out of the pool, and makes the pool suspicious of its siblings.
fn discard<C: Backend>(object: Object<Connector<C>>) {
    if let Some(pool) = Object::pool(&object) {
        pool.manager().suspect_all();
    }
    let mut pooled: Pooled<C> = Object::take(object);
    pooled.retire(CloseReason::Broken);
}

/// Observes how long a connection was held, whatever ends it.
struct Hold<'a> {
    held: &'a Held,
    since: Instant,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let time = self.since.elapsed();
        self.held.handles.hold.observe(time);
        self.held.lane.held(time);
    }
}
