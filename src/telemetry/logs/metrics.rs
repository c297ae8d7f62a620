//! What the log tells of itself: events by level, and lines that never came out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing::Level;

use super::Logs;
use crate::telemetry::metrics::{MetricsError, Registry, Sample, ScrapedCounter, to_value};

crate::metrics! {
    /// What the log tells of itself.
    pub struct LogMetrics {
        /// Events that passed the log filter, by level.
        pub events: ScrapedCounter<1> = "log_events_total", labels = ["level"],
        /// Log lines that never came out: nobody read them in time, or writing failed.
        pub dropped: ScrapedCounter<0> = "log_lines_dropped_total",
    }
}

impl LogMetrics {
    /// Registers the metrics of these logs.
    pub fn publish(registry: &Registry, logs: &Logs) -> Result<(), MetricsError> {
        let metrics = Self::register(registry)?;
        let (counts, queue) = (Arc::clone(&logs.counts), Arc::clone(&logs.queue));
        metrics.events.read_by(move || counts.samples());
        metrics
            .dropped
            .read_by(move || vec![([], to_value(queue.dropped_lines()))]);
        Ok(())
    }
}

/// Events so far, from ERROR to TRACE.
#[derive(Debug, Default)]
pub(super) struct EventCounts([AtomicU64; 5]);

/// The levels, in the order of the counts.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl EventCounts {
    /// Counts an event.
    pub(super) fn count(&self, level: Level) {
        let place = match level {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            Level::DEBUG => 3,
            Level::TRACE => 4,
        };
        self.0[place].fetch_add(1, Relaxed);
    }

    fn samples(&self) -> Vec<Sample<1>> {
        LEVELS
            .into_iter()
            .zip(&self.0)
            .map(|(level, count)| ([level.into()], to_value(count.load(Relaxed))))
            .collect()
    }
}
