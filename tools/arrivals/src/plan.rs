//! What is to be sent.

use std::net::SocketAddr;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// The public listener.
    pub(crate) api: SocketAddr,
    /// Of an account that may place orders.
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) workload: Workload,
    /// The processors that this and the service run on, which are watched for standing still.
    #[serde(default)]
    pub(crate) processors: Vec<usize>,
    /// Whether the one that this runs on has nothing else to do, and may be kept from sleeping.
    #[serde(default)]
    pub(crate) alone: bool,
    pub(crate) phases: Vec<Phase>,
}

/// What the requests are.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Workload {
    /// Pages of the catalog.
    Reads,
    /// Orders.
    Orders,
    /// Three pages, then an order.
    Mixed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    pub(crate) name: String,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
    /// Seconds behind it in which nothing is sent, so that what is left of it meets nothing of the next.
    #[serde(default = "two")]
    pub(crate) pause: f64,
}

fn two() -> f64 {
    2.0
}
