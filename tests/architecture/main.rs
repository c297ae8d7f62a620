//! The plan of the house, kept by tests that read the source: which room may know which, where each library may be named,
//! how long a file may be, and what may be linked in. The rules themselves are in `rooms.rs` (who knows whom),
//! `files.rs` (what a file looks like), `packages.rs` (what comes from outside), `planted.rs` (what is in no release),
//! `links.rs` (what documents lead to) and `promises.rs` (what docs/reliability.md rests on); each has a test that plants a
//! violation, because a rule that cannot fail guards nothing.

// clippy.toml's leave for tests to unwrap reaches their helpers only through this.
#![cfg(test)]

mod files;
mod links;
mod packages;
mod planted;
mod promises;
mod rooms;
mod source;

use std::path::Path;

/// The folder of the package.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fails with everything that was found, so that one run shows all of it.
#[track_caller]
fn none(what: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{what}:\n  {}\n",
        violations.join("\n  ")
    );
}
