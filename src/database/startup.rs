//! The schema at the start of the service: brought up to date, or waited for.
//!
//! A database that cannot be reached yet is waited for (in a compose stack it often comes up later); anything else that
//! is wrong with it ends the start.

use std::time::Duration;

use crate::lifecycle::{Check, StopToken, Tasks};
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::telemetry::{error_chain, spawn_blocking};

use super::migrations::{self, MigrationError};

/// Between two looks for whether somebody else has migrated the database.
const POLL: Duration = Duration::from_secs(1);
/// Between two attempts to reach the database, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Runs the migrations, or, with `database.migrate_on_start` off, has a task look until somebody else has. Calls
/// `opened` once, when the schema is there.
pub async fn bring_up_to_date(
    settings: &DatabaseSettings,
    check: Check,
    tasks: &Tasks,
    opened: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<(), MigrationError> {
    let url = settings.url.clone();
    if settings.migrate_on_start {
        check.fail("migrating");
        let applied = patiently(&check, move || migrations::run(&url)).await?;
        for name in applied {
            tracing::info!(migration.name = name, "migration applied");
        }
    } else if patiently(&check, move || migrations::pending(&url)).await? {
        check.fail("migrations_pending");
        tracing::warn!("migrations pending: unready until `glasshouse migrate run` has been run");
        let url = settings.url.clone();
        tasks.supervise("migration watch", move |stop| {
            watch(url.clone(), check.clone(), opened.clone(), stop)
        });
        return Ok(());
    }
    // Open before ready: who is told that it is ready asks at once.
    opened();
    check.pass();
    Ok(())
}

/// Tries until the database can be reached. Any other failure is final.
async fn patiently<T: Send + 'static>(
    check: &Check,
    work: impl Fn() -> Result<T, MigrationError> + Clone + Send + 'static,
) -> Result<T, MigrationError> {
    let mut pause = PAUSE.0;
    loop {
        match spawn_blocking(work.clone()).await {
            Ok(Err(MigrationError::Open(error))) if error.is_outage() && !error.is_permanent() => {
                check.fail("unreachable");
                let retry_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    error = error_chain(&error),
                    retry_in_ms,
                    "database not reachable yet"
                );
            }
            Ok(outcome) => return outcome,
            Err(panicked) => return Err(MigrationError::Failed(Box::new(panicked))),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

async fn watch(url: DatabaseUrl, check: Check, opened: impl Fn(), stop: StopToken) {
    while stop.sleep(POLL).await {
        let url = url.clone();
        match spawn_blocking(move || migrations::pending(&url)).await {
            Ok(Ok(false)) => {
                opened();
                check.pass();
                tracing::info!("migrations found applied");
                return;
            }
            Ok(Ok(true)) => check.fail("migrations_pending"),
            Ok(Err(error)) => {
                tracing::debug!(error = error_chain(&error), "migrations not looked at");
            }
            Err(_panicked) => {}
        }
    }
}
