//! The catalog: what can be ordered, at what price, and how much of it there is.
//!
//! Stock never falls below zero: every change of it is one conditional statement, and a check in the schema stands
//! behind that. Orders take pieces through [`stock`]; nothing else of this room's storage is open to others.
//!
//! # Layout
//! - `model`: products, their parts and the bounds of these
//! - `store`: the queries; `stock`: those that other subjects may use in their transactions
//! - `service`: decisions and transactions; `seed`: the catalog for load tests
//! - `routes`: HTTP; `metrics`: the product type as a label

pub mod metrics;
pub mod model;
pub mod routes;
mod seed;
pub mod service;
pub mod stock;
mod store;
#[cfg(test)]
mod tests;

pub use model::{Product, ProductType};
pub use service::{CatalogError, CatalogService, OPERATIONS};
