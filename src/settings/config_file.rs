//! The TOML file: which one, reading it, and refusing keys that nobody knows. What a value means is not decided here.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::catalogue::{CONFIG_VARIABLE, Row};
use super::faults::Fault;
use super::layer::{Findings, Layer};
use super::names::nearest;
use super::section::join;
use super::sources::Sources;

/// Looked for in the working directory when nobody names a file.
const USUAL_NAME: &str = "glasshouse.toml";

/// The `key` of a fault that concerns the whole file.
const KEY: &str = "configuration file";

/// What became of the file.
pub(super) enum Outcome {
    /// Nobody named one, and the usual one is not there.
    Absent,
    /// Its values are a layer now.
    Read(PathBuf),
    /// It could not be read at all: what it would have set is unknown.
    Unusable,
}

/// Finds, reads and takes in the file.
pub(super) fn read(sources: &Sources, rows: &[Row], findings: &mut Findings) -> Outcome {
    let (named, who) = named(sources);
    let path = named.clone().unwrap_or_else(|| PathBuf::from(USUAL_NAME));
    let origin = path.display().to_string();
    let text = match std::fs::read_to_string(sources.working_directory.join(&path)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
            return Outcome::Absent;
        }
        Err(error) => {
            let wrong = format!("`{origin}` cannot be read: {error}");
            findings.faults.push(Fault::new(
                KEY,
                who,
                wrong,
                "the path of a TOML file in UTF-8",
            ));
            return Outcome::Unusable;
        }
    };
    match Toml::from_str::<Dict>(&text) {
        Ok(values) => {
            check_keys(&values, "", &origin, rows, &mut findings.faults);
            findings.layers.push(Layer { origin, values });
            Outcome::Read(path)
        }
        Err(error) => {
            findings.faults.push(syntax_fault(&error, &text, &path));
            Outcome::Unusable
        }
    }
}

/// The file that the operator names, and by what.
fn named(sources: &Sources) -> (Option<PathBuf>, String) {
    if let Some(path) = &sources.config_file {
        return (Some(path.clone()), "flag --config".to_owned());
    }
    let variables = sources.environment.iter().rev();
    let variable = variables
        .filter(|(name, path)| name == CONFIG_VARIABLE && !path.is_empty())
        .map(|(_, path)| path);
    match variable.map(PathBuf::from).next() {
        Some(path) => (Some(path), format!("environment {CONFIG_VARIABLE}")),
        None => (None, format!("{USUAL_NAME} in the working directory")),
    }
}

/// Names line and column, but not the line itself as the parser's own report does: it may hold a secret.
fn syntax_fault(error: &<Toml as Format>::Error, text: &str, path: &Path) -> Fault {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let wrong = format!(
        "it is not TOML: line {line}, column {column}: {}",
        error.message().replace('\n', ", ")
    );
    Fault::new(
        KEY,
        path.display().to_string(),
        wrong,
        "TOML; `glasshouse config reference` prints an example",
    )
}

/// One fault for each key that is not in the catalogue.
fn check_keys(values: &Dict, section: &str, origin: &str, rows: &[Row], faults: &mut Vec<Fault>) {
    for (name, value) in values {
        let key = join(section, &as_written(name));
        match (rows.iter().find(|row| row.key() == key), value) {
            (Some(Row::Setting(_)), _) => {}
            (Some(Row::Section { .. }), Value::Dict(_, values)) if !is_date(values) => {
                check_keys(values, &key, origin, rows, faults);
            }
            (Some(Row::Section { .. }), _) => {
                let right = format!("a table of settings: `[{key}]` on a line of its own");
                faults.push(Fault::new(
                    key,
                    origin,
                    "it is a section, not a setting",
                    right,
                ));
            }
            (None, _) => {
                let right = remedy(&key, rows);
                faults.push(Fault::new(key, origin, "there is no such setting", right));
            }
        }
    }
}

/// A key as TOML writes it: `"server.port"` in quotes is one key, not two.
fn as_written(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if name.bytes().all(bare) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

/// The TOML parser hands a date over as a table of one private key.
fn is_date(values: &Dict) -> bool {
    values.keys().any(|key| key.starts_with("$__toml_private"))
}

fn remedy(key: &str, rows: &[Row]) -> String {
    let secret = key.strip_suffix("_file").and_then(|key| {
        rows.iter().find_map(|row| match row {
            Row::Setting(setting) if setting.secret && setting.key == key => Some(setting),
            _ => None,
        })
    });
    if let Some(secret) = secret {
        return format!(
            "the file of a secret is named in the environment: {}_FILE",
            secret.variable()
        );
    }
    match nearest(key, rows.iter().map(Row::key), ".") {
        Some(known) => format!("did you mean `{known}`?"),
        None => "one of those that `glasshouse config reference` lists".to_owned(),
    }
}
