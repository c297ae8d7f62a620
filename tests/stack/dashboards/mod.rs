//! The committed dashboards: what they are made of, and whether they keep the rules. Nothing here runs a query; that is
//! `crate::probe`. That the files are what the generator makes is tested beside it, in `tools/dashboards`.
//!
//! # Layout
//! - `model`: a dashboard as it was read, its panels and its queries; `substitute`: Grafana's variables
//! - `catalogue`: the metrics that there are, with their labels
//! - `lint`: one file a subject, each rule seen to fail; `promql`: the rules about queries
//! - `schema`: the JSON Schema; `coverage`: no metric that nobody looks at; `objectives`: the lines are those of the rules

mod catalogue;
mod coverage;
mod lint;
mod model;
mod objectives;
mod promql;
mod schema;
mod substitute;

pub(crate) use model::{Dashboard, Place, Query, Variable};
pub(crate) use substitute::substitute;

use std::path::Path;

/// The folder of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
