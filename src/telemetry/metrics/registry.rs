//! The registry: every metric of one running service, and its text form.
//!
//! Not global: the composition root makes one and hands out clones, which share their contents.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::TextEncoder;
use prometheus::core::Collector;

use super::declaration::Declaration;
use super::family::Family as _;
use super::scraped::{Sample, ScrapedCounter, ScrapedGauge};

/// The content type of [`Registry::encode`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why a metric could not be registered or written.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The name is taken, or the name or a label is malformed.
    #[error("metric {name} was refused")]
    Refused {
        /// Its name.
        name: &'static str,
        /// What the library says.
        #[source]
        source: prometheus::Error,
    },
    /// `LabelSet::all()[i].index()` is not `i`, or a set's values do not fit its names.
    #[error("the label set of metric {name} contradicts itself")]
    LabelSet {
        /// The metric.
        name: &'static str,
    },
    /// The metrics could not be written as text.
    #[error("the metrics could not be encoded")]
    Encode(#[source] prometheus::Error),
}

/// Every metric of one running service. Clones share their contents.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    collectors: prometheus::Registry,
    declarations: Arc<Mutex<Vec<Declaration>>>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// All metrics in Prometheus' text format 0.0.4 ([`CONTENT_TYPE`]).
    pub fn encode(&self) -> Result<String, MetricsError> {
        let mut text = String::with_capacity(64 * 1024);
        TextEncoder::new()
            .encode_utf8(&self.collectors.gather(), &mut text)
            .map_err(MetricsError::Encode)?;
        Ok(text)
    }

    /// What was registered, in order of registration.
    pub fn declarations(&self) -> Vec<Declaration> {
        self.declarations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Registers a gauge that `read` tells at each scrape.
    pub fn gauge_fn<const N: usize>(
        &self,
        declaration: Declaration,
        read: impl Fn() -> Vec<Sample<N>> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        ScrapedGauge::register(self, declaration)?.read_by(read);
        Ok(())
    }

    /// Registers a counter that `read` tells at each scrape: its values must never fall.
    pub fn counter_fn<const N: usize>(
        &self,
        declaration: Declaration,
        read: impl Fn() -> Vec<Sample<N>> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        ScrapedCounter::register(self, declaration)?.read_by(read);
        Ok(())
    }

    /// Takes a collector in, under its declarations.
    pub(super) fn add(
        &self,
        declarations: &[Declaration],
        collector: Box<dyn Collector>,
    ) -> Result<(), MetricsError> {
        let name = declarations
            .first()
            .map_or("", |declaration| declaration.name);
        self.collectors
            .register(collector)
            .map_err(|source| MetricsError::Refused { name, source })?;
        self.declarations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(declarations);
        Ok(())
    }
}
