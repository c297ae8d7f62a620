//! Build script: says which build this is, and rebuilds when the embedded migrations change.
//!
//! The revision follows the checked-out commit in optimised builds. Debug builds do not watch git,
//! or else every commit would compile the crate anew; theirs is that of when this script last ran,
//! so they say `unknown` rather than something stale. Needs neither git nor a repository.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script is told everything through the environment"
)]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // `embed_migrations!` does not notice a new migration by itself.
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-env-changed=GLASSHOUSE_REVISION");

    // Not GLASSHOUSE_…: Cargo hands them to what `cargo run` starts, which would take them for settings.
    println!("cargo:rustc-env=BUILD_REVISION={}", revision());
    println!("cargo:rustc-env=BUILD_RUSTC={}", rustc());
    println!("cargo:rustc-env=BUILD_PROFILE={}", profile());
}

/// The commit: as told, or as git says, or `unknown`.
fn revision() -> String {
    let told = env::var("GLASSHOUSE_REVISION")
        .ok()
        .filter(|told| !told.trim().is_empty());
    told.map(|told| told.trim().to_owned())
        .or_else(commit)
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The commit that is checked out, in an optimised build inside a repository of our own: a source
/// archive unpacked inside another repository is not of that one's commit.
fn commit() -> Option<String> {
    if env::var("PROFILE").as_deref() != Ok("release") || !Path::new(".git").exists() {
        return None;
    }
    // Moving to another commit changes the first; the second is appended to by each commit.
    for watched in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", watched])
            && Path::new(&path).exists()
        {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    output(Command::new("git").args(arguments))
}

/// The compiler's version, such as `1.95.0`.
fn rustc() -> String {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    output(Command::new(compiler).arg("--version"))
        .and_then(|line| line.split(' ').nth(1).map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The profile's name. Cargo tells only `debug` or `release`, whichever it inherits from; the
/// directory is named after the profile itself: `<profile>/build/<package>/out`.
fn profile() -> String {
    let directory = env::var_os("OUT_DIR").unwrap_or_default();
    Path::new(&directory)
        .ancestors()
        .nth(3)
        .and_then(Path::file_name)
        .and_then(|name| name.to_str())
        .unwrap_or("unknown")
        .to_owned()
}

/// What a command writes, trimmed; `None` when it fails or says nothing.
fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
