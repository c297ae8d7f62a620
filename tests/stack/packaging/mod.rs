//! `Dockerfile.distroless`, `docker-compose.yml`, `.env.example` and their scripts say what is so, and keep what they promise.
//! Read as files, without a container: whether they work is seen by `make stack-test`.
//!
//! - `compose`: the compose file as a value, its variables filled in
//! - `hardening`: what every container must be
//! - `mounts`: that what is mounted is there, and that what reads it looks where it is
//! - `settings`: what the containers tell the service, told to the real program
//! - `variables`: `.env.example`, and `scripts/make-env`
//! - `image`: the Dockerfile and what its build may see

mod compose;
mod hardening;
mod image;
mod mounts;
mod settings;
mod variables;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Its text.
#[track_caller]
fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with everything that was found, so that one run shows all of it.
#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}\n", found.join("\n  "));
}
