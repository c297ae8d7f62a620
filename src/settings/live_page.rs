//! Settings of the live page on the admin listener.

use std::time::Duration;

use super::format::{Flag, HOUR, Period, TraceUrl};
use super::section::section;

section! {
    /// The live page. In this version only `slow_request_threshold` has an effect: slower requests are logged at WARN.
    pub struct LivePageSettings {
        /// Serve the page and keep its 15 minutes of numbers.
        pub enabled: bool = true => Flag;
        /// Requests that take at least this long are listed as slow, and logged at WARN.
        pub slow_request_threshold: Duration = Duration::from_millis(250) => Period(Duration::ZERO..=HOUR);
        /// Address of a trace in your trace viewer, with `{trace_id}` in it; makes trace ids links.
        pub trace_url_template: Option<String> = None => TraceUrl;
    }
}
