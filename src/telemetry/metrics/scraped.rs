//! Metrics that are read when scraped: from a pool's status, an atomic, `/proc`.
//!
//! A family has as many sources as were given to it (each pool of a service is one). Sources run
//! on the scraping thread: they must not block and never touch the database.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::declaration::{Declaration, Kind};
use super::family::Family;
use super::registry::{MetricsError, Registry};

/// Label values, in the order of the declared names, and the value.
pub type Sample<const N: usize> = ([Cow<'static, str>; N], f64);

/// A count as the value of a sample: exact up to 2⁵³, which counting to takes longer than any run.
#[expect(
    clippy::cast_precision_loss,
    reason = "9,007,199,254,740,992 events are out of reach"
)]
pub const fn to_value(count: u64) -> f64 {
    count as f64
}

/// A gauge with `N` labels that is read when scraped.
#[derive(Debug, Clone)]
pub struct ScrapedGauge<const N: usize>(Sources<N>);

impl<const N: usize> ScrapedGauge<N> {
    /// Adds a source, which is asked at each scrape. Without one there are no series.
    pub fn read_by(&self, read: impl Fn() -> Vec<Sample<N>> + Send + Sync + 'static) {
        self.0.add(read);
    }
}

impl<const N: usize> Family for ScrapedGauge<N> {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [&'static str] = &[];
    const ARITY: usize = N;

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        Sources::register(registry, declaration).map(Self)
    }
}

/// A counter with `N` labels that is read when scraped: its values must never fall.
#[derive(Debug, Clone)]
pub struct ScrapedCounter<const N: usize>(Sources<N>);

impl<const N: usize> ScrapedCounter<N> {
    /// Adds a source, which is asked at each scrape. Without one there are no series.
    pub fn read_by(&self, read: impl Fn() -> Vec<Sample<N>> + Send + Sync + 'static) {
        self.0.add(read);
    }
}

impl<const N: usize> Family for ScrapedCounter<N> {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [&'static str] = &[];
    const ARITY: usize = N;

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        Sources::register(registry, declaration).map(Self)
    }
}

type Source<const N: usize> = Box<dyn Fn() -> Vec<Sample<N>> + Send + Sync>;

/// What a scraped family asks.
#[derive(Clone, Default)]
struct Sources<const N: usize>(Arc<RwLock<Vec<Source<N>>>>);

impl<const N: usize> Sources<N> {
    fn add(&self, read: impl Fn() -> Vec<Sample<N>> + Send + Sync + 'static) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(read));
    }

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        let sources = Self::default();
        let collector = ScrapedFamily {
            desc: describe(&declaration)?,
            declaration,
            sources: sources.clone(),
        };
        registry.add(&[declaration], Box::new(collector))?;
        Ok(sources)
    }
}

impl<const N: usize> fmt::Debug for Sources<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}

/// The library's view of it.
struct ScrapedFamily<const N: usize> {
    desc: Desc,
    declaration: Declaration,
    sources: Sources<N>,
}

impl<const N: usize> Collector for ScrapedFamily<N> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let sources = self
            .sources
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let series = sources.iter().flat_map(|read| read()).collect();
        vec![family(&self.declaration, series)]
    }
}

/// The library's description of a declared metric.
pub(super) fn describe(declaration: &Declaration) -> Result<Desc, MetricsError> {
    let labels = declaration
        .labels
        .iter()
        .map(|&name| name.to_owned())
        .collect();
    Desc::new(
        declaration.name.to_owned(),
        declaration.help.to_owned(),
        labels,
        HashMap::new(),
    )
    .map_err(|source| MetricsError::Refused {
        name: declaration.name,
        source,
    })
}

/// The library's form of these samples. Label pairs are sorted by name, as in every other family.
pub(super) fn family<const N: usize>(
    declaration: &Declaration,
    samples: Vec<Sample<N>>,
) -> MetricFamily {
    let metrics = samples
        .into_iter()
        .map(|(values, value)| {
            let mut labels: Vec<LabelPair> = declaration
                .labels
                .iter()
                .zip(values)
                .map(|(&name, value)| {
                    let mut pair = LabelPair::default();
                    pair.set_name(name.to_owned());
                    pair.set_value(value.into_owned());
                    pair
                })
                .collect();
            labels.sort_by(|a, b| a.name().cmp(b.name()));
            let mut metric = Metric::from_label(labels);
            if declaration.kind == Kind::Counter {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            } else {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
            metric
        })
        .collect();
    let mut family = MetricFamily::default();
    family.set_name(declaration.name.to_owned());
    family.set_help(declaration.help.to_owned());
    family.set_field_type(match declaration.kind {
        Kind::Counter => MetricType::COUNTER,
        _ => MetricType::GAUGE,
    });
    family.set_metric(metrics);
    family
}
