//! A certificate or a key that cannot be used is refused like any other setting: before anything is opened, with the file,
//! its setting and what would be right.

use std::path::Path;

use crate::support::process::{Finished, Program};
use crate::support::tls::Certificate;

/// Starts with these files, in a folder where nothing may be left behind.
fn start(folder: &Path, cert: &str, key: &str) -> Finished {
    let program = Program::bare(folder)
        .env("GLASSHOUSE_SERVER__PORT", "0")
        .env("GLASSHOUSE_ADMIN__PORT", "0")
        .env("GLASSHOUSE_SERVER__TLS__CERT", cert)
        .env("GLASSHOUSE_SERVER__TLS__KEY", key);
    let finished = program.run();
    let database = folder.join("glasshouse.db");
    assert!(!database.exists(), "it opened the database: {finished:?}");
    finished
}

#[test]
fn a_wrong_certificate_or_key_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = Certificate::in_folder(folder, "good");
    Certificate::in_folder(folder, "other");
    std::fs::write(folder.join("empty"), "").unwrap();
    std::fs::write(folder.join("canary"), "-----BEGIN a canary").unwrap();
    let whole = std::fs::read_to_string(good.key()).unwrap();
    std::fs::write(folder.join("half.key"), &whole[..whole.len() / 2]).unwrap();
    let (cert, key) = ("server.tls.cert", "server.tls.key");
    for (certificate, its_key, setting, file) in [
        ("nowhere.crt", "good.key", cert, "`nowhere.crt`"),
        ("empty", "good.key", cert, "`empty`"),
        ("canary", "good.key", cert, "`canary`"),
        ("good.key", "good.key", cert, "`good.key`"),
        ("good.crt", "nowhere.key", key, "`nowhere.key`"),
        ("good.crt", "empty", key, "`empty`"),
        ("good.crt", "canary", key, "`canary`"),
        ("good.crt", "half.key", key, "`half.key`"),
        ("good.crt", "good.crt", key, "`good.crt`"),
        ("good.crt", "other.key", key, "`other.key`"),
        ("good.crt", "", key, "it is missing"),
    ] {
        let finished = start(folder, certificate, its_key);
        let shown = format!("{certificate} with {its_key}: {finished:?}");
        assert_eq!(finished.code, Some(2), "{shown}");
        assert_eq!(finished.stdout, "", "{shown}");
        let variable = format!("GLASSHOUSE_{}", setting.to_uppercase().replace('.', "__"));
        for part in ["1 fault:", setting, &variable, file, "right  "] {
            assert!(finished.stderr.contains(part), "{part} in {shown}");
        }
        assert!(!finished.stderr.contains("BEGIN"), "{shown}");
    }
}
