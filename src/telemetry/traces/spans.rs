//! The spans that the service makes, in the words of OpenTelemetry's semantic conventions.
//!
//! A span under the request's is not a child of it in `tracing`: that would keep the request's span open as long as a thread
//! is stuck in a question to a database that is gone. It knows its parent by name, as a span in another process would.

use std::net::IpAddr;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::{Span, debug_span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{TARGET, ids};
use crate::telemetry::{RequestContext, with_current};

/// What is known of a request when it comes in.
#[derive(Debug, Clone, Copy)]
pub struct RootSpan<'a> {
    /// `GET`, or `_OTHER`.
    pub method: &'static str,
    /// Template of the path; `None` when no route has it.
    pub route: Option<&'static str>,
    /// The path as it was sent, without the query.
    pub path: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Such as `1.1`.
    pub version: &'static str,
}

impl RootSpan<'_> {
    /// Whether the log's filter asks for spans of requests that are not sampled.
    pub fn is_wanted_by_the_log() -> bool {
        tracing::span_enabled!(target: "glasshouse::request", tracing::Level::DEBUG)
    }

    /// The span of a request: for the collector when the request is sampled, else for the log's filter if that asks for
    /// spans, which costs next to nothing when it does not.
    pub fn start(self, context: &RequestContext) -> Span {
        if !context.sampled() {
            return debug_span!(
                target: "glasshouse::request",
                "request",
                "http.request.method" = self.method,
                "http.route" = self.route,
            );
        }
        let name = match self.route {
            Some(route) => format!("{} {route}", self.method),
            None => self.method.to_owned(),
        };
        let span = info_span!(
            target: TARGET,
            parent: None,
            "request",
            "otel.name" = name,
            "otel.kind" = "server",
            "otel.status_code" = field::Empty,
            "otel.status_description" = field::Empty,
            "http.request.method" = self.method,
            "http.route" = self.route,
            // What matches no route may be anything, a secret in the wrong place too.
            "url.path" = self.route.map(|_| self.path),
            "url.scheme" = self.scheme,
            "network.protocol.version" = self.version,
            "request_id" = %context.request_id(),
            "http.response.status_code" = field::Empty,
            "http.response.body.size" = field::Empty,
            "error.type" = field::Empty,
            "client.address" = field::Empty,
            "account.id" = field::Empty,
        );
        if let Some(caller) = ids::of_caller(context) {
            hang(&span, caller);
        }
        span
    }
}

/// Tells the request's span how it ended, in the words of the access line.
pub fn ended(
    span: &Span,
    context: &RequestContext,
    status: u16,
    error: Option<&str>,
    client: IpAddr,
    bytes_out: u64,
) {
    span.record("http.response.status_code", status);
    span.record("http.response.body.size", bytes_out);
    span.record("client.address", field::display(client));
    if let Some(account) = context.account() {
        span.record("account.id", field::display(account));
    }
    // A server's span is in error for what the server did; a client that sent nonsense or went away is none.
    if status >= 500 {
        span.record("error.type", field::display(status));
        span.record("otel.status_code", "ERROR");
        if let Some(error) = error {
            span.record("otel.status_description", error);
        }
    }
}

/// The wait for a connection of a pool, if the request is sampled.
pub fn pool_wait(pool: &'static str) -> Span {
    under_request(|| {
        info_span!(
            target: TARGET,
            parent: None,
            "pool wait",
            "otel.kind" = "internal",
            "otel.status_code" = field::Empty,
            "db.client.connection.pool.name" = pool,
            "error.type" = field::Empty,
        )
    })
}

/// The work of an operation on its connection, if the request is sampled.
pub fn operation(system: &'static str, pool: &'static str, name: &'static str) -> Span {
    under_request(|| {
        info_span!(
            target: TARGET,
            parent: None,
            "operation",
            "otel.name" = name,
            "otel.kind" = "client",
            "otel.status_code" = field::Empty,
            "db.system.name" = system,
            "db.operation.name" = name,
            "db.client.connection.pool.name" = pool,
            "error.type" = field::Empty,
        )
    })
}

/// Tells a span below the request's that what it is about failed, by class of failure.
pub fn failed(span: &Span, kind: &'static str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

fn under_request(make: impl FnOnce() -> Span) -> Span {
    let parent = with_current(|context| context.sampled().then(|| ids::of(context))).flatten();
    let Some(parent) = parent else {
        return Span::none();
    };
    let span = make();
    hang(&span, parent);
    span
}

fn hang(span: &Span, parent: SpanContext) {
    // It fails where nothing is exported, as in a test without a subscriber: there it matters to nobody.
    let _ = span.set_parent(Context::new().with_remote_span_context(parent));
}
