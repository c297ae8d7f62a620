//! What only a process of its own shows: exit codes, signals, output, several at once. The program is the real one.
//! What an API or an operator sees of a running service is in `tests/api` and `tests/ops`.
#![cfg(test)] // clippy.toml's leave for tests to unwrap reaches their helpers only through this

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its part of it")]
mod support;

mod admin_token;
mod certificates;
mod chaos;
mod commands;
mod crash;
mod guessing;
mod panics;
mod readme;
mod rolling;
mod rotation;
mod settings;
mod shop;
mod shutdown;
mod signals;
mod startup;
mod support_itself;
mod systemd;
mod usage;
