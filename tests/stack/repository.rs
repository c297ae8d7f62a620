//! The files of the repository, the programs that judge them, and the one way in which all of these tests fail.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::de::DeserializeOwned;

/// A path in the repository.
pub(crate) fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file's text.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of a folder with this extension, sorted, as paths in the repository. An empty folder is a mistake in the test.
#[track_caller]
pub(crate) fn files(folder: &str, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(at(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension() == Some(OsStr::new(extension)))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no .{extension} in {folder}");
    found
}

/// YAML as what it should be.
#[track_caller]
pub(crate) fn yaml<T: DeserializeOwned>(path: &str, text: &str) -> T {
    serde_norway::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a program in the repository's folder: what it says when it is content, and what it says when it is not.
pub(crate) fn run<A: AsRef<OsStr> + Debug>(
    program: &str,
    arguments: &[A],
) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(at(""))
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; `make setup` installs it"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(format!("{program} {arguments:?}\n{said}"))
    }
}

/// Fails with everything that was found, so that one run shows all of it.
#[track_caller]
pub(crate) fn none(what: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{what}:\n  {}\n",
        violations.join("\n  ")
    );
}
