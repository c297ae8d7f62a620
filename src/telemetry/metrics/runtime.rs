//! How late the runtimes wake their tasks: the one number that shows a blocked worker.
//!
//! Every worker of the public listener has a runtime of its own, so each runs its own sampler.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::LAG_BUCKETS;
use super::family::{Gauge, Histogram};
use super::handle::HistogramHandle;

/// Between two samples. Four wake-ups a second cost nothing measurable, and a worker that is
/// blocked for longer is always noticed.
const INTERVAL: Duration = Duration::from_millis(250);

crate::label_set! {
    /// What a runtime is for.
    pub enum Runtime("runtime") {
        /// The workers of the public listener.
        Http = "http",
        /// The admin listener.
        Admin = "admin",
        /// Everything between requests.
        Background = "background",
    }
}

crate::metrics! {
    /// What the runtimes tell of themselves.
    pub struct RuntimeMetrics {
        /// How much later than asked a sleeping task was woken; high when something blocks a worker.
        pub lag: Histogram<Runtime> = "runtime_lag_seconds", buckets = LAG_BUCKETS,
        /// Worker threads of the runtimes.
        pub workers: Gauge<Runtime> = "runtime_workers",
    }
}

/// Samples the lag of the runtime that polls it, for as long as it is polled. Spawn it once in each
/// runtime, with `metrics.lag.with(..).clone()`.
pub async fn sample_lag(lag: HistogramHandle) {
    loop {
        let asleep = Instant::now();
        sleep(INTERVAL).await;
        lag.observe(asleep.elapsed().saturating_sub(INTERVAL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Registry;

    #[tokio::test(start_paused = true)]
    async fn the_lag_is_sampled_four_times_a_second() {
        let metrics = RuntimeMetrics::register(&Registry::new()).unwrap();
        let lag = metrics.lag.with(Runtime::Admin);

        let sampling = tokio::time::timeout(Duration::from_secs(2), sample_lag(lag.clone()));

        assert!(sampling.await.is_err(), "it samples until it is dropped");
        assert!((7..=8).contains(&lag.count()), "{} samples", lag.count());
        assert!(lag.sum_seconds() < 0.1, "{} s late", lag.sum_seconds());
        assert_eq!(metrics.lag.with(Runtime::Http).count(), 0);
    }

    #[tokio::test]
    async fn a_blocked_runtime_shows() {
        let metrics = RuntimeMetrics::register(&Registry::new()).unwrap();
        let lag = metrics.lag.with(Runtime::Http).clone();

        tokio::join!(
            async {
                tokio::time::timeout(Duration::from_millis(400), sample_lag(lag.clone()))
                    .await
                    .ok()
            },
            async { std::thread::park_timeout(Duration::from_millis(350)) },
        );

        assert!(lag.sum_seconds() >= 0.09, "{} s late", lag.sum_seconds());
    }
}
