//! Traces: sampled requests as spans, sent to an OpenTelemetry collector over OTLP. Off unless an endpoint is set.
//!
//! A request that is not sampled makes no span at all, so its price is the decision. What is sampled is decided once, at
//! the request's beginning ([`Sampling`]); spans carry the ids that stand in the request's log lines ([`ids`]). Ended
//! spans wait in a bounded queue for a thread of their own: a collector that is slow, refuses or is gone costs spans,
//! which are counted, and no request anything.
//!
//! # Layout
//! - `sampling`: which requests; `spans`: what is made of them; `ids`: their names
//! - `export`: the exporter, over HTTP or gRPC; `tally`: what became of each span; `metrics`: what is told of it
//!
//! Only this folder names OpenTelemetry.

mod export;
mod ids;
mod metrics;
mod sampling;
mod spans;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::logs::Identity;
use crate::settings::TracesSettings;

pub use metrics::TraceMetrics;
pub use sampling::Sampling;
pub use spans::{RootSpan, ended, failed, operation, pool_wait};

use tally::Tally;

/// Target of the spans that are exported. Whether they are is not for the log's filter to say.
const TARGET: &str = "glasshouse::trace";

/// Why traces cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The endpoint or a variable of OpenTelemetry's own (`OTEL_EXPORTER_OTLP_*`) is not right.
    #[error("the exporter of traces could not be set up")]
    Exporter(#[from] ExporterBuildError),
    /// gRPC needs one.
    #[error("the runtime for the export of traces could not be started")]
    Runtime(#[source] std::io::Error),
}

/// The export of traces, running or off.
#[derive(Debug)]
pub struct Traces {
    exporting: Option<Exporting>,
    tally: Arc<Tally>,
}

#[derive(Debug)]
struct Exporting {
    provider: SdkTracerProvider,
    /// What the gRPC client does in the background runs here.
    _runtime: Option<Runtime>,
}

impl Traces {
    /// Starts the export, if an endpoint is set. Does not look whether anybody is there.
    pub fn start(settings: &TracesSettings, identity: &Identity) -> Result<Self, TracesError> {
        let Some(endpoint) = &settings.endpoint else {
            return Ok(Self::off());
        };
        let tally = Arc::new(Tally::default());
        let (provider, runtime) =
            export::provider(endpoint, settings.protocol, identity, Arc::clone(&tally))?;
        Ok(Self {
            exporting: Some(Exporting {
                provider,
                _runtime: runtime,
            }),
            tally,
        })
    }

    /// No export.
    pub fn off() -> Self {
        Self {
            exporting: None,
            tally: Arc::default(),
        }
    }

    /// What turns tracing's spans into OpenTelemetry's; `None` when traces are off.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let exporting = self.exporting.as_ref()?;
        let tracer = exporting.provider.tracer(env!("CARGO_PKG_NAME"));
        let ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == TARGET;
        Some(
            tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(filter_fn(ours).with_max_level_hint(LevelFilter::INFO)),
        )
    }

    /// Sends what is left and ends the export, for so long at most. Returns how many spans were lost with it.
    pub fn finish(&self, patience: Duration) -> usize {
        let Some(exporting) = &self.exporting else {
            return 0;
        };
        // What it returns tells less than the tally does.
        let _ = exporting.provider.shutdown_with_timeout(patience);
        self.tally.give_up()
    }
}
