//! The room as a whole: what an operator gives, and what comes out. One file for each question.

mod catalogue;
mod layers;
mod refusals;
mod rules;
mod secrets;

use std::fs;

use tempfile::TempDir;

use super::{Fault, Faults, Loaded, Sources, load};

/// What an operator gives: a directory of files, variables, flags.
struct Given {
    directory: TempDir,
    sources: Sources,
}

fn nothing() -> Given {
    let directory = tempfile::tempdir().unwrap();
    let working_directory = directory.path().to_owned();
    Given {
        directory,
        sources: Sources {
            working_directory,
            ..Sources::default()
        },
    }
}

impl Given {
    /// A file in the working directory.
    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.directory.path().join(name), content).unwrap();
        self
    }

    /// `glasshouse.toml`.
    fn toml(self, content: &str) -> Self {
        self.with("glasshouse.toml", content)
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, key: &str, value: &str, flag: &str) -> Self {
        self.sources
            .overrides
            .push((key.into(), value.into(), flag.into()));
        self
    }

    fn load(&self) -> Result<Loaded, Faults> {
        load(self.sources.clone())
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap()
    }

    fn faults(&self) -> Faults {
        self.load().unwrap_err()
    }

    /// The one fault there is.
    fn fault(&self) -> Fault {
        let faults = self.faults();
        assert_eq!(faults.count(), 1, "{faults}");
        faults.iter().next().unwrap().clone()
    }
}

impl Loaded {
    /// Value and origin of a setting, as shown.
    fn shown(&self, key: &str) -> (String, &str) {
        let effective = self
            .effective
            .iter()
            .find(|effective| effective.key == key)
            .unwrap();
        (effective.value.to_string(), &effective.origin)
    }
}

/// A certificate and its key, as PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn keys(faults: &Faults) -> Vec<&str> {
    faults.iter().map(|fault| fault.key.as_str()).collect()
}
