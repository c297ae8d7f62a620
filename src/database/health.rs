//! The readiness check of the database: asked once a second, on a connection of its own.
//!
//! It never goes through the pool: a pool that is used up is load, not an outage, and a check that waits in its queue
//! would take every replica out of rotation just when all are needed. A probe only ever reads the verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use tokio::task::JoinHandle;

use crate::lifecycle::{Check, Hysteresis, Verdict};
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::telemetry;
use crate::telemetry::metrics::HistogramHandle;

use super::Database;
use super::connect::{self, Backend, Limits};
use super::error::{DatabaseError, ErrorKind};
use super::open_file::OpenFile;
use super::pools::Kind;

/// From the beginning of a question to that of the next.
const INTERVAL: Duration = Duration::from_secs(1);
/// A database that takes longer to say yes is not there.
const PATIENCE: Duration = Duration::from_secs(1);

/// The connection that the check keeps between two questions.
enum Probe {
    Postgres(PgConnection),
    Sqlite(SqliteConnection, Arc<OpenFile>),
}

/// What the database says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    ReadWrite,
    ReadOnly,
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Text)]
    value: String,
}

impl Probe {
    fn open(
        settings: &DatabaseSettings,
        file: Option<Arc<OpenFile>>,
    ) -> Result<Self, DatabaseError> {
        let limits = Limits::of(settings);
        Ok(match (&settings.url, file) {
            (DatabaseUrl::Sqlite(_), Some(file)) => {
                file.check()?;
                Self::Sqlite(connect::open(&settings.url, &limits)?, file)
            }
            _ => Self::Postgres(connect::open(&settings.url, &limits)?),
        })
    }

    fn ask(&mut self) -> Result<Answer, DatabaseError> {
        match self {
            Self::Postgres(c) => {
                let flag: Flag =
                    sql_query("SELECT current_setting('transaction_read_only') AS value")
                        .get_result(c)?;
                Ok(if flag.value == "on" {
                    Answer::ReadOnly
                } else {
                    Answer::ReadWrite
                })
            }
            Self::Sqlite(c, file) => {
                file.check()?;
                c.ping().map(|()| Answer::ReadWrite)
            }
        }
    }
}

impl Database {
    /// Keeps the readiness check, for ever: asks once a second on a connection of its own, never through the pools. `took`
    /// gets the time of every answer.
    pub async fn watch_health(
        self,
        settings: DatabaseSettings,
        check: Check,
        took: HistogramHandle,
    ) {
        let file = match &self.inner.pools.kind {
            Kind::Postgres(_) => None,
            Kind::Sqlite { file, .. } => Some(Arc::clone(file)),
        };
        // The pools may end while it runs.
        drop(self);
        watch(settings, file, check, took).await;
    }
}

/// Runs for ever: asks, times, and sets the check. `file` is the one that the pools have opened, on SQLite; `took` gets the
/// time of every answer.
async fn watch(
    settings: DatabaseSettings,
    file: Option<Arc<OpenFile>>,
    check: Check,
    took: HistogramHandle,
) {
    let mut hysteresis = Hysteresis::default();
    let mut probe = None;
    loop {
        let started = Instant::now();
        let outcome = question(&settings, file.as_ref(), &mut probe).await;
        took.observe(started.elapsed());
        let verdict = hysteresis.observe(outcome.is_ok(), started, Instant::now());
        match (verdict, &outcome) {
            (Verdict::Up, Ok(Answer::ReadOnly)) => check.degrade("read_only"),
            (Verdict::Up, Ok(Answer::ReadWrite)) => check.pass(),
            (Verdict::Up, Err(error)) => {
                tracing::debug!(error = %error, "database check failed, not for long yet");
            }
            (Verdict::Down, Err(error)) => {
                check.fail_because(reason(error), &telemetry::error_chain(error));
            }
            (Verdict::Down, Ok(_)) => {}
        }
        tokio::time::sleep_until((started + INTERVAL).into()).await;
    }
}

fn reason(error: &DatabaseError) -> &'static str {
    match error.kind() {
        ErrorKind::Deadline | ErrorKind::StatementTimeout => "timeout",
        ErrorKind::Busy => "locked",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::Refused => "refused",
        _ => "unreachable",
    }
}

type Asked = (Result<Answer, DatabaseError>, Option<Probe>);

/// What is at rest between two questions, or a thread that is still stuck in the last one.
enum Waiting {
    AtRest(Probe),
    Stuck(JoinHandle<Asked>),
}

/// One question, with a limit. While a thread is stuck in an old one no new one is asked, so a stopped database holds
/// one thread, not one more each second.
async fn question(
    settings: &DatabaseSettings,
    file: Option<&Arc<OpenFile>>,
    probe: &mut Option<Waiting>,
) -> Result<Answer, DatabaseError> {
    let mut task = match probe.take() {
        Some(Waiting::Stuck(task)) => task,
        rested => {
            let rested = match rested {
                Some(Waiting::AtRest(probe)) => Some(probe),
                _ => None,
            };
            let (settings, file) = (settings.clone(), file.cloned());
            telemetry::spawn_blocking(move || ask(&settings, file, rested))
        }
    };
    match tokio::time::timeout(PATIENCE, &mut task).await {
        Ok(Ok((answer, rested))) => {
            *probe = rested.map(Waiting::AtRest);
            answer
        }
        Ok(Err(_panicked)) => Err(DatabaseError::new(ErrorKind::Bug)),
        Err(_elapsed) => {
            *probe = Some(Waiting::Stuck(task));
            Err(DatabaseError::deadline())
        }
    }
}

/// On the blocking thread. A connection that failed is not kept.
fn ask(settings: &DatabaseSettings, file: Option<Arc<OpenFile>>, rested: Option<Probe>) -> Asked {
    let mut probe = match rested.map_or_else(|| Probe::open(settings, file), Ok) {
        Ok(probe) => probe,
        Err(error) => return (Err(error), None),
    };
    match probe.ask() {
        Ok(answer) => (Ok(answer), Some(probe)),
        // A file that is not the one any more must stay so: opening it anew would find the new one in order.
        Err(error) if error.kind() == ErrorKind::Refused => (Err(error), Some(probe)),
        Err(error) => (Err(error), None),
    }
}
