//! The objectives as thresholds: the lines that panels draw and the colours that numbers turn. The rules in
//! `prometheus/rules/` record the same numbers; a test compares them.

/// Share of requests that may end with 5xx: the budget of 99.9 %.
pub(crate) const ERRORS_ALLOWED: f64 = 0.001;

/// Share of requests that have to be fast.
pub(crate) const FAST_SHARE: f64 = 0.99;

/// How long a fast request may take, in seconds. The edge of a bucket.
pub(crate) const FAST_SECONDS: f64 = 0.25;

/// Multiples of the rate at which a budget would last exactly 30 days; from each on, an alert goes out (Site
/// Reliability Workbook, chapter 5): 2 % of the budget in an hour, 5 % in six, 10 % in a day, 10 % in three days.
pub(crate) const BURN_RATES: [f64; 4] = [14.4, 6.0, 3.0, 1.0];

/// Paths that answer 503 on purpose: left out of objectives, error ratios and latencies.
pub(crate) const PROBES: &str = "/health.*";
