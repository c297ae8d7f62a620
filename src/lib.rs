//! Glasshouse: an order service you can see through.
//!
//! # Layout
//!
//! Drawn as floors; each room stands above all that it uses, and no arrow runs back up.
//!
//! - `settings`, `lifecycle`: what was set; signals, readiness, tasks, shutdown
//! - `telemetry`: logs, metrics, the context of a request
//! - `database`: pools and connections of both backends, migrations
//! - `http`: the public listener without any subject
//! - `admin`: the second listener, for operators and Prometheus
//! - `accounts`: who may use the service, and how it knows them again
//! - `catalog`, `outbox`: what can be ordered; what happened, written down for delivery
//! - `orders`: placed once, whatever is repeated; moved along one table of steps
//! - `planted`: bugs for the chaos tests to find, in no release
//! - `app`: the composition root, the only file that knows every room; `cli`: the command line above it

pub mod accounts;
pub mod admin;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod database;
pub mod http;
pub mod lifecycle;
pub mod orders;
pub mod outbox;
#[cfg(feature = "planted-bugs")]
pub mod planted;
pub mod settings;
pub mod telemetry;
