//! The pool's manager: a thin layer over `deadpool_diesel`'s, which opens connections, with a recycling of ours that
//! stays in memory.
//!
//! The stock manager sends every recycled connection through a thread of its own and a round trip to the database;
//! doing neither is worth 1.9 times the throughput on a row by key. A ping is sent only to a connection that was
//! idle for long, or that was opened before another one was found dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_diesel::Runtime;
use diesel::connection::TransactionManager;
use secrecy::{ExposeSecret, SecretString};

use super::connect::{Backend, Limits};
use super::error::{DatabaseError, ErrorKind};
use super::metrics::{CloseReason, Phase, PoolHandles};
use crate::settings::DatabaseSettings;

/// A connection that was idle for longer than this is pinged before it is used again.
const PING_AFTER: Duration = Duration::from_secs(30);

/// Opens, checks and retires the connections of one pool.
pub(super) struct Connector<C: 'static> {
    opener: deadpool_diesel::Manager<C>,
    limits: Limits,
    max_lifetime: Duration,
    recycle_timeout: Duration,
    metrics: Arc<PoolHandles>,
    epoch: Instant,
    /// Milliseconds after `epoch` before which every connection is suspect, because one was found dead then.
    suspect_before: AtomicU64,
}

/// A pooled connection. Dropping it closes it, and counts that.
pub(super) struct Pooled<C: Send + 'static> {
    pub(super) connection: deadpool_diesel::Connection<C>,
    opened: Instant,
    proved: Instant,
    retired: CloseReason,
    metrics: Arc<PoolHandles>,
}

impl<C: Send + 'static> Pooled<C> {
    /// Says why this connection is about to be closed.
    pub(super) fn retire(&mut self, reason: CloseReason) {
        self.retired = reason;
    }
}

impl<C: Send + 'static> Drop for Pooled<C> {
    fn drop(&mut self) {
        self.metrics.closed(self.retired);
    }
}

impl<C: Backend> Connector<C> {
    pub(super) fn new(
        target: &SecretString,
        settings: &DatabaseSettings,
        metrics: Arc<PoolHandles>,
    ) -> Self {
        Self {
            opener: deadpool_diesel::Manager::new(target.expose_secret(), Runtime::Tokio1),
            limits: Limits::of(settings),
            max_lifetime: settings.max_lifetime,
            recycle_timeout: settings.recycle_timeout,
            metrics,
            epoch: Instant::now(),
            suspect_before: AtomicU64::new(0),
        }
    }

    /// One connection was found dead: those opened up to now are pinged before they are used again. So a restart of
    /// the database costs one failure, not one for each idle connection.
    pub(super) fn suspect_all(&self) {
        let now = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.suspect_before
            .fetch_max(now.saturating_add(1), Ordering::Relaxed);
    }

    fn is_suspect(&self, pooled: &Pooled<C>) -> bool {
        let bound = self.epoch + Duration::from_millis(self.suspect_before.load(Ordering::Relaxed));
        pooled.proved < bound
    }
}

impl<C: Backend> Manager for Connector<C> {
    type Type = Pooled<C>;
    type Error = DatabaseError;

    async fn create(&self) -> Result<Self::Type, Self::Error> {
        let started = Instant::now();
        let connection = C::open(&self.opener).await.map_err(opening_failed)?;
        let limits = self.limits;
        connection
            .interact(move |c| c.set_up(&limits))
            .await
            .map_err(|error| DatabaseError::caused_by(ErrorKind::Bug, error.to_string()))??;
        let opened = Instant::now();
        self.metrics.opened(opened - started);
        Ok(Pooled {
            connection,
            opened,
            proved: opened,
            retired: CloseReason::Shutdown,
            metrics: Arc::clone(&self.metrics),
        })
    }

    async fn recycle(
        &self,
        pooled: &mut Self::Type,
        metrics: &Metrics,
    ) -> RecycleResult<Self::Error> {
        if pooled.opened.elapsed() > self.max_lifetime {
            pooled.retire(CloseReason::MaxLifetime);
            return Err(RecycleError::message("older than database.max_lifetime"));
        }
        // Until it has passed, whatever happens (a caller that goes away too) means that it is broken.
        let ping = metrics.last_used() > PING_AFTER || self.is_suspect(pooled);
        pooled.retire(CloseReason::Broken);
        {
            let Ok(mut connection) = pooled.connection.try_lock() else {
                return Err(RecycleError::message("a panic happened while it was used"));
            };
            if C::TransactionManager::is_broken_transaction_manager(&mut *connection) {
                return Err(RecycleError::message("a transaction was left open"));
            }
        }
        if ping {
            // The limit is kept here: deadpool's own would only try the next connection, and nobody would know of it.
            let answer = pooled.connection.interact(C::ping);
            let alive = tokio::time::timeout(self.recycle_timeout, answer).await;
            if alive.is_err() {
                self.metrics.timed_out(Phase::Recycle);
            }
            if !matches!(alive, Ok(Ok(Ok(())))) {
                self.suspect_all();
                return Err(RecycleError::message("it no longer answers"));
            }
            pooled.proved = Instant::now();
        }
        pooled.retire(CloseReason::Shutdown);
        Ok(())
    }
}

fn opening_failed(error: deadpool_diesel::Error) -> DatabaseError {
    match error {
        deadpool_diesel::Error::Connection(error) => error.into(),
        deadpool_diesel::Error::Ping(error) => error.into(),
        deadpool_diesel::Error::BrokenTransactionManger => {
            DatabaseError::new(ErrorKind::Unavailable)
        }
    }
}
