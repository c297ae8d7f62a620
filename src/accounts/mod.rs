//! Accounts: who may use the service, and how it knows them again.
//!
//! Registration, log-in, access tokens that are checked without the database, refresh tokens that are good once, roles.
//! Other subjects use the extractors [`routes::bearer::CurrentAccount`] and [`routes::bearer::Operator`] and nothing
//! else of this room. The one rule: no e-mail address, password or token in a log, a metric or an error.
//!
//! # Layout
//! - `model`: account, role, and what their parts must look like
//! - `password`: argon2id; `hashing`: who may hash when; `token/`: access tokens; `refresh`: refresh tokens, with their protocol
//! - `store`: queries; `service`: accounts; `sessions`: log-in, refresh, log-out; `setup`: from settings to a service
//! - `routes/`: HTTP; `metrics`: what is counted; `error`: what can go wrong

mod error;
pub mod hashing;
pub mod metrics;
pub mod model;
pub mod password;
pub mod refresh;
pub mod routes;
pub mod service;
mod sessions;
mod setup;
mod store;
#[cfg(test)]
mod tests;
pub mod token;

pub use error::AccountsError;
pub use metrics::AccountMetrics;
pub use routes::{AccountsApi, PROBLEMS, configure};
pub use service::{AccountService, NewAccount, OPERATIONS};
pub use sessions::TokenPair;
