//! The contract that `docs/` and the API reference promise, kept by the real server through real sockets, on both databases.
//! What operators see is in `tests/ops`, what only a process has in `tests/process`.
#![cfg(test)] // clippy.toml's leave for tests to unwrap reaches their helpers only through this

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its part of it")]
mod support;

mod authorisation;
mod catalog;
mod conventions;
mod cors;
mod documents;
mod fuzzed;
mod orders;
mod pages;
mod paging;
mod rate_limits;
mod sessions;
mod time_limits;
