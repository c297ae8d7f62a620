//! What operators see and do, and that it is true: metrics, access lines, probes, the admin listener, and all of them while
//! the database is away; migrations.
#![cfg(test)] // clippy.toml's leave for tests to unwrap reaches their helpers only through this

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its part of it")]
mod support;

mod access_line;
mod admin;
mod admin_guard;
mod bulkheads;
mod deadline;
mod descriptors;
mod hostile_http;
mod limits_of_connections;
mod log_level;
mod metrics;
mod migrations;
mod outage;
mod overload;
mod pool;
mod probes;
mod secrets;
mod settings_in_effect;
mod shared_limits;
mod slow_clients;
mod sqlite_file;
mod tls;
mod traces;
mod truth;
