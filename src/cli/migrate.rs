//! `glasshouse migrate`: the pre-deployment job.

use super::arguments::{GlobalArguments, MigrateAction, MigrateArguments};
use super::error::CliError;
use super::load::load;
use super::output;
use crate::database::migrations::{self, MigrationStatus};
use std::fmt::Write as _;

/// Lists, applies or reverts migrations, on the database that the settings name.
pub(super) fn run(global: &GlobalArguments, arguments: &MigrateArguments) -> Result<(), CliError> {
    let url = load(global)?.settings.database.url;
    match arguments.action.unwrap_or(MigrateAction::Run) {
        MigrateAction::Status => {
            let known = migrations::status(&url)
                .map_err(CliError::because("the migrations could not be listed"))?;
            output::print(listed(&known))?;
            if known.iter().all(|migration| migration.applied) {
                Ok(())
            } else {
                Err(CliError::MigrationsPending)
            }
        }
        MigrateAction::Run => {
            let applied = migrations::run(&url)
                .map_err(CliError::because("the migrations could not be applied"))?;
            output::print(done("applied", &applied, "nothing is pending"))
        }
        MigrateAction::Revert { steps } => {
            let steps = usize::try_from(steps).unwrap_or(usize::MAX);
            let reverted = migrations::revert(&url, steps)
                .map_err(CliError::because("the migrations could not be reverted"))?;
            output::print(done("reverted", &reverted, "nothing was applied"))
        }
    }
}

fn listed(known: &[MigrationStatus]) -> String {
    known.iter().fold(String::new(), |mut text, migration| {
        let state = if migration.applied {
            "applied"
        } else {
            "pending"
        };
        let _ = writeln!(text, "{state}  {}", migration.name);
        text
    })
}

fn done(what: &str, names: &[String], nothing: &str) -> String {
    if names.is_empty() {
        return format!("{nothing}\n");
    }
    names.iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "{what}  {name}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{MigrationStatus, done, listed};

    #[test]
    fn a_migration_takes_one_line_with_its_state_first() {
        let migration = |name: &str, applied| MigrationStatus {
            name: name.into(),
            applied,
        };
        assert_eq!(
            listed(&[migration("1_a", true), migration("2_b", false)]),
            "applied  1_a\npending  2_b\n"
        );
        assert_eq!(done("applied", &["1_a".into()], "-"), "applied  1_a\n");
        assert_eq!(
            done("applied", &[], "nothing is pending"),
            "nothing is pending\n"
        );
    }
}
