//! Keeps the pools in shape in the background: enough idle connections for the next burst, none older or idler than
//! allowed.

use std::time::Duration;

use crate::settings::DatabaseSettings;

use super::pools::Kind;
use super::{Database, DatabaseError};

/// How often the pools are looked after at least and at most. In between, twice in `database.idle_timeout`: one that is
/// shorter than the interval would else not be kept.
const INTERVAL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(15));

impl Database {
    /// Opens `database.min_idle` connections, so that the first requests find them open. SQLite gets its writer and one
    /// reader at least.
    pub async fn warm_up(&self, settings: &DatabaseSettings) -> Result<(), DatabaseError> {
        match &self.inner.pools.kind {
            Kind::Postgres(pool) => pool.warm_up(settings.min_idle).await,
            Kind::Sqlite {
                reader,
                writer,
                file,
            } => {
                writer.warm_up(1).await?;
                // From now on it has to be this one.
                file.check()?;
                reader
                    .warm_up(settings.min_idle.saturating_sub(1).max(1))
                    .await
            }
        }
    }

    fn retire_idle(&self, settings: &DatabaseSettings) {
        match &self.inner.pools.kind {
            Kind::Postgres(pool) => pool.retire_idle(settings.min_idle, settings.idle_timeout),
            Kind::Sqlite { reader, writer, .. } => {
                reader.retire_idle(settings.min_idle.saturating_sub(1), settings.idle_timeout);
                writer.retire_idle(1, settings.idle_timeout);
            }
        }
    }
}

/// Runs for ever. A database that is away is not this task's to report: the health check does.
pub async fn tend(database: Database, settings: DatabaseSettings) {
    let interval = (settings.idle_timeout / 2).clamp(INTERVAL.0, INTERVAL.1);
    loop {
        tokio::time::sleep(interval).await;
        database.retire_idle(&settings);
        if let Err(error) = database.warm_up(&settings).await {
            tracing::debug!(error = %error, "idle connections not opened");
        }
    }
}
