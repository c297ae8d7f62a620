//! Families over closed label sets: every series exists, at 0, from registration on.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts};

use super::declaration::{Declaration, Kind};
use super::handle::{CounterHandle, GaugeHandle, HistogramHandle};
use super::label_set::LabelSet;
use super::registry::{MetricsError, Registry};

/// What can stand as the type of a field in [`metrics!`](crate::metrics).
pub trait Family: Sized {
    /// The kind that it exposes.
    const KIND: Kind;
    /// Names of the labels where the type knows them; empty where `labels = [..]` gives them.
    const LABELS: &'static [&'static str];
    /// How many labels there are.
    const ARITY: usize;

    /// Registers it.
    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError>;
}

/// A counter over the closed label set `L`.
#[derive(Debug, Clone)]
pub struct Counter<L: LabelSet>(Children<L, CounterHandle>);

impl<L: LabelSet> Counter<L> {
    /// The series of these label values.
    pub fn with(&self, labels: L) -> &CounterHandle {
        self.0.get(labels)
    }
}

impl Counter<()> {
    /// Counts one.
    pub fn inc(&self) {
        self.with(()).inc();
    }

    /// Counts `by`.
    pub fn inc_by(&self, by: u64) {
        self.with(()).inc_by(by);
    }

    /// The present value.
    pub fn get(&self) -> u64 {
        self.with(()).get()
    }
}

impl<L: LabelSet> Family for Counter<L> {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [&'static str] = L::NAMES;
    const ARITY: usize = L::NAMES.len();

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        let vec = counter_vec(&declaration)?;
        Children::register(registry, declaration, vec, CounterHandle).map(Self)
    }
}

/// A gauge over the closed label set `L`.
#[derive(Debug, Clone)]
pub struct Gauge<L: LabelSet>(Children<L, GaugeHandle>);

impl<L: LabelSet> Gauge<L> {
    /// The series of these label values.
    pub fn with(&self, labels: L) -> &GaugeHandle {
        self.0.get(labels)
    }
}

impl Gauge<()> {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.with(()).set(value);
    }

    /// One more.
    pub fn inc(&self) {
        self.with(()).inc();
    }

    /// One less.
    pub fn dec(&self) {
        self.with(()).dec();
    }

    /// The present value.
    pub fn get(&self) -> f64 {
        self.with(()).get()
    }
}

impl<L: LabelSet> Family for Gauge<L> {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [&'static str] = L::NAMES;
    const ARITY: usize = L::NAMES.len();

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        let vec = GaugeVec::new(opts(&declaration), declaration.labels).map_err(|source| {
            MetricsError::Refused {
                name: declaration.name,
                source,
            }
        })?;
        Children::register(registry, declaration, vec, GaugeHandle).map(Self)
    }
}

/// A histogram of seconds over the closed label set `L`.
#[derive(Debug, Clone)]
pub struct Histogram<L: LabelSet>(Children<L, HistogramHandle>);

impl<L: LabelSet> Histogram<L> {
    /// The series of these label values.
    pub fn with(&self, labels: L) -> &HistogramHandle {
        self.0.get(labels)
    }
}

impl Histogram<()> {
    /// Observes a time, in seconds.
    pub fn observe(&self, time: Duration) {
        self.with(()).observe(time);
    }

    /// Observes a time given in seconds.
    pub fn observe_seconds(&self, seconds: f64) {
        self.with(()).observe_seconds(seconds);
    }
}

impl<L: LabelSet> Family for Histogram<L> {
    const KIND: Kind = Kind::Histogram;
    const LABELS: &'static [&'static str] = L::NAMES;
    const ARITY: usize = L::NAMES.len();

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        let vec = histogram_vec(&declaration)?;
        Children::register(registry, declaration, vec, HistogramHandle).map(Self)
    }
}

/// The series of a family, in the order of `LabelSet::index`.
#[derive(Debug)]
struct Children<L, H> {
    handles: Arc<[H]>,
    labels: PhantomData<fn(L)>,
}

impl<L, H> Clone for Children<L, H> {
    fn clone(&self) -> Self {
        Self {
            handles: Arc::clone(&self.handles),
            labels: PhantomData,
        }
    }
}

impl<L: LabelSet, H> Children<L, H> {
    /// Makes every series, then registers the family. The order of `all` is checked here, so that
    /// `get` can rely on it.
    fn register<B: MetricVecBuilder>(
        registry: &Registry,
        declaration: Declaration,
        vec: MetricVec<B>,
        handle: impl Fn(B::M) -> H,
    ) -> Result<Self, MetricsError>
    where
        MetricVec<B>: Collector + 'static,
    {
        let name = declaration.name;
        let handles = L::all()
            .into_iter()
            .enumerate()
            .map(|(place, labels)| {
                let values = labels.values();
                if labels.index() != place || values.len() != L::NAMES.len() {
                    return Err(MetricsError::LabelSet { name });
                }
                vec.get_metric_with_label_values(&values)
                    .map(&handle)
                    .map_err(|source| MetricsError::Refused { name, source })
            })
            .collect::<Result<_, _>>()?;
        registry.add(&[declaration], Box::new(vec))?;
        Ok(Self {
            handles,
            labels: PhantomData,
        })
    }

    fn get(&self, labels: L) -> &H {
        &self.handles[labels.index()]
    }
}

/// An empty counter family.
pub(super) fn counter_vec(declaration: &Declaration) -> Result<IntCounterVec, MetricsError> {
    IntCounterVec::new(opts(declaration), declaration.labels).map_err(|source| {
        MetricsError::Refused {
            name: declaration.name,
            source,
        }
    })
}

/// An empty histogram family.
pub(super) fn histogram_vec(declaration: &Declaration) -> Result<HistogramVec, MetricsError> {
    let opts = HistogramOpts::from(opts(declaration)).buckets(declaration.buckets.to_vec());
    HistogramVec::new(opts, declaration.labels).map_err(|source| MetricsError::Refused {
        name: declaration.name,
        source,
    })
}

fn opts(declaration: &Declaration) -> Opts {
    Opts::new(declaration.name, declaration.help)
}
