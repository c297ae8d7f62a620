//! Readiness as metrics, read when scraped.

use std::borrow::Cow;

use crate::lifecycle::Readiness;
use crate::metrics;
use crate::telemetry::metrics::{
    DynamicHistogram, MetricsError, OPERATION_BUCKETS, Registry, ScrapedGauge,
};

metrics! {
    /// What the probes show.
    pub struct HealthMetrics {
        /// 1 when /health/ready answers 200, else 0.
        pub ready: ScrapedGauge<0> = "ready",
        /// 1 while a check passes, else 0.
        pub check_up: ScrapedGauge<1> = "health_check_up", labels = ["check"],
        /// Time that a check took.
        pub check_duration: DynamicHistogram<1> =
            "health_check_duration_seconds", labels = ["check"], buckets = OPERATION_BUCKETS,
    }
}

impl HealthMetrics {
    /// Registers them, reading from this state.
    pub fn on(registry: &Registry, readiness: &Readiness) -> Result<Self, MetricsError> {
        let metrics = Self::register(registry)?;
        let of = readiness.clone();
        metrics
            .ready
            .read_by(move || vec![([], f64::from(u8::from(of.is_ready())))]);
        let of = readiness.clone();
        metrics.check_up.read_by(move || {
            let report = of.report();
            // Draining and hold are switches, not checks: they come and go, and `ready` tells of them.
            let lasting = report
                .checks
                .iter()
                .filter(|check| !matches!(check.name, "draining" | "hold"));
            lasting
                .map(|check| {
                    (
                        [Cow::Borrowed(check.name)],
                        f64::from(u8::from(check.passing)),
                    )
                })
                .collect()
        });
        Ok(metrics)
    }
}
