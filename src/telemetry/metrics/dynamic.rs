//! Families whose label values come from a table that is only known at the start: the routes.
//!
//! Not for anything a client sends. Finding a series takes a lock and a hash, so callers keep the
//! handles that they got.

use prometheus::{HistogramVec, IntCounterVec};

use super::declaration::{Declaration, Kind};
use super::family::{Family, counter_vec, histogram_vec};
use super::handle::{CounterHandle, HistogramHandle};
use super::registry::{MetricsError, Registry};

/// A counter with `N` labels, named by `labels = [..]` where it is declared.
#[derive(Debug, Clone)]
pub struct DynamicCounter<const N: usize>(IntCounterVec);

impl<const N: usize> DynamicCounter<N> {
    /// The series of these label values, made at 0 on the first call. Keep it.
    pub fn handle(&self, values: &[&str; N]) -> CounterHandle {
        // Panics only for a wrong number of values, which the type rules out.
        CounterHandle(self.0.with_label_values(values.as_slice()))
    }
}

impl<const N: usize> Family for DynamicCounter<N> {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [&'static str] = &[];
    const ARITY: usize = N;

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        let vec = counter_vec(&declaration)?;
        registry.add(&[declaration], Box::new(vec.clone()))?;
        Ok(Self(vec))
    }
}

/// A histogram of seconds with `N` labels, named by `labels = [..]` where it is declared.
#[derive(Debug, Clone)]
pub struct DynamicHistogram<const N: usize>(HistogramVec);

impl<const N: usize> DynamicHistogram<N> {
    /// The series of these label values, made on the first call. Keep it.
    pub fn handle(&self, values: &[&str; N]) -> HistogramHandle {
        // Panics only for a wrong number of values, which the type rules out.
        HistogramHandle(self.0.with_label_values(values.as_slice()))
    }
}

impl<const N: usize> Family for DynamicHistogram<N> {
    const KIND: Kind = Kind::Histogram;
    const LABELS: &'static [&'static str] = &[];
    const ARITY: usize = N;

    fn register(registry: &Registry, declaration: Declaration) -> Result<Self, MetricsError> {
        let vec = histogram_vec(&declaration)?;
        registry.add(&[declaration], Box::new(vec.clone()))?;
        Ok(Self(vec))
    }
}
