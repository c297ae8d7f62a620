//! One series: what callers hold while they count. Cheap to clone, lock-free to change.

use std::time::Duration;

use crate::telemetry::BLIND;

/// One series of a counter.
#[derive(Debug, Clone)]
pub struct CounterHandle(pub(super) prometheus::IntCounter);

impl CounterHandle {
    /// Counts one.
    pub fn inc(&self) {
        if !BLIND {
            self.0.inc();
        }
    }

    /// Counts `by`.
    pub fn inc_by(&self, by: u64) {
        if !BLIND {
            self.0.inc_by(by);
        }
    }

    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// One series of a gauge.
#[derive(Debug, Clone)]
pub struct GaugeHandle(pub(super) prometheus::Gauge);

impl GaugeHandle {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        if !BLIND {
            self.0.set(value);
        }
    }

    /// One more.
    pub fn inc(&self) {
        if !BLIND {
            self.0.inc();
        }
    }

    /// One less.
    pub fn dec(&self) {
        if !BLIND {
            self.0.dec();
        }
    }

    /// The present value.
    pub fn get(&self) -> f64 {
        self.0.get()
    }
}

/// One series of a histogram.
#[derive(Debug, Clone)]
pub struct HistogramHandle(pub(super) prometheus::Histogram);

impl HistogramHandle {
    /// Observes a time, in seconds.
    pub fn observe(&self, time: Duration) {
        if !BLIND {
            self.0.observe(time.as_secs_f64());
        }
    }

    /// Observes a time given in seconds.
    pub fn observe_seconds(&self, seconds: f64) {
        if !BLIND {
            self.0.observe(seconds);
        }
    }

    /// How many observations there were.
    pub fn count(&self) -> u64 {
        self.0.get_sample_count()
    }

    /// Their sum, in seconds.
    pub fn sum_seconds(&self) -> f64 {
        self.0.get_sample_sum()
    }
}
