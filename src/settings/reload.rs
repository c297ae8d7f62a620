//! Secrets in files of their own: reading them at the start, and again on SIGHUP.
//!
//! A reload answers fresh secrets or a fault; it changes nothing itself, so after a fault the old ones stay in use.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use figment::value::Value;
use secrecy::SecretString;

use super::Settings;
use super::faults::{Fault, Faults};
use super::load::Loaded;
use super::section::{Section, Slot, Visitor};

/// A secret that came from a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// The setting's dotted key.
    pub key: String,
    /// The variable that names the file.
    pub variable: String,
    /// The file.
    pub path: PathBuf,
}

/// The secrets that can change while the service runs; those that did not come from a file are as they were.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// `auth.jwt_secret`.
    pub jwt_secret: Option<SecretString>,
    /// `auth.jwt_secret_previous`.
    pub jwt_secret_previous: Option<SecretString>,
    /// `admin.token`.
    pub admin_token: Option<SecretString>,
}

impl Loaded {
    /// Reads the secrets' files again. `database.url` and `rate_limit.redis_url` are not among them: connections are
    /// made from them, so they change with a restart.
    pub fn reload_secrets(&self) -> Result<Secrets, Faults> {
        let mut settings = self.settings.clone();
        let mut reader = Reader {
            files: &self.secret_files,
            faults: Vec::new(),
        };
        settings.visit("", &mut reader);
        Faults::none_in(reader.faults)?;
        let Settings { auth, admin, .. } = settings;
        Ok(Secrets {
            jwt_secret: auth.jwt_secret,
            jwt_secret_previous: auth.jwt_secret_previous,
            admin_token: admin.token,
        })
    }
}

/// What SIGHUP re-reads.
const RELOADED: [&str; 3] = ["auth.jwt_secret", "auth.jwt_secret_previous", "admin.token"];

/// Secrets that come and go while the service runs: an empty file is none, so that neither needs a restart. Any other file
/// that is empty is somebody's mistake.
const MAY_BE_EMPTY: [&str; 1] = ["auth.jwt_secret_previous"];

struct Reader<'a> {
    files: &'a [SecretFile],
    faults: Vec<Fault>,
}

impl Visitor for Reader<'_> {
    fn setting(&mut self, key: &str, _about: &[&str], slot: &mut dyn Slot) {
        let Some(file) = self
            .files
            .iter()
            .find(|file| file.key == key && RELOADED.contains(&key))
        else {
            return;
        };
        let taken = file.read().and_then(|secret| {
            slot.read(&Value::from(secret)).map_err(|wrong| {
                Fault::new(
                    key,
                    file.origin(),
                    wrong.what,
                    wrong.right.unwrap_or_else(|| slot.right()),
                )
            })
        });
        self.faults.extend(taken.err());
    }
}

impl SecretFile {
    /// Where a value of this file comes from, in words.
    pub(super) fn origin(&self) -> String {
        format!("file {} ({})", self.path.display(), self.variable)
    }

    /// The secret, without the line break at its end.
    pub(super) fn read(&self) -> Result<String, Fault> {
        let secret = read_secret(&self.path).and_then(|secret| {
            if secret.trim().is_empty() && !MAY_BE_EMPTY.contains(&self.key.as_str()) {
                return Err("the file is empty".to_owned());
            }
            Ok(secret)
        });
        secret.map_err(|wrong| {
            Fault::new(
                &self.key,
                self.origin(),
                wrong,
                "a file that can be read and holds the secret",
            )
        })
    }
}

/// Enough for any secret; keeps a wrong path such as `/dev/zero` from filling the memory.
const LONGEST: u64 = 64 * 1024;

fn read_secret(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        ErrorKind::NotFound => "the file does not exist".to_owned(),
        ErrorKind::PermissionDenied => "the file may not be read by this user".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    })?;
    if bytes.len() as u64 > LONGEST {
        return Err("the file holds more than 64 KiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
