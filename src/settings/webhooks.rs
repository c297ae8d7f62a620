//! Settings of webhook delivery: which endpoints may be called, how many at once, how often the outbox is read.

use std::time::Duration;

use ipnet::IpNet;

use super::format::{Count, Flag, HOUR, MILLISECOND, Networks, Period};
use super::section::section;

section! {
    /// Delivery of order events. Without effect in this version: events are written down, not delivered yet.
    pub struct WebhooksSettings {
        /// Accept `http://` endpoints. For development: the payload travels readable.
        pub allow_http: bool = false => Flag;
        /// Networks that may be called although they are private, loopback or reserved, as CIDRs. For development:
        /// each opens a way into your network for whoever registers an endpoint.
        pub allowed_networks: Vec<IpNet> = Vec::new() => Networks;
        /// Most deliveries in flight at once in this process.
        pub concurrency: usize = 16 => Count(1..=1_024);
        /// How often the outbox is read for events that became due.
        pub poll_interval: Duration = Duration::from_secs(1) => Period(MILLISECOND..=HOUR);
        /// Longest time for one attempt, from connecting to the end of the answer.
        pub timeout: Duration = Duration::from_secs(5) => Period(MILLISECOND..=HOUR);
    }
}
