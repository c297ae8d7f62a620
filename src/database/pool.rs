//! One pool of connections of one backend, and the way work gets onto a connection.
//!
//! The pooled object itself moves into the blocking thread and comes back from there: one thread hop instead of two,
//! and a caller that goes away leaves the connection out of the pool until its thread is done with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{self, Object, PoolError, TimeoutType};
use deadpool_diesel::Runtime;
use tracing::Instrument as _;

use crate::settings::DatabaseSettings;
use crate::telemetry::{self, traces};

use super::connect::{self, Backend, Limits};
use super::connector::{Connector, Pooled};
use super::error::{DatabaseError, ErrorKind};
use super::metrics::{CloseReason, DatabaseMetrics, Phase, PoolHandles, PoolStatus};
use super::{Operation, OperationError};

/// One pool.
pub(super) struct Pool<C: Backend> {
    inner: managed::Pool<Connector<C>>,
    name: &'static str,
    handles: Arc<PoolHandles>,
}

impl<C: Backend> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            name: self.name,
            handles: Arc::clone(&self.handles),
        }
    }
}

/// Where the time of an operation went; both parts are known even when it was cut off.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Spent {
    pub(super) wait: Duration,
    pub(super) work: Duration,
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
        let target = connect::target(&settings.url, &Limits::of(settings));
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
        })
    }

    /// Runs the work on a connection of this pool, on a thread where it may block. Gives up at the deadline; the
    /// thread, if it is at it by then, goes on until the database lets go of it, and keeps its connection so long.
    pub(super) async fn run<T, E>(
        &self,
        operation: Operation,
        deadline: Instant,
        spent: &mut Spent,
        work: impl FnOnce(&mut C) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
    {
        let started = Instant::now();
        let span = traces::pool_wait(self.name);
        let object = self.checkout(deadline).instrument(span.clone()).await;
        if let Err(error) = &object {
            traces::failed(&span, error.kind().as_str());
        }
        drop(span);
        let waited = started.elapsed();
        spent.wait += waited;
        self.handles.wait.observe(waited);
        let object = object?;
        let handles = Arc::clone(&self.handles);
        let span = traces::operation(C::SYSTEM, self.name, operation.0);
        // What the thread does belongs to the operation.
        let task = span
            .in_scope(|| telemetry::spawn_blocking(move || on_connection(object, &handles, work)));
        let outcome = tokio::time::timeout_at(deadline.into(), task)
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

    async fn checkout(&self, deadline: Instant) -> Result<Object<Connector<C>>, DatabaseError> {
        match tokio::time::timeout_at(deadline.into(), self.inner.get()).await {
            Ok(Ok(object)) => Ok(object),
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

    pub(super) fn status(&self) -> PoolStatus {
        let status = self.inner.status();
        PoolStatus {
            pool: self.name,
            max: status.max_size,
            used: status.size.saturating_sub(status.available),
            idle: status.available,
            waiting: status.waiting,
        }
    }
}

/// What happens on the blocking thread. The hold time is observed even if the work panics.
fn on_connection<C: Backend, T, E: OperationError>(
    object: Object<Connector<C>>,
    handles: &PoolHandles,
    work: impl FnOnce(&mut C) -> Result<T, E>,
) -> Result<T, E> {
    let _hold = Hold {
        handles,
        since: Instant::now(),
    };
    let outcome = match object.connection.lock() {
        Ok(mut connection) => work(&mut connection),
        Err(_poisoned) => Err(DatabaseError::new(ErrorKind::Unavailable).into()),
    };
    if let Err(error) = &outcome
        && error.database().is_some_and(DatabaseError::ends_connection)
    {
        discard(object);
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
    handles: &'a PoolHandles,
    since: Instant,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.handles.hold.observe(self.since.elapsed());
    }
}
