//! What the public listener tells. Labels are closed: route templates, methods, statuses that were documented.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::telemetry::metrics::{
    Counter, DynamicCounter, DynamicHistogram, HTTP_BUCKETS, MetricsError, Registry, ScrapedGauge,
};
use crate::{label_set, metrics};

use super::docs::Documented;

/// The label of a path that no route has.
pub(super) const UNMATCHED: &str = "unmatched";

/// The methods that have a name as a label; any other is `_OTHER`.
pub(super) const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "_OTHER",
];

/// Statuses that any route may answer with, whatever it documents.
const ALWAYS: [u16; 3] = [499, 500, 503];

label_set! {
    /// Why a request was turned away.
    pub enum Rejection("reason") {
        /// More requests in flight, or waiting to be hashed, than allowed.
        Overload = "overload",
        /// A rate limit.
        RateLimit = "rate_limit",
        /// The body or the request as a whole took too long.
        Timeout = "timeout",
        /// The body was too large.
        Payload = "payload",
        /// The instance is ending.
        Draining = "draining",
        /// No database connection became free in time.
        Pool = "pool",
    }
}

label_set! {
    /// Why the service closed a connection before its client wanted it to.
    pub enum Closing("reason") {
        /// One more than `server.max_connections`.
        Limit = "limit",
        /// One more of an address than `server.max_connections_per_address`.
        AddressLimit = "address_limit",
        /// TLS was not agreed on, or not in time.
        Handshake = "handshake",
        /// A head was not complete in time.
        HeaderTimeout = "header_timeout",
        /// A body was not complete in time, or came too slowly.
        BodyTimeout = "body_timeout",
        /// Nothing of an answer was taken for too long.
        WriteTimeout = "write_timeout",
        /// What came was no HTTP, or could be read in more than one way.
        Malformed = "malformed",
    }
}

label_set! {
    /// The rate limits.
    pub enum Policy("policy") {
        /// `rate_limit.register`.
        Register = "register",
        /// `rate_limit.login`.
        Login = "login",
        /// `rate_limit.api`.
        Api = "api",
    }
}

label_set! {
    /// What a rate limit decided.
    pub enum Decision("decision") {
        /// Let through.
        Allowed = "allowed",
        /// Turned away with 429.
        Rejected = "rejected",
    }
}

metrics! {
    /// What the public listener tells.
    pub struct HttpMetrics {
        /// Requests answered, or left by their client (status 499).
        pub requests: DynamicCounter<3> = "http_requests_total", labels = ["method", "path", "status"],
        /// Time from the head of a request to the end of its answer.
        pub duration: DynamicHistogram<3> =
            "http_requests_duration_seconds", labels = ["method", "path", "status"], buckets = HTTP_BUCKETS,
        /// Requests being answered now.
        pub in_flight: ScrapedGauge<0> = "http_requests_in_flight",
        /// Connections open now, idle ones included.
        pub connections: ScrapedGauge<0> = "http_connections_open",
        /// Connections that the service closed, or did not take, against the will of their client, by reason.
        pub connections_closed: Counter<Closing> = "http_connections_closed_total",
        /// Requests turned away, by reason.
        pub rejected: Counter<Rejection> = "http_requests_rejected_total",
        /// Panics caught in handlers, by route.
        pub panics: DynamicCounter<1> = "http_handler_panics_total", labels = ["path"],
        /// Requests that a rate limit looked at, by what it decided.
        pub rate_limited: Counter<(Policy, Decision)> = "rate_limit_requests_total",
        /// Of these, requests that this instance counted for itself because Redis, which is configured, did not answer.
        pub rate_limit_fallbacks: Counter<Policy> = "rate_limit_fallbacks_total",
    }
}

/// Things that are there for a while, counted up and down; read when scraped.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence(Arc<AtomicI64>);

/// One of them. Dropping it counts it out, whatever ended it.
#[derive(Debug)]
pub(super) struct Present(Arc<AtomicI64>);

impl Presence {
    pub(super) fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(Arc::clone(&self.0))
    }

    pub(super) fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpMetrics {
    /// Registers them, with a series at 0 for each route and the statuses that it documents, those that any route may
    /// answer with, and 405 for the methods that it does not take: a counter that is born at its first increment is
    /// invisible to `rate`. `cors` when browsers of other origins may ask beforehand.
    pub(super) fn on(
        registry: &Registry,
        documented: &[Documented],
        cors: bool,
    ) -> Result<Self, MetricsError> {
        let metrics = Self::register(registry)?;
        let requests = |method: &str, path: &str, status: u16| {
            metrics
                .requests
                .handle(&[method, path, &status.to_string()]);
        };
        for operation in documented {
            metrics.panics.handle(&[&operation.path]);
            for status in operation.statuses.iter().chain(&ALWAYS) {
                requests(operation.method, &operation.path, *status);
                if operation.method == "GET" {
                    requests("HEAD", &operation.path, *status);
                }
            }
            for method in METHODS {
                if !takes(documented, &operation.path, method) {
                    requests(method, &operation.path, 405);
                }
            }
            if cors {
                requests("OPTIONS", &operation.path, 200);
                requests("OPTIONS", &operation.path, 400);
            }
        }
        metrics.panics.handle(&[UNMATCHED]);
        for method in METHODS {
            for status in [404, 429].iter().chain(&ALWAYS) {
                requests(method, UNMATCHED, *status);
            }
        }
        Ok(metrics)
    }

    pub(super) fn read(gauge: &ScrapedGauge<0>, presence: &Presence) {
        let presence = presence.clone();
        gauge.read_by(move || {
            let count = i32::try_from(presence.count()).unwrap_or(i32::MAX);
            vec![([], f64::from(count))]
        });
    }
}

/// Whether the path takes the method; `HEAD` wherever there is `GET`.
fn takes(documented: &[Documented], path: &str, method: &str) -> bool {
    let method = if method == "HEAD" { "GET" } else { method };
    documented
        .iter()
        .any(|operation| operation.path == path && operation.method == method)
}
