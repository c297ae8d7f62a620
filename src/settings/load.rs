//! Loading: layers into figment, each setting out of it with its origin, all faults collected, then the rules between
//! settings. Figment only merges and remembers origins; reading values ourselves is what makes all faults come at once.

use std::path::PathBuf;

use figment::Figment;
use figment::value::{Dict, Value};

use super::Settings;
use super::catalogue::{self, Row};
use super::config_file::{self, Outcome};
use super::faults::{Fault, Faults};
use super::layer::Findings;
use super::reload::SecretFile;
use super::section::{Section, Slot, Visitor};
use super::shown::Shown;
use super::sources::Sources;
use super::{validate, variables};

/// What was loaded, and where each value came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings, checked.
    pub settings: Settings,
    /// Every setting as people may see it, in the order of the catalogue.
    pub effective: Vec<Effective>,
    /// The files that secrets came from, for [`Loaded::reload_secrets`].
    pub secret_files: Vec<SecretFile>,
    /// The configuration file, if there was one.
    pub config_file: Option<PathBuf>,
}

impl Loaded {
    /// Settings that were made in code and not loaded: nothing is checked, shown or read again.
    pub fn of(settings: Settings) -> Self {
        Self {
            settings,
            effective: Vec::new(),
            secret_files: Vec::new(),
            config_file: None,
        }
    }
}

/// A setting as people may see it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Effective {
    /// Dotted key, such as `server.port`.
    pub key: String,
    /// Its value; a secret as `***`, an address without its password.
    pub value: Shown,
    /// Where it comes from: `default`, a file, `environment NAME`, `flag --name`.
    pub origin: String,
}

impl Effective {
    /// Whether nobody set it.
    pub fn is_default(&self) -> bool {
        self.origin == DEFAULT
    }
}

/// The origin of what nobody set.
const DEFAULT: &str = "default";

/// Loads and checks everything. Opens nothing but configuration and secret files, and certificates to see that they can
/// be used.
pub fn load(sources: Sources) -> Result<Loaded, Faults> {
    let rows = catalogue::rows();
    let settings = catalogue::settings();
    let mut findings = Findings::default();
    let file = config_file::read(&sources, &rows, &mut findings);
    let secret_files = variables::read(&sources, &settings, &mut findings);
    flags(sources.overrides, &rows, &mut findings);

    let mut reader = Reader::new(findings);
    let mut settings = Settings::default();
    settings.visit("", &mut reader);
    let Reader {
        effective,
        mut faults,
        ..
    } = reader;

    // What a broken file would have set is unknown, so rules between settings would only guess.
    if !matches!(file, Outcome::Unusable) {
        let found = validate::check(&settings, &effective, &faults, &sources.working_directory);
        faults.extend(found);
    }
    Faults::none_in(faults)?;
    let config_file = if let Outcome::Read(path) = file {
        Some(path)
    } else {
        None
    };
    Ok(Loaded {
        settings,
        effective,
        secret_files,
        config_file,
    })
}

/// Flags come last. Their keys are ours, so an unknown one is a mistake in the command line's code; it is still told.
fn flags(overrides: Vec<(String, String, String)>, rows: &[Row], findings: &mut Findings) {
    for (key, value, flag) in overrides {
        let origin = format!("flag --{}", flag.trim_start_matches('-'));
        if rows
            .iter()
            .any(|row| matches!(row, Row::Setting(_)) && row.key() == key)
        {
            findings.set(&key, &value, origin);
        } else {
            findings.faults.push(Fault::new(
                key,
                origin,
                "there is no such setting",
                "a known setting",
            ));
        }
    }
}

/// Reads each setting out of the merged layers.
struct Reader {
    figment: Figment,
    values: Value,
    effective: Vec<Effective>,
    faults: Vec<Fault>,
}

impl Visitor for Reader {
    fn setting(&mut self, key: &str, _about: &[&str], slot: &mut dyn Slot) {
        let given = self.values.find_ref(key);
        let origin = given.map_or_else(|| DEFAULT.to_owned(), |value| self.origin(value));
        if let Some(Err(wrong)) = given.map(|value| slot.read(value)) {
            let right = wrong.right.unwrap_or_else(|| slot.right());
            self.faults
                .push(Fault::new(key, &origin, wrong.what, right));
        }
        self.effective.push(Effective {
            key: key.to_owned(),
            value: slot.show(),
            origin,
        });
    }
}

impl Reader {
    /// Merges the layers.
    fn new(findings: Findings) -> Self {
        let Findings { layers, mut faults } = findings;
        let figment = layers.into_iter().fold(Figment::new(), Figment::merge);
        let values = figment.find_value("").unwrap_or_else(|error| {
            let right = "layers that can be merged";
            faults.push(Fault::new(
                "configuration",
                "all layers",
                error.to_string(),
                right,
            ));
            Value::from(Dict::new())
        });
        Self {
            figment,
            values,
            effective: Vec::new(),
            faults,
        }
    }

    fn origin(&self, value: &Value) -> String {
        // Every value comes from a layer, and every layer has a name.
        self.figment
            .get_metadata(value.tag())
            .map_or_else(String::new, |metadata| metadata.name.to_string())
    }
}
