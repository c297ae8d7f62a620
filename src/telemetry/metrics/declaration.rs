//! What is known of a metric before any value: name, kind, help, labels, buckets.
//!
//! Declarations are constants, so the documentation is made without starting the service, and a
//! metric that contradicts itself does not compile.

/// The kind of a metric, as Prometheus names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets, with their sum.
    Histogram,
}

impl Kind {
    /// The word of the text format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric, as declared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Declaration {
    /// Full name, unit suffix included.
    pub name: &'static str,
    /// Kind.
    pub kind: Kind,
    /// One or more sentences for people, without line breaks.
    pub help: &'static str,
    /// Names of the labels.
    pub labels: &'static [&'static str],
    /// Upper bounds of a histogram, in the unit of its name; empty for other kinds.
    pub buckets: &'static [f64],
}

impl Declaration {
    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            kind: Kind::Gauge,
            help,
            labels,
            buckets: &[],
        }
    }

    /// A counter.
    pub const fn counter(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            kind: Kind::Counter,
            help,
            labels,
            buckets: &[],
        }
    }

    /// Refuses, when compiled, a declaration that contradicts itself. For [`metrics!`], which
    /// evaluates it in a constant: at run time it is never called.
    ///
    /// [`metrics!`]: crate::metrics!
    #[doc(hidden)]
    #[must_use]
    pub const fn checked(self, arity: usize) -> Self {
        assert!(
            !self.help.is_empty(),
            "the doc comment of a metric is its help text"
        );
        assert!(
            self.labels.len() == arity,
            "`labels = [..]` does not fit the type of the metric"
        );
        assert!(
            self.buckets.is_empty() != matches!(self.kind, Kind::Histogram),
            "a histogram needs `buckets = ..`, and nothing else has them"
        );
        self
    }
}
