//! The exporter: OTLP over HTTP or gRPC, behind a batch processor on a thread of its own.
//!
//! Protocol and endpoint are always given in words: the library's defaults depend on which of its features some other crate
//! has turned on. Headers, timeout and resource attributes can be set by OpenTelemetry's own variables
//! (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_RESOURCE_ATTRIBUTES`), which the library reads.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tokio::runtime::Runtime;

use super::TracesError;
use super::ids::ContextIds;
use super::tally::{Bounded, Counting, QUEUE, Tally};
use crate::settings::TraceProtocol;
use crate::telemetry::logs::Identity;

/// The longest that an ended span waits for company.
const DELAY: Duration = Duration::from_secs(1);

/// The provider, and the runtime that its exporter needs, if any.
pub(super) fn provider(
    endpoint: &str,
    protocol: TraceProtocol,
    identity: &Identity,
    tally: Arc<Tally>,
) -> Result<(SdkTracerProvider, Option<Runtime>), TracesError> {
    let (exporter, runtime) = match protocol {
        TraceProtocol::HttpProtobuf => (over_http(endpoint)?, None),
        TraceProtocol::Grpc => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("traces")
                .enable_all()
                .build()
                .map_err(TracesError::Runtime)?;
            let exporter = {
                let _inside = runtime.enter();
                over_grpc(endpoint)?
            };
            (exporter, Some(runtime))
        }
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_scheduled_delay(DELAY)
        .build();
    let exporter = Counting::new(exporter, Arc::clone(&tally));
    let inner = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource(identity))
        .with_id_generator(ContextIds::default())
        // What comes here has been sampled already.
        .with_sampler(Sampler::AlwaysOn)
        .with_span_processor(Bounded { inner, tally })
        .build();
    Ok((provider, runtime))
}

fn over_http(endpoint: &str) -> Result<SpanExporter, TracesError> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    Ok(SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .build()?)
}

fn over_grpc(endpoint: &str) -> Result<SpanExporter, TracesError> {
    let builder = SpanExporter::builder()
        .with_tonic()
        .with_protocol(Protocol::Grpc)
        .with_endpoint(endpoint);
    let builder = if endpoint.starts_with("https:") {
        builder.with_tls_config(ClientTlsConfig::new().with_native_roots())
    } else {
        builder
    };
    Ok(builder.build()?)
}

/// Who sends them: what stands in every log line.
fn resource(identity: &Identity) -> Resource {
    Resource::builder()
        .with_service_name(identity.service.clone())
        .with_attributes([
            KeyValue::new("service.version", identity.version.clone()),
            KeyValue::new("vcs.ref.head.revision", identity.revision.clone()),
            KeyValue::new("deployment.environment.name", identity.environment.clone()),
        ])
        .build()
}
