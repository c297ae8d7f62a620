//! Settings of the trace export. Off until an endpoint is set.

use super::format::{Choice, Endpoint, Ratio, Text};
use super::section::section;

section! {
    /// OpenTelemetry traces over OTLP. OpenTelemetry's own variables for what is not set here are heeded too, such as
    /// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT` and `OTEL_RESOURCE_ATTRIBUTES`.
    pub struct TracesSettings {
        /// Base address of the OTLP collector, such as `http://localhost:4318`; empty turns traces off.
        /// `OTEL_EXPORTER_OTLP_ENDPOINT` sets it too.
        pub endpoint: Option<String> = None => Endpoint;
        /// `http/protobuf` (collectors listen on 4318) or `grpc` (4317).
        pub protocol: TraceProtocol = TraceProtocol::HttpProtobuf => Choice;
        /// Share of the requests that are traced when the caller's `traceparent` does not decide, 0 to 1.
        /// `OTEL_TRACES_SAMPLER_ARG` sets it too.
        pub sample_ratio: f64 = 0.1 => Ratio;
        /// `service.name` in traces and `service` in log lines. `OTEL_SERVICE_NAME` sets it too.
        pub service_name: String = "glasshouse".to_owned() => Text;
    }
}

/// How spans travel to the collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceProtocol {
    /// OTLP over HTTP with protobuf bodies.
    #[default]
    HttpProtobuf,
    /// OTLP over gRPC.
    Grpc,
}
