//! A collector that keeps what it is sent, and the spans in a form that can be looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use mock_collector::{MockServer, ServerHandle};
use serde_json::Value;

use super::eventually::eventually;

/// Spans travel after a second; the rest is for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// How spans travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

pub(crate) struct Collector {
    server: ServerHandle,
    protocol: Protocol,
}

/// One span.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) status: String,
    /// Nanoseconds of Unix time.
    pub(crate) start: u64,
    pub(crate) end: u64,
    attributes: BTreeMap<String, String>,
    resource: BTreeMap<String, String>,
}

impl Collector {
    /// On a free port.
    pub(crate) async fn start(protocol: Protocol) -> Self {
        let wire = match protocol {
            Protocol::Http => mock_collector::Protocol::HttpBinary,
            Protocol::Grpc => mock_collector::Protocol::Grpc,
        };
        let builder = MockServer::builder().protocol(wire).port(0);
        Self {
            server: builder.start().await.expect("a collector"),
            protocol,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.server.addr())
    }

    /// The value of `traces.protocol`.
    pub(crate) fn setting(&self) -> &'static str {
        match self.protocol {
            Protocol::Http => "http/protobuf",
            Protocol::Grpc => "grpc",
        }
    }

    /// All that it has been sent.
    pub(crate) async fn spans(&self) -> Vec<Span> {
        let all = |collector: &mock_collector::MockCollector| {
            collector.spans().iter().map(Span::of).collect()
        };
        self.server.with_collector(all).await
    }

    /// Waits until the spans are such that `look` returns something.
    pub(crate) async fn wait_for<T>(&self, what: &str, look: impl Fn(Vec<Span>) -> Option<T>) -> T {
        eventually(what, SOON, async || {
            let spans = self.spans().await;
            look(spans.clone()).ok_or_else(|| format!("{spans:#?}"))
        })
        .await
    }
}

impl Span {
    fn of(span: &mock_collector::TestSpan) -> Self {
        let (resource, span) = (
            serde_json::to_value(span.resource_attrs()).expect("JSON"),
            serde_json::to_value(span.span()).expect("JSON"),
        );
        let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| text(name).parse().expect("nanoseconds");
        Self {
            trace: text("traceId"),
            id: text("spanId"),
            parent: text("parentSpanId"),
            name: text("name"),
            kind: match span["kind"].as_u64() {
                Some(2) => "server",
                Some(3) => "client",
                _ => "internal",
            },
            status: match span["status"]["code"].as_u64() {
                Some(1) => "ok",
                Some(2) => "error",
                _ => "unset",
            }
            .to_owned(),
            start: number("startTimeUnixNano"),
            end: number("endTimeUnixNano"),
            attributes: attributes(&span["attributes"]),
            resource: attributes(&resource),
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn resource(&self, name: &str) -> Option<&str> {
        self.resource.get(name).map(String::as_str)
    }

    /// How long it took.
    #[expect(clippy::cast_precision_loss, reason = "it takes no years")]
    pub(crate) fn millis(&self) -> f64 {
        (self.end - self.start) as f64 / 1e6
    }
}

/// `[{"key": "a", "value": {"intValue": "1"}}]`, in which the kind of value is of no interest.
fn attributes(list: &Value) -> BTreeMap<String, String> {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let one = |pair: &Value| {
        let value = pair["value"].as_object()?.values().next()?;
        Some((pair["key"].as_str()?.to_owned(), plain(value)))
    };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(one)
        .collect()
}
