//! What became of the spans.

use std::sync::Arc;

use super::Traces;
use crate::telemetry::metrics::{MetricsError, Registry, ScrapedCounter, to_value};

crate::metrics! {
    /// What the export of traces tells of itself.
    pub struct TraceMetrics {
        /// Spans by what became of them: exported, dropped because too many were waiting, failed because the collector did not take them.
        pub spans: ScrapedCounter<1> = "trace_spans_total", labels = ["outcome"],
    }
}

/// In the order of the tally.
const OUTCOMES: [&str; 3] = ["exported", "dropped", "failed"];

impl TraceMetrics {
    /// Registers the metrics of this export; they stay at 0 when it is off.
    pub fn publish(registry: &Registry, traces: &Traces) -> Result<(), MetricsError> {
        let metrics = Self::register(registry)?;
        let tally = Arc::clone(&traces.tally);
        metrics.spans.read_by(move || {
            OUTCOMES
                .into_iter()
                .zip(tally.counts())
                .map(|(outcome, count)| ([outcome.into()], to_value(count)))
                .collect()
        });
        Ok(())
    }
}
