//! The schema's versions: embedded in the binary for both backends, applied under one lock.
//!
//! The lock is held for the whole run, on a connection of its own without a statement timeout: without it, 7 of 8
//! replicas that start together on an empty database fail. On PostgreSQL it is a session lock, so it needs a direct
//! connection (no transaction pooler between); on SQLite it is the write transaction itself.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::settings::DatabaseUrl;

use super::connect::{self, Limits};
use super::error::DatabaseError;

/// Gives a backend's migrations; the type itself can neither be copied nor shared.
type Source = fn() -> EmbeddedMigrations;

const POSTGRES: Source = || {
    const EMBEDDED: EmbeddedMigrations = embed_migrations!("migrations/postgres");
    EMBEDDED
};
const SQLITE: Source = || {
    const EMBEDDED: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
    EMBEDDED
};

/// The key of the advisory lock: "glasshou" in ASCII.
const LOCK: i64 = 0x676c_6173_7368_6f75;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why migrations could not be listed, run or reverted.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database cannot be reached, or refused the connection.
    #[error("the database cannot be opened for migrations")]
    Open(#[source] DatabaseError),
    /// A migration failed. Those before it stay, itself is rolled back.
    #[error("a migration failed and was rolled back")]
    Failed(#[source] Cause),
    /// The database was migrated by a newer version of this program.
    #[error(
        "the database has migrations that this version does not know ({}); run the version that made them, or a newer one",
        .0.join(", ")
    )]
    Newer(Vec<String>),
    /// More were to be reverted than are applied.
    #[error("only {applied} migrations are applied, {asked} cannot be reverted")]
    TooMany {
        /// How many there are.
        applied: usize,
        /// How many were to go.
        asked: usize,
    },
}

/// One migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Version and name, as `20261121000001_create_accounts`.
    pub name: String,
    /// Applied, or pending.
    pub applied: bool,
}

/// All known migrations in order, and whether each is applied. Blocks.
pub fn status(url: &DatabaseUrl) -> Result<Vec<MigrationStatus>, MigrationError> {
    match url {
        DatabaseUrl::Postgres(_) => list(&mut open::<PgConnection>(url)?, POSTGRES),
        DatabaseUrl::Sqlite(_) => list(&mut open::<SqliteConnection>(url)?, SQLITE),
    }
}

/// Whether any migration is pending. Blocks.
pub fn pending(url: &DatabaseUrl) -> Result<bool, MigrationError> {
    Ok(status(url)?.iter().any(|migration| !migration.applied))
}

/// Applies what is pending and returns the names of what it applied. Blocks, also for other replicas that are at it.
pub fn run(url: &DatabaseUrl) -> Result<Vec<String>, MigrationError> {
    locked(url, |harness| harness.run())
}

/// Reverts the last `steps` migrations and returns their names, the newest first. Blocks.
pub fn revert(url: &DatabaseUrl, steps: usize) -> Result<Vec<String>, MigrationError> {
    locked(url, |harness| harness.revert(steps))
}

/// What is done under the lock, on either backend.
trait Harness {
    fn run(&mut self) -> Result<Vec<String>, MigrationError>;
    fn revert(&mut self, steps: usize) -> Result<Vec<String>, MigrationError>;
}

struct On<'a, C>(&'a mut C, Source);

impl<C, B> Harness for On<'_, C>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B> + Connection<Backend = B>,
    EmbeddedMigrations: MigrationSource<B>,
{
    fn run(&mut self) -> Result<Vec<String>, MigrationError> {
        list(self.0, self.1)?;
        let applied = self
            .0
            .run_pending_migrations(self.1())
            .map_err(MigrationError::Failed)?;
        let names = names::<B>(self.1)?;
        Ok(applied
            .iter()
            .map(|version| full_name(&names, version))
            .collect())
    }

    fn revert(&mut self, steps: usize) -> Result<Vec<String>, MigrationError> {
        let applied = list(self.0, self.1)?
            .iter()
            .filter(|one| one.applied)
            .count();
        if steps > applied {
            return Err(MigrationError::TooMany {
                applied,
                asked: steps,
            });
        }
        let names = names::<B>(self.1)?;
        (0..steps)
            .map(|_| {
                self.0
                    .revert_last_migration(self.1())
                    .map(|version| full_name(&names, &version))
                    .map_err(MigrationError::Failed)
            })
            .collect()
    }
}

fn locked(
    url: &DatabaseUrl,
    work: impl FnOnce(&mut dyn Harness) -> Result<Vec<String>, MigrationError>,
) -> Result<Vec<String>, MigrationError> {
    match url {
        DatabaseUrl::Postgres(_) => {
            let mut connection = open::<PgConnection>(url)?;
            advisory(&mut connection, "SELECT pg_advisory_lock($1)")?;
            let outcome = work(&mut On(&mut connection, POSTGRES));
            // The lock goes with the connection in any case; letting it go by name only spares others the wait.
            advisory(&mut connection, "SELECT pg_advisory_unlock($1)")?;
            outcome
        }
        DatabaseUrl::Sqlite(_) => {
            let mut connection = open::<SqliteConnection>(url)?;
            connection
                .immediate_transaction(|c| work(&mut On(c, SQLITE)).map_err(Failure::Work))
                .map_err(Failure::into)
        }
    }
}

/// Diesel's transaction wants an error of its own beside ours.
enum Failure {
    Work(MigrationError),
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Failure> for MigrationError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Work(error) => error,
            Failure::Database(error) => Self::Open(error.into()),
        }
    }
}

fn advisory(connection: &mut PgConnection, sql: &str) -> Result<(), MigrationError> {
    sql_query(sql)
        .bind::<BigInt, _>(LOCK)
        .execute(connection)
        .map(drop)
        .map_err(|error| MigrationError::Open(error.into()))
}

fn open<C: connect::Backend>(url: &DatabaseUrl) -> Result<C, MigrationError> {
    if let DatabaseUrl::Sqlite(path) = url {
        connect::check_folder(path).map_err(MigrationError::Open)?;
    }
    connect::open(url, &Limits::NONE).map_err(MigrationError::Open)
}

fn list<C, B>(connection: &mut C, source: Source) -> Result<Vec<MigrationStatus>, MigrationError>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
    EmbeddedMigrations: MigrationSource<B>,
{
    let applied: Vec<String> = connection
        .applied_migrations()
        .map_err(MigrationError::Failed)?
        .iter()
        .map(MigrationVersion::to_string)
        .collect();
    let known = names::<B>(source)?;
    let mut newer: Vec<String> = applied
        .iter()
        .filter(|version| !known.iter().any(|name| is_of(name, version)))
        .cloned()
        .collect();
    if !newer.is_empty() {
        newer.sort();
        return Err(MigrationError::Newer(newer));
    }
    Ok(known
        .into_iter()
        .map(|name| MigrationStatus {
            applied: applied.iter().any(|version| is_of(&name, version)),
            name,
        })
        .collect())
}

fn names<B>(source: Source) -> Result<Vec<String>, MigrationError>
where
    B: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<B>,
{
    let migrations = MigrationSource::<B>::migrations(&source()).map_err(MigrationError::Failed)?;
    let mut names: Vec<String> = migrations
        .iter()
        .map(|one| one.name().to_string())
        .collect();
    names.sort();
    Ok(names)
}

/// A folder's name is its version, an underscore, and words.
fn is_of(name: &str, version: &str) -> bool {
    name.split('_').next() == Some(version)
}

fn full_name(names: &[String], version: &MigrationVersion<'_>) -> String {
    let version = version.to_string();
    names
        .iter()
        .find(|name| is_of(name, &version))
        .cloned()
        .unwrap_or(version)
}
