//! What stands around the service, held against what the service is: load tests.
#![cfg(test)] // clippy.toml's leave for tests to unwrap reaches their helpers only through this

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its part of it")]
mod support;

mod load;
