//! Grafana's dashboard model (v1), as far as it is used here: what each panel has in common, and what its kind adds.
//! `grafana/dashboard.schema.json` describes the same and is held against what is written.
//!
//! # Layout
//! - `dashboard`: rows, grid, ids, variables and links; `variable`, `annotation`: what every dashboard has
//! - `panel`: what every panel has; `looks`: the kinds of panels; `target`: their queries
//! - `colours`, `unit`: the same for the same thing everywhere

mod annotation;
mod colours;
mod dashboard;
mod looks;
mod panel;
mod target;
mod unit;
mod variable;

pub(crate) use colours::Colour;
pub(crate) use dashboard::{Dashboard, Row};
pub(crate) use panel::Panel;
pub(crate) use unit::Unit;
pub(crate) use variable::Variable;

use serde_json::{Value, json};

/// The data source that is chosen at the top, for whatever asks it.
fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}
