//! The services of the subjects, without a listener: for commands that change data.

use super::arguments::GlobalArguments;
use super::error::CliError;
use super::load::load;
use crate::app::Subjects;
use crate::database::migrations;
use crate::settings::{DatabaseSettings, Settings};

/// The settings, once the database that they name is in the version that this program needs.
pub(super) fn settings(global: &GlobalArguments) -> Result<Settings, CliError> {
    let settings = load(global)?.settings;
    bring_up_to_date(&settings.database)?;
    Ok(settings)
}

/// The services over that database. To be called, and dropped, inside a runtime.
pub(super) fn open(settings: &Settings) -> Result<Subjects, CliError> {
    Subjects::without_listeners(settings)
        .map_err(CliError::because("the services could not be set up"))
}

/// As serving does: migrate, unless `database.migrate_on_start` leaves that to somebody else.
fn bring_up_to_date(settings: &DatabaseSettings) -> Result<(), CliError> {
    if settings.migrate_on_start {
        return migrations::run(&settings.url)
            .map(drop)
            .map_err(CliError::because("the migrations could not be applied"));
    }
    let known = migrations::status(&settings.url)
        .map_err(CliError::because("the migrations could not be listed"))?;
    if known.iter().all(|migration| migration.applied) {
        Ok(())
    } else {
        Err(CliError::MigrationsPending)
    }
}
