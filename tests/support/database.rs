//! One database for one test, on either backend: made from nothing or cloned from a migrated template, gone with its value.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection, sql_query};
use tempfile::TempDir;

use super::app;
use super::postgres::{PrivateCluster, provided};

/// The two databases that everything runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file in a folder of the test's own.
    Sqlite,
    /// A database in the cluster of this test run.
    Postgres,
}

/// A database and a folder for whatever else the test writes.
pub(crate) struct TestDatabase {
    backend: Backend,
    url: String,
    folder: TempDir,
    /// Where it is dropped from in the end, and its name there.
    drop_from: Option<(String, String)>,
}

/// Nothing of this is a test's own: a connection to it keeps it from being cloned.
const TEMPLATE: &str = "glasshouse_template";

impl TestDatabase {
    /// One without a single table.
    pub(crate) fn empty(backend: Backend) -> Self {
        Self::make(backend, None)
    }

    /// One with all migrations applied.
    pub(crate) fn migrated(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let database = Self::empty(backend);
                app::migrate(&database.url);
                database
            }
            Backend::Postgres => {
                make_template();
                Self::make(backend, Some(TEMPLATE))
            }
        }
    }

    /// An empty one in a cluster of its own, which is to outlive it.
    pub(crate) fn inside(cluster: &PrivateCluster) -> Self {
        Self {
            backend: Backend::Postgres,
            url: cluster.url(),
            folder: folder(),
            drop_from: None,
        }
    }

    fn make(backend: Backend, template: Option<&str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = folder();
        match backend {
            Backend::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("test.db").display());
                Self {
                    backend,
                    url,
                    folder,
                    drop_from: None,
                }
            }
            Backend::Postgres => {
                let cluster = provided("TEST_DATABASE_URL");
                let name = format!(
                    "test_{}_{}",
                    std::process::id(),
                    COUNT.fetch_add(1, Ordering::Relaxed)
                );
                let template = template.unwrap_or("template0");
                let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
                postgres(&cluster)
                    .batch_execute(&statement)
                    .expect("it is created");
                Self {
                    backend,
                    url: with_database(&cluster, &name),
                    folder,
                    drop_from: Some((cluster, name)),
                }
            }
        }
    }

    /// Which one it is.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// As `DATABASE_URL` takes it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The test's own folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file, when it is SQLite.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite://").map(PathBuf::from)
    }

    /// Runs statements past the service, on a connection of its own.
    pub(crate) fn execute(&self, statements: &str) {
        match self.file() {
            None => postgres(&self.url).batch_execute(statements),
            Some(file) => sqlite(&file).batch_execute(statements),
        }
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The texts that a query selects, which must be called `text`: `SELECT payload AS text FROM outbox_events`.
    pub(crate) fn texts(&self, query: &str) -> Vec<String> {
        let found: Result<Vec<Line>, _> = match self.file() {
            None => sql_query(query).load(&mut postgres(&self.url)),
            Some(file) => sql_query(query).load(&mut sqlite(&file)),
        };
        let found = found.unwrap_or_else(|error| panic!("{query}: {error}"));
        found.into_iter().map(|line| line.text).collect()
    }

    /// Begins a transaction on a connection of its own and runs statements in it: what they lock stays locked until
    /// the value is dropped. On SQLite that is the whole database, whatever they are.
    pub(crate) fn hold(&self, statements: &str) -> Held {
        let begun = match self.file() {
            None => {
                let mut connection = postgres(&self.url);
                let begun = connection.batch_execute(&format!("BEGIN; {statements}"));
                begun.map(|()| Held::Postgres(connection))
            }
            Some(file) => {
                let mut connection = sqlite(&file);
                let begun = connection.batch_execute("BEGIN IMMEDIATE");
                begun.map(|()| Held::Sqlite(connection))
            }
        };
        begun.unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    /// Begins to write to the SQLite file, so that nobody else can until the value is dropped; `None` when somebody else
    /// writes at this moment.
    pub(crate) fn try_write_lock(&self) -> Option<Held> {
        let mut connection = sqlite(&self.file().expect("a file"));
        let begun = connection.batch_execute("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE");
        begun.ok().map(|()| Held::Sqlite(connection))
    }

    /// The number that a query selects, which must be called `number`: `SELECT count(*) AS number FROM orders`.
    pub(crate) fn number(&self, query: &str) -> i64 {
        let found = match self.file() {
            None => sql_query(query).get_result::<Number>(&mut postgres(&self.url)),
            Some(file) => sql_query(query).get_result::<Number>(&mut sqlite(&file)),
        };
        found
            .unwrap_or_else(|error| panic!("{query}: {error}"))
            .number
    }
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// A transaction that is open; it is rolled back with its value.
pub(crate) enum Held {
    /// On PostgreSQL.
    Postgres(PgConnection),
    /// On SQLite.
    Sqlite(SqliteConnection),
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((cluster, name)) = &self.drop_from {
            // Connections that are still open are the service's, which is stopped by now or being given up.
            let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            let _gone_with_the_cluster =
                PgConnection::establish(cluster).map(|mut c| c.batch_execute(&statement));
        }
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("glasshouse-test-")
        .tempdir()
        .expect("a folder for temporary files")
}

fn postgres(url: &str) -> PgConnection {
    PgConnection::establish(url)
        .unwrap_or_else(|error| panic!("PostgreSQL does not answer: {error}"))
}

fn sqlite(file: &Path) -> SqliteConnection {
    let mut connection =
        SqliteConnection::establish(&file.display().to_string()).expect("the file is there");
    connection
        .batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON")
        .expect("they are known");
    connection
}

fn with_database(url: &str, name: &str) -> String {
    let (server, _database) = url.rsplit_once('/').expect("a URL ends with a database");
    format!("{server}/{name}")
}

/// Once for all tests of a run, which are several processes.
fn make_template() {
    static MADE: Mutex<bool> = Mutex::new(false);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if *made {
        return;
    }
    let cluster = provided("TEST_DATABASE_URL");
    let mut connection = postgres(&cluster);
    connection
        .batch_execute("SELECT pg_advisory_lock(1)")
        .expect("a lock"); // until the connection is closed
    let query = format!("SELECT count(*) AS number FROM pg_database WHERE datname = '{TEMPLATE}'");
    if sql_query(query)
        .get_result::<Number>(&mut connection)
        .expect("a count")
        .number
        == 0
    {
        connection
            .batch_execute("DROP DATABASE IF EXISTS glasshouse_template_made")
            .and_then(|()| {
                connection
                    .batch_execute("CREATE DATABASE glasshouse_template_made TEMPLATE template0")
            })
            .expect("a template");
        app::migrate(&with_database(&cluster, "glasshouse_template_made"));
        let statement = format!("ALTER DATABASE glasshouse_template_made RENAME TO {TEMPLATE}");
        connection
            .batch_execute(&statement)
            .expect("nobody is connected to it");
    }
    *made = true;
}
