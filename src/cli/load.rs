//! From flags to settings: hands what was typed to the settings room and its faults to the user.

use super::arguments::GlobalArguments;
use super::error::CliError;
use crate::settings::{self, Loaded, Sources};

/// Loads and checks the settings that a command works with.
pub(super) fn load(global: &GlobalArguments) -> Result<Loaded, CliError> {
    settings::load(sources(global)).map_err(CliError::Configuration)
}

/// Everything that settings come from, the flags last.
pub(super) fn sources(global: &GlobalArguments) -> Sources {
    Sources::from_process(global.config.clone(), overrides(global))
}

/// Flags as the settings room takes them: dotted key, value, name of the flag.
fn overrides(global: &GlobalArguments) -> Vec<(String, String, String)> {
    let flags = [
        ("server.host", "host", global.host.clone()),
        (
            "server.port",
            "port",
            global.port.map(|port| port.to_string()),
        ),
        ("database.url", "database-url", global.database_url.clone()),
        ("log.filter", "log-filter", global.log_filter.clone()),
        (
            "log.format",
            "log-format",
            global.log_format.map(|format| format.as_str().to_owned()),
        ),
    ];
    flags
        .into_iter()
        .filter_map(|(key, flag, value)| Some((key.to_owned(), value?, flag.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{GlobalArguments, overrides};

    #[test]
    fn only_what_was_typed_overrides() {
        assert_eq!(overrides(&GlobalArguments::default()), []);
        let global = GlobalArguments {
            port: Some(0),
            log_filter: Some("debug".into()),
            ..GlobalArguments::default()
        };
        let row = |key: &str, value: &str, flag: &str| (key.into(), value.into(), flag.into());
        assert_eq!(
            overrides(&global),
            [
                row("server.port", "0", "port"),
                row("log.filter", "debug", "log-filter")
            ]
        );
    }
}
