//! Orders: placed once, whatever is repeated; moved along one table of steps; never more of a product than there is.
//!
//! One write transaction holds everything about a change: stock, order, lines, history, event, idempotency record. The one
//! rule: whatever is counted or logged of a change is so once its transaction is known to have ended.
//!
//! # Layout
//! - `model`: what an order is; `basket`: how it comes about; `status`: where it may go; `idempotency`: keys
//! - `store/`: queries; `placing`, `transitions`: the two transactions; `service`: all that can be done
//! - `representation`: the JSON of answers and events; `routes/`: HTTP; `error`, `problems`: what can go wrong
//! - `metrics`: what is counted; `sweep`: forgetting old keys

pub mod basket;
pub mod error;
pub mod idempotency;
pub mod metrics;
pub mod model;
pub mod placing;
#[cfg(feature = "planted-bugs")]
mod planted;
pub mod problems;
pub mod representation;
pub mod routes;
pub mod service;
pub mod status;
mod store;
mod sweep;
mod transitions;

#[cfg(test)]
mod tests;

pub use error::OrderError;
pub use metrics::OrderMetrics;
pub use problems::PROBLEMS;
pub use service::{OPERATIONS, OrderService};
pub use sweep::sweep;
