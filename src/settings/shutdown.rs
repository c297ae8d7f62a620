//! Settings of the end: how long traffic is still taken and how long work in flight may go on.

use std::time::Duration;

use super::format::{HOUR, MILLISECOND, Period};
use super::section::section;

section! {
    /// What happens between SIGTERM and the exit.
    pub struct ShutdownSettings {
        /// How long requests are still served after the readiness probe has turned 503, so that load balancers can
        /// notice. 5s or more behind one.
        pub drain_delay: Duration = Duration::ZERO => Period(Duration::ZERO..=HOUR);
        /// Longest time for what is in flight to finish after that; the rest is cut, logged, and the exit code is 1.
        /// The platform's own limit must be above `drain_delay` plus this.
        pub grace: Duration = Duration::from_secs(35) => Period(MILLISECOND..=HOUR);
    }
}
