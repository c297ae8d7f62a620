//! The database: the only room that knows that there are two of them.
//!
//! A subject hands in a closure, by name of its operation; the closure gets one pooled connection, as a [`Conn`], on a
//! thread where it may block. [`Database::read`] runs it as it is; [`Database::write`] in one write transaction, and
//! again after a deadlock. Every wait on the way has a limit, and `database.deadline` bounds them all.
//!
//! # Layout
//! - `conn`: the connection of either backend, `on_backend!`, transactions
//! - `connect`: opening and setting up; `connector`: recycling; `pool`: checkout and blocking threads
//! - `pools`: which pool, `lane`: how many of its connections one kind of work may hold; `call`: one operation's limits
//! - `error`: classes of failures; `metrics`: what is told of all this
//! - `types`, `schema`: columns and tables
//! - `open_file`: whether an SQLite file is still the one that was opened
//! - `migrations`, `startup`: the schema's versions, and how the service comes by the right one
//! - `health`, `upkeep`: the readiness check; the pools' least and oldest connections

mod call;
mod conn;
mod connect;
mod connector;
mod error;
mod health;
mod lane;
mod metrics;
pub mod migrations;
mod open_file;
#[cfg(feature = "planted-bugs")]
mod planted;
mod pool;
mod pools;
pub mod schema;
mod startup;
#[cfg(test)]
mod tests;
pub mod types;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::telemetry::metrics::{Declaration, MetricsError, Registry};

pub use conn::Conn;
pub use error::{DatabaseError, ErrorKind};
pub use lane::{LaneReading, Pressure};
pub use metrics::{DatabaseMetrics, PoolStatus};
pub use startup::bring_up_to_date;
pub use upkeep::tend as tend_pools;

use call::Call;
use metrics::OperationHandles;
use pools::{Access, Kind, Pools};

/// The metrics of this room.
pub const DECLARATIONS: &[Declaration] = DatabaseMetrics::DECLARATIONS;

/// How often a write is run again after a deadlock or a serialization failure.
const RETRIES: u32 = 3;

/// The name of one operation, as it stands in `db_operation_duration_seconds`. The set is closed: each subject lists
/// its own in `OPERATIONS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation(pub &'static str);

/// An error that an operation may end with.
pub trait OperationError: From<DatabaseError> + Send + 'static {
    /// The database's failure, if it is one; `None` when the work itself refused.
    fn database(&self) -> Option<&DatabaseError>;
}

impl OperationError for DatabaseError {
    fn database(&self) -> Option<&DatabaseError> {
        Some(self)
    }
}

/// Why the database room could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Its metrics clash with others.
    #[error("the database's metrics could not be registered")]
    Metrics(#[from] MetricsError),
    /// The pool could not be made, or SQLite's folder is missing.
    #[error("the database pool could not be made")]
    Pool(#[from] DatabaseError),
}

/// The pools and everything about them. Clones share it.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    pools: Pools,
    url: DatabaseUrl,
    deadline: Duration,
    operations: OperationHandles,
    metrics: DatabaseMetrics,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.inner.url.masked())
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Makes the pools; opens no connection yet. `operations` are those of all subjects.
    pub fn new(
        settings: &DatabaseSettings,
        operations: &[Operation],
        registry: &Registry,
    ) -> Result<Self, SetupError> {
        let metrics = DatabaseMetrics::on(registry)?;
        let pools = Pools::new(settings, &metrics)?;
        let inner = Arc::new(Inner {
            pools,
            url: settings.url.clone(),
            deadline: settings.deadline,
            operations: OperationHandles::new(&metrics, operations),
            metrics,
        });
        let weak = Arc::downgrade(&inner);
        inner.metrics.read_pools(move || {
            weak.upgrade()
                .map(|inner| inner.pools.status())
                .unwrap_or_default()
        });
        Ok(Self { inner })
    }

    /// Runs the work on one connection, outside of a transaction. It must not write. It may be run a second time when
    /// the first connection turns out to be dead.
    pub async fn read<T, E, F>(&self, operation: Operation, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
        F: Fn(&mut Conn<'_>) -> Result<T, E> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let mut call = Call::start(&self.inner, operation);
        loop {
            let work = Arc::clone(&work);
            let outcome = self
                .inner
                .pools
                .run(
                    operation,
                    Access::Read,
                    call.bounds,
                    &mut call.spent,
                    move |conn| work(conn),
                )
                .await;
            if !call
                .again(&outcome, |error, tries| {
                    tries == 0 && lost_connection(error)
                })
                .await
            {
                return call.finish(outcome);
            }
        }
    }

    /// Runs the work in one write transaction. It is rolled back when the work ends with an error, or past the
    /// deadline; and run again, three times at most, when it lost against a concurrent transaction. Whether a commit
    /// whose answer got lost was done is for the idempotency key to tell, so that is not tried again.
    pub async fn write<T, E, F>(&self, operation: Operation, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
        F: Fn(&mut Conn<'_>) -> Result<T, E> + Send + Sync + 'static,
    {
        self.write_then(operation, work, |_| ()).await
    }

    /// Like [`write`](Self::write), and shows `ended` how each run ended, commit or rollback included, on the thread
    /// where it did: also when the caller has gone away, or was told by then that the deadline had passed. Whoever counts
    /// what is stored counts it there, and leaves runs that end with the database's error to the one after them.
    pub async fn write_then<T, E, F, S>(
        &self,
        operation: Operation,
        work: F,
        ended: S,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
        F: Fn(&mut Conn<'_>) -> Result<T, E> + Send + Sync + 'static,
        S: Fn(&Result<T, E>) + Send + Sync + 'static,
    {
        let work = Arc::new((work, ended));
        let begun = Arc::new(AtomicBool::new(false));
        let mut call = Call::start(&self.inner, operation);
        let bounds = call.bounds;
        loop {
            let (work, begun_here) = (Arc::clone(&work), Arc::clone(&begun));
            let transaction = move |conn: &mut Conn<'_>| {
                let (work, ended) = work.as_ref();
                let outcome = conn.transaction(bounds.last_begin, |conn| {
                    begun_here.store(true, Ordering::Release);
                    work(conn)
                });
                ended(&outcome);
                outcome
            };
            let outcome = self
                .inner
                .pools
                .run(
                    operation,
                    Access::Write,
                    bounds,
                    &mut call.spent,
                    transaction,
                )
                .await;
            let again = |error: &DatabaseError, tries| match error.kind() {
                ErrorKind::Conflict => tries < RETRIES,
                _ => tries == 0 && lost_connection(error) && !begun.load(Ordering::Acquire),
            };
            if !call.again(&outcome, again).await {
                return call.finish(outcome);
            }
        }
    }

    /// The pools as they are now.
    pub fn status(&self) -> Vec<PoolStatus> {
        self.inner.pools.status()
    }

    /// Which backend it is, for `build_info`: `postgres` or `sqlite`.
    pub fn backend(&self) -> &'static str {
        match self.inner.pools.kind {
            Kind::Postgres(_) => "postgres",
            Kind::Sqlite { .. } => "sqlite",
        }
    }

    /// How the ways to the pools are: for whoever decides whether to take on more work.
    pub fn pressure(&self) -> Pressure {
        self.inner.pools.pressure.clone()
    }

    /// Closes the pools: idle connections now, used ones when they come back. Nothing can be checked out any more.
    pub fn close(&self) {
        self.inner.pools.close();
    }
}

/// The connection was dead before the work began on it, or died under it.
fn lost_connection(error: &DatabaseError) -> bool {
    error.kind() == ErrorKind::Unavailable
}
