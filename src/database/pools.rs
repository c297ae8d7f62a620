//! The pools of either backend, each with its lanes, and which of them a piece of work goes through.

use std::sync::Arc;

use diesel::{PgConnection, SqliteConnection};

use crate::settings::{DatabaseSettings, DatabaseUrl};

use super::call::{Bounds, Spent};
use super::connect;
use super::error::DatabaseError;
use super::lane::{Lane, Pressure, for_readers, for_writes};
use super::metrics::{DatabaseMetrics, PoolStatus};
use super::open_file::OpenFile;
use super::pool::Pool;
use super::{Conn, Operation, OperationError};

/// What a piece of work is going to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The pools, and the way to each.
pub(super) struct Pools {
    pub(super) kind: Kind,
    pub(super) pressure: Pressure,
}

/// SQLite has one writer at a time, so it gets one connection for writing: waiting for it is a wait for the pool, seen
/// and bounded like any other, where SQLite would poll.
pub(super) enum Kind {
    Postgres(Pool<PgConnection>),
    Sqlite {
        reader: Pool<SqliteConnection>,
        writer: Pool<SqliteConnection>,
        file: Arc<OpenFile>,
    },
}

impl Pools {
    /// Opens no connection yet.
    pub(super) fn new(
        settings: &DatabaseSettings,
        metrics: &DatabaseMetrics,
    ) -> Result<Self, DatabaseError> {
        let most = settings.max_connections;
        let pool = |name, size| Pool::new(name, size, settings, metrics);
        match &settings.url {
            DatabaseUrl::Postgres(_) => Ok(Self {
                kind: Kind::Postgres(Pool::new("primary", most, settings, metrics)?),
                pressure: Pressure {
                    reads: Lane::over(most),
                    writes: Lane::within(for_writes(most)),
                },
            }),
            DatabaseUrl::Sqlite(path) => {
                connect::check_folder(path)?;
                let readers = for_readers(most.saturating_sub(1).max(1));
                Ok(Self {
                    kind: Kind::Sqlite {
                        reader: pool("reader", readers)?,
                        writer: pool("writer", 1)?,
                        file: Arc::new(OpenFile::at(path)),
                    },
                    pressure: Pressure {
                        reads: Lane::over(readers),
                        writes: Lane::over(1),
                    },
                })
            }
        }
    }

    pub(super) async fn run<T, E>(
        &self,
        operation: Operation,
        access: Access,
        bounds: Bounds,
        spent: &mut Spent,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
    {
        let lane = match access {
            Access::Read => &self.pressure.reads,
            Access::Write => &self.pressure.writes,
        };
        match &self.kind {
            Kind::Postgres(pool) => {
                let work = |c: &mut PgConnection| work(&mut Conn::Postgres(c));
                pool.run(operation, lane, bounds, spent, work).await
            }
            Kind::Sqlite { reader, .. } if access == Access::Read => {
                let work = |c: &mut SqliteConnection| work(&mut Conn::Sqlite(c));
                reader.run(operation, lane, bounds, spent, work).await
            }
            Kind::Sqlite { writer, file, .. } => {
                let file = Arc::clone(file);
                let on_that_file = move |c: &mut SqliteConnection| {
                    file.check()?;
                    work(&mut Conn::Sqlite(c))
                };
                writer
                    .run(operation, lane, bounds, spent, on_that_file)
                    .await
            }
        }
    }

    pub(super) fn status(&self) -> Vec<PoolStatus> {
        let (reads, writes) = (
            self.pressure.reads.waiting(),
            self.pressure.writes.waiting(),
        );
        match &self.kind {
            Kind::Postgres(pool) => vec![pool.status(reads + writes)],
            Kind::Sqlite { reader, writer, .. } => {
                vec![reader.status(reads), writer.status(writes)]
            }
        }
    }

    pub(super) fn close(&self) {
        match &self.kind {
            Kind::Postgres(pool) => pool.close(),
            Kind::Sqlite { reader, writer, .. } => {
                reader.close();
                writer.close();
            }
        }
    }
}
