//! `glasshouse config check | show | reference`: what the `settings` room says, laid out for a terminal.
//!
//! Under [`run`] they are pure functions onto a `Write`. Nothing here ever sees a secret: `settings` masks before it
//! hands over.

use std::io::{self, Write};

use super::arguments::{ConfigAction, ConfigArguments, GlobalArguments};
use super::error::CliError;
use super::load::{load, sources};
use super::output;
use crate::settings::{self, Faults, Loaded, write_toml};

/// Runs the command. Faults are the result of `check`, and a failure of `show`.
pub(super) fn run(global: &GlobalArguments, arguments: &ConfigArguments) -> Result<(), CliError> {
    let mut text = Vec::new();
    let code = match arguments.action {
        ConfigAction::Check => check(settings::load(sources(global)).as_ref(), &mut text),
        ConfigAction::Show => show(&load(global)?, &mut text).map(|()| GOOD),
        ConfigAction::Reference => reference(&mut text).map(|()| GOOD),
    }
    .map_err(CliError::io("the text could not be made"))?;
    output::print(&text)?;
    if code == GOOD {
        Ok(())
    } else {
        Err(CliError::FaultsPrinted)
    }
}

/// Exit code of a configuration that can be used.
const GOOD: u8 = 0;

/// Exit code of bad usage and bad configuration.
const BAD_CONFIGURATION: u8 = 2;

/// Says whether the configuration is good, or everything that is wrong with it; answers the exit code.
fn check(outcome: Result<&Loaded, &Faults>, out: &mut dyn Write) -> io::Result<u8> {
    match outcome {
        Ok(loaded) => {
            writeln!(out, "The configuration is good.")?;
            for note in notes(loaded) {
                writeln!(out, "  {note}")?;
            }
            Ok(GOOD)
        }
        Err(faults) => {
            writeln!(out, "{faults}\n")?;
            writeln!(
                out,
                "`glasshouse config reference` prints every setting with its documentation."
            )?;
            Ok(BAD_CONFIGURATION)
        }
    }
}

/// What is right, and still worth knowing.
fn notes(loaded: &Loaded) -> Vec<String> {
    let settings = &loaded.settings;
    let file = loaded.config_file.as_ref();
    let file = file.map_or("no configuration file".to_owned(), |path| {
        format!("configuration file {}", path.display())
    });
    let set = loaded
        .effective
        .iter()
        .filter(|effective| !effective.is_default())
        .count();
    let mut notes = vec![format!(
        "{file}; {set} of {} settings set; environment {}; database {}",
        loaded.effective.len(),
        settings.environment.as_str(),
        settings.database.url.backend(),
    )];
    if settings.auth.jwt_secret.is_none() {
        notes.push(
            "auth.jwt_secret is not set: every start makes its own and logs everybody out"
                .to_owned(),
        );
    }
    if settings.faults.enabled {
        notes.push("faults.enabled is true: it has no effect in this version".to_owned());
    }
    notes
}

/// Widest `key = value` that the origins are aligned after; longer ones push theirs to the right.
const WIDEST: usize = 72;

/// Every setting as it is in effect, one a line: `key = value  # origin`, in columns. Secrets are masked.
fn show(loaded: &Loaded, out: &mut dyn Write) -> io::Result<()> {
    let lines = loaded.effective.iter();
    let key_width = lines
        .clone()
        .map(|effective| effective.key.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<(String, &str)> = lines
        .map(|effective| {
            let literal = effective.value.toml();
            (
                format!("{:key_width$} = {literal}", effective.key),
                effective.origin.as_str(),
            )
        })
        .collect();
    let fitting = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .filter(|width| *width <= WIDEST);
    let width = fitting.max().unwrap_or(0);
    lines
        .iter()
        .try_for_each(|(line, origin)| writeln!(out, "{line:width$}  # {origin}"))
}

/// Every setting with its documentation and default, as commented TOML.
fn reference(out: &mut dyn Write) -> io::Result<()> {
    write_toml(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Sources, load};

    fn outcome(variables: &[(&str, &str)]) -> Result<Loaded, Faults> {
        // A directory of its own, so that no glasshouse.toml is found.
        let directory = tempfile::tempdir().unwrap();
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        load(Sources {
            environment,
            working_directory: directory.path().to_owned(),
            ..Sources::default()
        })
    }

    fn printed(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_good_configuration_exits_0_and_notes_what_is_worth_knowing() {
        let loaded = outcome(&[("GLASSHOUSE_FAULTS__ENABLED", "true")]);
        let text = printed(|out| check(loaded.as_ref(), out).map(|code| assert_eq!(code, 0)));
        assert!(text.starts_with("The configuration is good.\n"), "{text}");
        assert!(text.contains("auth.jwt_secret is not set"), "{text}");
        assert!(text.contains("faults.enabled is true"), "{text}");
    }

    #[test]
    fn a_bad_configuration_exits_2_with_all_faults() {
        let loaded = outcome(&[
            ("PORT", "http"),
            ("GLASSHOUSE_COLOUR", "red"),
            ("GLASSHOUSE_AUTH__JWT_SECRET", "canary"),
        ]);
        let text = printed(|out| check(loaded.as_ref(), out).map(|code| assert_eq!(code, 2)));
        for part in [
            "3 faults",
            "server.port",
            "environment PORT",
            "GLASSHOUSE_COLOUR",
            "too short",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn show_is_one_aligned_line_for_each_setting_without_a_secret() {
        let loaded = outcome(&[
            ("DATABASE_URL", "postgres://shop:canary@db/orders"),
            ("GLASSHOUSE_ADMIN__TOKEN", "canary"),
            ("GLASSHOUSE_SERVER__PORT", "0"),
        ])
        .unwrap();
        let text = printed(|out| show(&loaded, out));
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(text.lines().count(), loaded.effective.len());
        let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
        assert!(line("admin.token ").contains(r#"= "***""#), "{text}");
        assert!(
            line("server.port ").ends_with("# environment GLASSHOUSE_SERVER__PORT"),
            "{text}"
        );
        assert!(line("server.host ").ends_with("# default"), "{text}");
        let column = |key: &str, mark| line(key).find(mark).unwrap();
        assert_eq!(column("admin.token ", " = "), column("server.port ", " = "));
        assert_eq!(
            column("admin.token ", "  # "),
            column("log.filter ", "  # ")
        );
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(
            table["database"]["url"].as_str(),
            Some("postgres://shop:***@db/orders")
        );
    }

    #[test]
    fn reference_is_toml() {
        let text = printed(reference);
        assert!(
            text.parse::<toml::Table>()
                .is_ok_and(|table| table.contains_key("server"))
        );
    }
}
