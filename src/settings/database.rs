//! Settings of the database and its pool. Opening, waiting and timing out are the `database` room's.

use std::path::PathBuf;
use std::time::Duration;

use super::database_url::DatabaseUrl;
use super::format::{Count, DAY, DatabaseAddress, Flag, HOUR, MILLISECOND, Period};
use super::section::section;

section! {
    /// The database and its pool.
    pub struct DatabaseSettings {
        /// `sqlite://relative.db`, `sqlite:///absolute.db` or `postgres://user:password@host:port/database`; the scheme
        /// alone decides. libpq's parameters (`?sslmode=require`) are kept. `DATABASE_URL` sets it too.
        pub url: DatabaseUrl = DatabaseUrl::Sqlite(PathBuf::from("glasshouse.db")) => DatabaseAddress;
        /// Most connections in the pool. PostgreSQL's `max_connections` must hold this for every replica, and some. Of two
        /// or more, writes get three quarters at most; the rest is left to reads. On SQLite one of them writes, and at
        /// least one, but at most twice as many as there are processors, read.
        pub max_connections: usize = 16 => Count(1..=1_000);
        /// Connections opened at the start and kept when idle, so that the first requests find them.
        pub min_idle: usize = 2 => Count(0..=1_000);
        /// Longest wait for a connection of the pool; then 503 with `Retry-After`.
        pub wait_timeout: Duration = Duration::from_millis(500) => Period(MILLISECOND..=HOUR);
        /// Longest time to open a connection.
        pub create_timeout: Duration = Duration::from_millis(1_500) => Period(MILLISECOND..=HOUR);
        /// Longest time to check a connection before it is used again.
        pub recycle_timeout: Duration = Duration::from_millis(500) => Period(MILLISECOND..=HOUR);
        /// Longest time for one statement, ended by the database; on SQLite, where nothing ends a statement, the longest
        /// wait for a lock. Migrations are exempt.
        pub statement_timeout: Duration = Duration::from_millis(1_500) => Period(MILLISECOND..=HOUR);
        /// Longest time for one operation as its caller sees it: wait, statements and all.
        pub deadline: Duration = Duration::from_secs(2) => Period(MILLISECOND..=HOUR);
        /// Idle connections above `min_idle` are closed after this time.
        pub idle_timeout: Duration = Duration::from_mins(10) => Period(MILLISECOND..=365 * DAY);
        /// A connection is closed when it is this old, so that a fail-over or a new password is noticed.
        pub max_lifetime: Duration = Duration::from_mins(30) => Period(MILLISECOND..=365 * DAY);
        /// Run pending migrations at the start. When false and some are pending, the service stays unready with
        /// `migrations_pending` until `glasshouse migrate` has run.
        pub migrate_on_start: bool = true => Flag;
    }
}
