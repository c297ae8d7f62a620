//! Metrics: declared once, registered at the start, read when scraped.
//!
//! An area declares its metrics as one struct with [`metrics!`]; the doc comment of a field is
//! the metric's HELP text, its type fixes kind and labels. There is no global registry: whoever
//! builds the service makes a [`Registry`] and hands it round, so that tests run side by side.
//!
//! The one rule: labels are closed sets, known at the start. Nothing a client sends becomes one.
//! This is the only place that names the `prometheus` crate.

mod buckets;
mod build_info;
mod declaration;
mod document;
mod dynamic;
mod family;
mod handle;
mod label_set;
mod macros;
mod process;
mod registry;
mod runtime;
mod scraped;

pub use buckets::{HTTP_BUCKETS, LAG_BUCKETS, OPERATION_BUCKETS, POOL_WAIT_BUCKETS};
pub use build_info::BuildMetrics;
pub use declaration::{Declaration, Kind};
pub use document::document;
pub use dynamic::{DynamicCounter, DynamicHistogram};
pub use family::{Counter, Family, Gauge, Histogram};
pub use handle::{CounterHandle, GaugeHandle, HistogramHandle};
pub use label_set::{Label, LabelSet};
pub use process::ProcessMetrics;
pub use registry::{CONTENT_TYPE, MetricsError, Registry};
pub use runtime::{Runtime, RuntimeMetrics, sample_lag};
pub use scraped::{Sample, ScrapedCounter, ScrapedGauge, to_value};

pub use crate::{label_set, metrics};

#[cfg(test)]
mod tests;
