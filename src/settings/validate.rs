//! Rules between settings: the timeout ladder, what production needs, what must come in pairs.
//!
//! What concerns one value alone is its format's affair. A rule about a setting that has a fault already is silent: its
//! value is not what the operator wrote.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use super::Settings;
use super::certificate::{CertificateError, read_certificate};
use super::database_url::DatabaseUrl;
use super::faults::Fault;
use super::format::brief;
use super::load::Effective;

/// All rules.
pub(super) fn check(
    settings: &Settings,
    effective: &[Effective],
    faults: &[Fault],
    directory: &Path,
) -> Vec<Fault> {
    let mut rules = Rules {
        settings,
        effective,
        earlier: faults,
        found: Vec::new(),
    };
    rules.timeout_ladder();
    rules.production();
    rules.listeners();
    rules.tls(directory);
    rules.pool();
    rules.argon2();
    let url = &settings.database.url;
    if let Some((wrong, right)) = missing_tls(url, cfg!(feature = "postgres-tls")) {
        rules.fault("database.url", wrong, right);
    }
    rules.found
}

struct Rules<'a> {
    settings: &'a Settings,
    effective: &'a [Effective],
    earlier: &'a [Fault],
    found: Vec<Fault>,
}

/// OWASP Password Storage Cheat Sheet, argon2id: least memory in KiB for 1, 2, 3, 4 and at least 5 iterations.
const ARGON2_FLOOR: [u32; 5] = [47_104, 19_456, 12_288, 9_216, 7_168];

impl Rules<'_> {
    fn origin(&self, key: &str) -> &str {
        self.effective
            .iter()
            .find(|effective| effective.key == key)
            .map_or("", |effective| &effective.origin)
    }

    fn sound(&self, keys: &[&str]) -> bool {
        !self
            .earlier
            .iter()
            .any(|fault| keys.contains(&fault.key.as_str()))
    }

    fn fault(&mut self, key: &str, wrong: impl Into<String>, right: impl Into<String>) {
        let fault = Fault::new(key, self.origin(key), wrong, right);
        self.found.push(fault);
    }

    /// Each step must leave the one inside it room to fail first: a pool wait as long as the request's own timeout once
    /// hid an outage for 16 hours.
    fn timeout_ladder(&mut self) {
        let Settings {
            database,
            server,
            shutdown,
            ..
        } = self.settings;
        let ladder: [(&str, Duration); 5] = [
            ("database.wait_timeout", database.wait_timeout),
            ("database.statement_timeout", database.statement_timeout),
            ("database.deadline", database.deadline),
            ("server.request_timeout", server.request_timeout),
            ("shutdown.grace", shutdown.grace),
        ];
        for pair in ladder.windows(2) {
            let [(lower, short), (upper, long)] = pair else {
                continue;
            };
            if short >= long && self.sound(&[lower, upper]) {
                let (short, long) = (brief(*short), brief(*long));
                let wrong = format!(
                    "{short} is not shorter than {upper}, which is {long} ({})",
                    self.origin(upper)
                );
                let right =
                    format!("{lower} < {upper}: less than {long} here, or more than {short} there");
                self.fault(lower, wrong, right);
            }
        }
    }

    fn production(&mut self) {
        let key = "auth.jwt_secret";
        let missing =
            self.settings.environment.is_production() && self.settings.auth.jwt_secret.is_none();
        if missing && self.sound(&[key, "environment"]) {
            let right = "a secret of at least 32 bytes in GLASSHOUSE_AUTH__JWT_SECRET, or a file that holds it in \
                         GLASSHOUSE_AUTH__JWT_SECRET_FILE";
            let wrong = format!(
                "it is missing, and environment is production ({})",
                self.origin("environment")
            );
            self.fault(key, wrong, right);
        }
    }

    fn listeners(&mut self) {
        let Settings { server, admin, .. } = self.settings;
        let meet = server.host == admin.host
            || server.host.is_unspecified()
            || admin.host.is_unspecified();
        let keys = ["server.port", "admin.port", "server.host", "admin.host"];
        if server.port == admin.port && server.port != 0 && meet && self.sound(&keys) {
            let wrong = format!(
                "{} is the port of the public listener too ({})",
                admin.port,
                self.origin("server.port")
            );
            self.fault("admin.port", wrong, "a port of its own");
        }
    }

    fn tls(&mut self, directory: &Path) {
        let tls = &self.settings.server.tls;
        let (cert, key) = ("server.tls.cert", "server.tls.key");
        let pairs = [
            (cert, &tls.cert, key, &tls.key),
            (key, &tls.key, cert, &tls.cert),
        ];
        for (own, path, other, other_path) in pairs {
            if path.is_none() && other_path.is_some() && self.sound(&[own, other]) {
                self.fault(
                    own,
                    format!("it is missing, and {other} is set ({})", self.origin(other)),
                    "both or neither",
                );
            }
            if let Some(path) = path
                && let Err(error) = open(&directory.join(path))
            {
                self.fault(
                    own,
                    format!("`{}` cannot be read: {error}", path.display()),
                    "a PEM file that can be read",
                );
            }
        }
        let told = self
            .found
            .iter()
            .any(|fault| fault.key == cert || fault.key == key);
        if let (Some(cert_path), Some(key_path), false) = (&tls.cert, &tls.key, told) {
            let read = read_certificate(&directory.join(cert_path), &directory.join(key_path));
            let wrong = |path: &Path, wrong: &str| format!("`{}` {wrong}", path.display());
            match read {
                Ok(_) => {}
                Err(CertificateError::Certificate(why)) => {
                    let right = "a PEM file with the certificate chain, leaf first";
                    self.fault(cert, wrong(cert_path, &why), right);
                }
                Err(CertificateError::Key(why)) => {
                    let right = "a PEM file with the private key of server.tls.cert";
                    self.fault(key, wrong(key_path, &why), right);
                }
            }
        }
    }

    fn pool(&mut self) {
        let database = &self.settings.database;
        let (least, most) = ("database.min_idle", "database.max_connections");
        if database.min_idle > database.max_connections && self.sound(&[least, most]) {
            let limit = database.max_connections;
            let wrong = format!(
                "{} is more than {most}, which is {limit} ({})",
                database.min_idle,
                self.origin(most)
            );
            self.fault(least, wrong, format!("at most {limit}"));
        }
    }

    fn argon2(&mut self) {
        let argon2 = &self.settings.auth.argon2;
        let (memory, iterations) = ("auth.argon2.memory_kib", "auth.argon2.iterations");
        let step = (argon2.iterations.max(1) - 1).min(4) as usize;
        let floor = ARGON2_FLOOR[step];
        if argon2.memory_kib < floor && self.sound(&[memory, iterations]) {
            let wrong = format!(
                "{} KiB are too few for {} iterations",
                argon2.memory_kib, argon2.iterations
            );
            let right = format!(
                "at least {floor} KiB, OWASP's minimum for that many iterations, or more iterations"
            );
            self.fault(memory, wrong, right);
        }
    }
}

/// What is wrong, and what would be right, when an address asks for TLS that this build does not have.
pub(super) fn missing_tls(
    url: &DatabaseUrl,
    built_in: bool,
) -> Option<(&'static str, &'static str)> {
    (url.requires_tls() && !built_in).then_some((
        "its sslmode asks for TLS, and this binary was built without TLS to PostgreSQL",
        "a build with the feature `postgres-tls` (the default), or `sslmode=disable` on a trusted network",
    ))
}

/// Opens a file to see that it can be, and is no directory.
fn open(path: &Path) -> Result<(), std::io::Error> {
    if File::open(path)?.metadata()?.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    Ok(())
}
