//! Which build is running, as the labels of a gauge that is always 1.

use super::registry::{MetricsError, Registry};
use crate::telemetry::build;

crate::metrics! {
    /// What tells builds apart.
    pub struct BuildMetrics {
        /// Always 1; the labels tell which build is running and which kind of database it uses.
        pub info: super::ScrapedGauge<5> = "build_info",
            labels = ["version", "revision", "rustc", "profile", "database"],
    }
}

impl BuildMetrics {
    /// Registers and fills `build_info`; `database` is the kind in use, such as `sqlite`.
    pub fn publish(registry: &Registry, database: &'static str) -> Result<(), MetricsError> {
        let values = [
            build::VERSION,
            build::REVISION,
            build::RUSTC,
            build::PROFILE,
            database,
        ];
        Self::register(registry)?
            .info
            .read_by(move || vec![(values.map(Into::into), 1.0)]);
        Ok(())
    }
}
