//! PromQL, built from declarations: a name is taken from the metric itself, a label that the metric does not have is a
//! fault, and so is `rate` of a gauge or a bucket edge that is none.
//!
//! Faults are collected where they are made and reported when a dashboard is rendered, all at once: expressions read
//! like expressions, and nothing wrong is ever written.

mod elsewhere;
mod expr;
mod series;

#[cfg(test)]
mod tests;

pub(crate) use elsewhere::{
    Window, budget_left, burn_rate, errors, k6, objective, prometheus, slow,
};
pub(crate) use expr::Expr;
pub(crate) use series::Series;
