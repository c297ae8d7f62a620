//! How a connection is opened and set up, on either backend: the parameters and pragmas that bound every wait.
//!
//! Every time limit is set here once, when the connection is made, so that no query has to think of it.

use std::path::Path;
use std::time::Duration;

use deadpool::managed::Manager;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use secrecy::{ExposeSecret, SecretString};

use crate::settings::{DatabaseSettings, DatabaseUrl};

use super::error::DatabaseError;

/// The least that libpq honours for connecting; where the pool gives up sooner (`database.create_timeout`), the thread that
/// waits ends by this.
const LEAST_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes that stay unacknowledged this long mean that the network is gone. (A stopped server still acknowledges.)
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);
/// A transaction that does nothing for this long holds locks for nobody.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// A backend: how it is opened, and what is done to a fresh connection.
pub(super) trait Backend: Connection + Send + Sized + 'static {
    /// Its `db.system.name` in traces.
    const SYSTEM: &'static str;
    /// Opens a connection through deadpool's manager, which does it on a blocking thread.
    fn open(
        opener: &deadpool_diesel::Manager<Self>,
    ) -> impl Future<Output = Result<deadpool_diesel::Connection<Self>, deadpool_diesel::Error>> + Send;
    /// Sets the connection up once it is open.
    fn set_up(&mut self, limits: &Limits) -> Result<(), DatabaseError>;
    /// The cheapest statement that proves the connection to be alive.
    fn ping(&mut self) -> Result<(), DatabaseError>;
    /// Bounds statements and waits for locks more tightly than set up, until it is taken back.
    fn limit_statements(&mut self, limit: Duration) -> Result<(), DatabaseError>;
    /// Bounds them as they were set up.
    fn unlimit_statements(&mut self, usual: &Limits) -> Result<(), DatabaseError>;
}

/// The time limits of statements on one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The longest a statement may run, or wait for a lock; none for migrations.
    pub(super) statement: Option<Duration>,
    /// The longest that connecting may take; libpq counts whole seconds, from 2.
    pub(super) connect: Duration,
}

impl Limits {
    /// The limits of the service's own work.
    pub(super) fn of(settings: &DatabaseSettings) -> Self {
        Self {
            statement: Some(settings.statement_timeout),
            connect: settings.create_timeout,
        }
    }

    /// Migrations may take as long as they take.
    pub(super) const NONE: Self = Self {
        statement: None,
        connect: LEAST_CONNECT_TIMEOUT,
    };
}

/// What `establish` takes: a connection string for libpq with our parameters added, or the path of a file.
pub(super) fn target(url: &DatabaseUrl, limits: &Limits) -> SecretString {
    match url {
        DatabaseUrl::Sqlite(path) => SecretString::from(path.to_string_lossy().into_owned()),
        DatabaseUrl::Postgres(url) => {
            SecretString::from(with_parameters(url.expose_secret(), limits))
        }
    }
}

/// Adds our parameters to a PostgreSQL URL. What the user's URL says already is left alone, `options` aside:
/// ours come first, so that the user's win.
fn with_parameters(url: &str, limits: &Limits) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let given: Vec<(&str, &str)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    let mut options = vec![
        "-c%20timezone%3DUTC".to_owned(),
        // Every statement here is good with one plan for all values. Left to itself PostgreSQL plans `= ANY($1)` anew at each
        // execution, which made it spend twice the CPU on taking stock.
        "-c%20plan_cache_mode%3Dforce_generic_plan".to_owned(),
        format!(
            "-c%20idle_in_transaction_session_timeout%3D{}",
            IDLE_IN_TRANSACTION_TIMEOUT.as_millis()
        ),
    ];
    if let Some(timeout) = limits.statement {
        options.push(format!(
            "-c%20statement_timeout%3D{0}%20-c%20lock_timeout%3D{0}",
            timeout.as_millis()
        ));
    }
    let mut parameters = vec![
        ("application_name", "glasshouse".to_owned()),
        ("connect_timeout", whole_seconds(limits.connect).to_string()),
        ("keepalives_idle", "30".to_owned()),
        ("keepalives_interval", "5".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("tcp_user_timeout", TCP_USER_TIMEOUT.as_millis().to_string()),
    ];
    parameters.retain(|(name, _)| !given.iter().any(|(taken, _)| taken == name));
    for (name, value) in given {
        if name == "options" {
            options.push(value.to_owned());
        } else {
            parameters.push((name, value.to_owned()));
        }
    }
    parameters.push(("options", options.join("%20")));
    let query: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{base}?{}", query.join("&"))
}

/// Rounded up, and not below what libpq takes: the pool's own limit, `database.create_timeout`, is the exact one.
fn whole_seconds(limit: Duration) -> u128 {
    limit
        .max(LEAST_CONNECT_TIMEOUT)
        .as_nanos()
        .div_ceil(Duration::from_secs(1).as_nanos())
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

impl Backend for PgConnection {
    const SYSTEM: &'static str = "postgresql";

    async fn open(
        opener: &deadpool_diesel::Manager<Self>,
    ) -> Result<deadpool_diesel::Connection<Self>, deadpool_diesel::Error> {
        opener.create().await
    }

    /// Classes of errors are told from messages where Diesel hides the SQLSTATE, so they have to be English. A server
    /// that speaks another language is asked to change; only a superuser may, else unknown errors stay unknown.
    fn set_up(&mut self, _limits: &Limits) -> Result<(), DatabaseError> {
        let language: Setting =
            sql_query("SELECT current_setting('lc_messages') AS value").get_result(self)?;
        let english = language.value.starts_with("en")
            || matches!(language.value.as_str(), "C" | "POSIX" | "C.UTF-8" | "");
        if !english && sql_query("SET lc_messages TO 'C'").execute(self).is_err() {
            tracing::debug!(
                language = language.value,
                "database messages not in English"
            );
        }
        Ok(())
    }

    fn ping(&mut self) -> Result<(), DatabaseError> {
        Ok(self.batch_execute("SELECT 1")?)
    }

    fn limit_statements(&mut self, limit: Duration) -> Result<(), DatabaseError> {
        let limit = limit.as_millis();
        Ok(self.batch_execute(&format!(
            "SET statement_timeout = {limit}; SET lock_timeout = {limit}"
        ))?)
    }

    /// To what the connection was opened with.
    fn unlimit_statements(&mut self, _usual: &Limits) -> Result<(), DatabaseError> {
        Ok(self.batch_execute("RESET statement_timeout; RESET lock_timeout")?)
    }
}

impl Backend for SqliteConnection {
    const SYSTEM: &'static str = "sqlite";

    async fn open(
        opener: &deadpool_diesel::Manager<Self>,
    ) -> Result<deadpool_diesel::Connection<Self>, deadpool_diesel::Error> {
        opener.create().await
    }

    /// WAL lets readers go on while one writes; `FULL` keeps an acknowledged commit through a power cut, where
    /// `NORMAL` may lose the last ones.
    fn set_up(&mut self, limits: &Limits) -> Result<(), DatabaseError> {
        self.unlimit_statements(limits)?;
        self.batch_execute(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 67108864;",
        )?;
        Ok(())
    }

    /// Reads the file's header, which `SELECT 1` would not.
    fn ping(&mut self) -> Result<(), DatabaseError> {
        Ok(self.batch_execute("PRAGMA schema_version")?)
    }

    /// Waits for locks only: nothing ends a statement.
    fn limit_statements(&mut self, limit: Duration) -> Result<(), DatabaseError> {
        let busy = limit.as_millis();
        Ok(self.batch_execute(&format!("PRAGMA busy_timeout = {busy}"))?)
    }

    fn unlimit_statements(&mut self, usual: &Limits) -> Result<(), DatabaseError> {
        self.limit_statements(usual.statement.unwrap_or(Duration::from_mins(1)))
    }
}

/// Opens a connection outside of any pool: for migrations, the health check and one-off commands. Blocks.
pub(super) fn open<C: Backend>(url: &DatabaseUrl, limits: &Limits) -> Result<C, DatabaseError> {
    let mut connection = C::establish(target(url, limits).expose_secret()).map_err(|error| {
        let error = DatabaseError::from(error);
        match url {
            // SQLite does not say which file it is that it cannot open.
            DatabaseUrl::Sqlite(path) => error.about(&path.display().to_string()),
            DatabaseUrl::Postgres(_) => error,
        }
    })?;
    connection.set_up(limits)?;
    Ok(connection)
}

/// SQLite makes the file but not its folder; the folder's absence deserves a sentence of its own.
pub(super) fn check_folder(path: &Path) -> Result<(), DatabaseError> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(DatabaseError::caused_by(
                super::ErrorKind::Refused,
                format!(
                    "the folder {} does not exist; make it, or change database.url",
                    folder.display()
                ),
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        statement: Some(Duration::from_millis(1500)),
        connect: Duration::from_millis(1500),
    };

    #[test]
    fn every_wait_is_bounded_by_a_parameter() {
        let url = with_parameters("postgres://u:p@h/db", &LIMITS);
        for part in [
            "connect_timeout=2",
            "tcp_user_timeout=5000",
            "keepalives_idle=30",
            "statement_timeout%3D1500",
            "lock_timeout%3D1500",
        ] {
            assert!(url.contains(part), "{url} lacks {part}");
        }
    }

    #[test]
    fn who_gives_connecting_more_time_gets_it() {
        let limits = Limits {
            connect: Duration::from_millis(4_100),
            ..LIMITS
        };
        let url = with_parameters("postgres://h/db", &limits);
        assert!(url.contains("connect_timeout=5"), "{url}");
    }

    #[test]
    fn what_the_user_wrote_wins() {
        let url = with_parameters(
            "postgres://h/db?connect_timeout=9&sslmode=require&options=-c%20a%3Db",
            &LIMITS,
        );
        assert!(
            url.contains("connect_timeout=9") && !url.contains("connect_timeout=2"),
            "{url}"
        );
        assert!(url.contains("sslmode=require"), "{url}");
        assert!(url.ends_with("%20-c%20a%3Db"), "{url}");
    }

    #[test]
    fn migrations_have_no_statement_timeout() {
        assert!(!with_parameters("postgres://h/db", &Limits::NONE).contains("statement_timeout"));
    }
}
