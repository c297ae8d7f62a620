//! What is shipped around the service, held against what the service is: dashboards and their queries, rules, load tests,
//! image and compose file. Nothing here needs a container; `scripts/stack-check` is what starts some.
#![cfg(test)] // clippy.toml's leave for tests to unwrap reaches their helpers only through this

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its part of it")]
mod support;

mod alertmanager;
mod daemon;
mod dashboards;
mod fuzz;
mod load;
mod packaging;
mod probe;
mod prometheus;
mod proof;
mod repository;
mod rules;
