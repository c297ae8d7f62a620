//! Where settings come from, handed over as values: a test never touches the process's environment, and this is the one
//! place that reads it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::catalogue::{CONVENTIONAL, PREFIX};

/// Everything [`load()`](super::load()) reads from. Holds secrets, hence no `Debug`.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file that `--config` names.
    pub config_file: Option<PathBuf>,
    /// Environment variables; those that are not ours are ignored.
    pub environment: Vec<(String, String)>,
    /// Variables of ours whose value is not UTF-8. They are refused: a secret read approximately is another secret.
    pub unreadable: Vec<String>,
    /// Where `glasshouse.toml` is looked for, and what relative paths of configuration and secret files are relative to.
    pub working_directory: PathBuf,
    /// What flags set: dotted key, value, and the flag's name.
    pub overrides: Vec<(String, String, String)>,
}

impl Sources {
    /// Reads the process's environment and working directory. Variables that are not ours are not kept.
    pub fn from_process(
        config_file: Option<PathBuf>,
        overrides: Vec<(String, String, String)>,
    ) -> Self {
        let variables = std::env::vars_os();
        // Without a working directory relative paths still mean what the system makes of them.
        let working_directory = std::env::current_dir().unwrap_or_default();
        Self {
            config_file,
            working_directory,
            overrides,
            ..Self::default()
        }
        .with_environment(variables)
    }

    fn with_environment(mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else {
                continue;
            };
            match value.into_string() {
                Ok(value) => self.environment.push((name.to_owned(), value)),
                Err(_) => self.unreadable.push(name.to_owned()),
            }
        }
        self
    }
}

/// Whether a variable may concern us. In any letter case, so that a misspelt case is refused and not overlooked.
pub(super) fn is_ours(name: &str) -> bool {
    let prefixed = name
        .get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    prefixed
        || CONVENTIONAL
            .iter()
            .any(|(conventional, _)| *conventional == name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn only_variables_of_ours_are_kept_and_broken_ones_are_remembered() {
        let variables = [
            ("GLASSHOUSE_SERVER__PORT", b"1".to_vec()),
            ("glasshouse_server__port", b"2".to_vec()),
            ("PORT", b"3".to_vec()),
            ("port", b"4".to_vec()),
            ("HOME", b"/home/shop".to_vec()),
            ("GLASSHOUSE_AUTH__JWT_SECRET", vec![0xff; 32]),
            ("LC_BROKEN", vec![0xff]),
        ];
        let variables =
            variables.map(|(name, value)| (OsString::from(name), OsString::from_vec(value)));
        let sources = Sources::default().with_environment(variables.into_iter());
        let names: Vec<&str> = sources
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(
            names,
            ["GLASSHOUSE_SERVER__PORT", "glasshouse_server__port", "PORT"]
        );
        assert_eq!(sources.unreadable, ["GLASSHOUSE_AUTH__JWT_SECRET"]);
    }
}
