//! The catalogue: every setting with its key, documentation, default and form, read off the sections themselves.
//!
//! It is what `config reference`, `docs/settings.md` and the search for unknown keys are made from, so a setting that is
//! declared is documented, and one that is not declared cannot be set.

use super::Settings;
use super::section::{Section, Slot, Visitor};
use super::shown::Shown;

/// A setting or the head of a section, in the order of declaration.
#[derive(Clone, Debug)]
pub(super) enum Row {
    /// A section begins.
    Section {
        /// Dotted key.
        key: String,
        /// What it is about.
        about: String,
    },
    /// One setting.
    Setting(SettingRow),
}

/// One setting.
#[derive(Clone, Debug)]
pub(super) struct SettingRow {
    /// Dotted key, such as `server.port`.
    pub(super) key: String,
    /// What it does, in sentences on one line.
    pub(super) about: String,
    /// Its default.
    pub(super) default: Shown,
    /// What a right value looks like.
    pub(super) right: String,
    /// Whether it must never be printed, and may come from a file of its own.
    pub(super) secret: bool,
}

/// Names that many platforms set, and the setting each stands for.
pub(super) const CONVENTIONAL: [(&str, &str); 6] = [
    ("DATABASE_URL", "database.url"),
    ("PORT", "server.port"),
    ("RUST_LOG", "log.filter"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint"),
    ("OTEL_SERVICE_NAME", "traces.service_name"),
    ("OTEL_TRACES_SAMPLER_ARG", "traces.sample_ratio"),
];

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "GLASSHOUSE_";

/// Names the configuration file.
pub(super) const CONFIG_VARIABLE: &str = "GLASSHOUSE_CONFIG";

impl Row {
    /// Dotted key.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Section { key, .. } => key,
            Self::Setting(setting) => &setting.key,
        }
    }
}

impl SettingRow {
    /// The environment variable: `server.port` is `GLASSHOUSE_SERVER__PORT`.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_uppercase().replace('.', "__"))
    }
}

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    let mut collector = Collector(Vec::new());
    Settings::default().visit("", &mut collector);
    collector.0
}

/// The settings alone.
pub(super) fn settings() -> Vec<SettingRow> {
    let setting = |row| match row {
        Row::Setting(setting) => Some(setting),
        Row::Section { .. } => None,
    };
    rows().into_iter().filter_map(setting).collect()
}

struct Collector(Vec<Row>);

impl Visitor for Collector {
    fn section(&mut self, key: &str, about: &[&str]) {
        self.0.push(Row::Section {
            key: key.to_owned(),
            about: one_line(about),
        });
    }

    fn setting(&mut self, key: &str, about: &[&str], slot: &mut dyn Slot) {
        self.0.push(Row::Setting(SettingRow {
            key: key.to_owned(),
            about: one_line(about),
            default: slot.show(),
            right: slot.right(),
            secret: slot.is_secret(),
        }));
    }
}

/// The lines of a doc comment as one.
fn one_line(about: &[&str]) -> String {
    about
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}
