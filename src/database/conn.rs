//! One connection of either backend, and the macro by which each query is written once and compiled for both.
//!
//! The backend was chosen by the scheme of the URL, never by trying. Build a query inside the macro's body:
//! its type fixes the backend at first use.

use std::time::Instant;

use diesel::connection::Connection;
use diesel::{PgConnection, SqliteConnection};

use super::error::DatabaseError;
#[cfg(feature = "planted-bugs")]
use crate::planted::Bug;

/// A borrowed connection. Stores take it; where the backends differ, they `match` on it.
#[expect(
    missing_debug_implementations,
    reason = "a connection has nothing to show"
)]
pub enum Conn<'a> {
    /// PostgreSQL.
    Postgres(&'a mut PgConnection),
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
}

/// Runs one expression with the concrete connection, whichever it is: `on_backend!(conn, |c| query.execute(c))`.
#[macro_export]
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::database::Conn::Postgres(c) => {
                let $c: &mut diesel::PgConnection = c;
                $body
            }
            $crate::database::Conn::Sqlite(c) => {
                let $c: &mut diesel::SqliteConnection = c;
                $body
            }
        }
    };
}

/// Why a transaction was rolled back: the work said so, or the database did.
enum Rollback<E> {
    Work(E),
    Database(diesel::result::Error),
}

impl<E> From<diesel::result::Error> for Rollback<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

impl<E: From<DatabaseError>> Rollback<E> {
    fn into_error(self) -> E {
        match self {
            Self::Work(error) => error,
            Self::Database(error) => DatabaseError::from(error).into(),
        }
    }
}

impl Conn<'_> {
    /// Runs the work in one write transaction: `BEGIN` on PostgreSQL; `BEGIN IMMEDIATE` on SQLite, where a reader that
    /// turns writer half-way is refused with `SQLITE_BUSY_SNAPSHOT` whatever the busy timeout says.
    ///
    /// Work that ends after the deadline is rolled back: its caller has been told 503 by then, and must not
    /// find it done. Nor is any begun then, which may be when the lock was waited for.
    pub(super) fn transaction<T, E>(
        &mut self,
        deadline: Instant,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DatabaseError>,
    {
        #[cfg(feature = "planted-bugs")]
        if Bug::NoTransaction.is_planted() {
            return work(self);
        }
        let still_time = || {
            if Instant::now() > deadline {
                return Err(Rollback::Work(E::from(DatabaseError::deadline())));
            }
            Ok(())
        };
        let in_time = |conn: &mut Conn<'_>| {
            still_time()?;
            let value = work(conn).map_err(Rollback::Work)?;
            still_time()?;
            Ok(value)
        };
        #[cfg(feature = "planted-bugs")]
        if Bug::CommitUnheeded.is_planted() {
            return self.commit_unheeded(in_time).map_err(Rollback::into_error);
        }
        let outcome = match self {
            Conn::Postgres(c) => c.transaction(|c| in_time(&mut Conn::Postgres(c))),
            Conn::Sqlite(c) => c.immediate_transaction(|c| in_time(&mut Conn::Sqlite(c))),
        };
        outcome.map_err(Rollback::into_error)
    }
}
