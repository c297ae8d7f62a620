//! The series of one declared metric, narrowed by its labels, and what may be asked of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use glasshouse::telemetry::metrics::{Declaration, Kind};

use super::expr::Expr;

/// The window of a rate: Grafana makes it wide enough for four scrapes and for a pixel.
const WINDOW: &str = "$__rate_interval";

/// The series of a metric.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    metric: Declaration,
    /// Labels that are not the metric's own: those of its target, or of its load test.
    added: &'static [&'static str],
    matchers: Vec<String>,
    faults: Vec<String>,
}

impl Series {
    /// A metric of the service, or one that Prometheus makes for each target, of the instances that are chosen.
    pub(crate) fn of(metric: Declaration) -> Self {
        Self::of_job(metric).where_like("instance", "$instance")
    }

    /// The same of all instances of the jobs that are chosen.
    pub(crate) fn of_job(metric: Declaration) -> Self {
        Self::of_any(metric).where_like("job", "$job")
    }

    /// The same of whatever Prometheus scrapes.
    pub(crate) fn of_any(metric: Declaration) -> Self {
        Self::with_labels(metric, &["job", "instance"])
    }

    /// What a rule recorded for a job, of the jobs that are chosen.
    pub(crate) fn recorded(metric: Declaration) -> Self {
        Self::with_labels(metric, &["job"]).where_like("job", "$job")
    }

    /// What a load test tells, of the runs that are chosen.
    pub(crate) fn of_run(metric: Declaration) -> Self {
        Self::of_any_run(metric).where_like("testid", "$testid")
    }

    /// The same of all runs.
    pub(crate) fn of_any_run(metric: Declaration) -> Self {
        Self::with_labels(metric, &["testid"])
    }

    /// The series of a metric whose labels are all declared.
    pub(crate) fn bare(metric: Declaration) -> Self {
        Self::with_labels(metric, &[])
    }

    fn with_labels(metric: Declaration, added: &'static [&'static str]) -> Self {
        Self {
            metric,
            added,
            matchers: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Where a label has this value.
    pub(crate) fn where_is(self, label: &'static str, value: &str) -> Self {
        self.matching(label, "=", value)
    }

    /// Where a label has another value.
    pub(crate) fn where_not(self, label: &'static str, value: &str) -> Self {
        self.matching(label, "!=", value)
    }

    /// Where a label matches this regular expression as a whole.
    pub(crate) fn where_like(self, label: &'static str, value: &str) -> Self {
        self.matching(label, "=~", value)
    }

    /// Where it does not.
    pub(crate) fn where_unlike(self, label: &'static str, value: &str) -> Self {
        self.matching(label, "!~", value)
    }

    fn matching(mut self, label: &'static str, operator: &str, value: &str) -> Self {
        if !self.labels("").contains(label) {
            self.faults
                .push(format!("`{}` has no label `{label}`", self.metric.name));
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        self.matchers.push(format!("{label}{operator}\"{value}\""));
        self
    }

    /// What they are now. For gauges: of a counter, only the change means anything.
    pub(crate) fn now(self) -> Expr {
        let series = self.expected(Kind::Gauge, "is read as it is");
        Expr::new(series.text(""), Some(series.labels("")), series.faults)
    }

    /// The values of a label, for a variable; a label that they do not have is a fault.
    pub(crate) fn values_of(mut self, label: &'static str) -> (String, Vec<String>) {
        if !self.labels("").contains(label) {
            self.faults
                .push(format!("`{}` has no label `{label}`", self.metric.name));
        }
        (
            format!("label_values({}, {label})", self.text("")),
            self.faults,
        )
    }

    /// What they were on average over the last scrapes.
    pub(crate) fn lately(self) -> Expr {
        self.expected(Kind::Gauge, "has an average")
            .ranged("avg_over_time", "", WINDOW)
    }

    /// What they were at the point before.
    pub(crate) fn before(self) -> Expr {
        let series = self.expected(Kind::Gauge, "is read as it is");
        let text = format!("{} offset {WINDOW}", series.text(""));
        Expr::new(text, Some(series.labels("")), series.faults)
    }

    /// Events a second.
    pub(crate) fn rate(self) -> Expr {
        self.expected(Kind::Counter, "has a rate")
            .ranged("rate", "", WINDOW)
    }

    /// Events in the whole of the time that is shown.
    pub(crate) fn in_range(self) -> Expr {
        self.expected(Kind::Counter, "increases")
            .ranged("increase", "", "$__range")
    }

    /// Observations a second.
    pub(crate) fn observations(self) -> Expr {
        self.expected(Kind::Histogram, "has observations")
            .ranged("rate", "_count", WINDOW)
    }

    /// Seconds observed a second: how many were under way at once, on average (Little's law).
    pub(crate) fn at_once(self) -> Expr {
        self.expected(Kind::Histogram, "has observations")
            .ranged("rate", "_sum", WINDOW)
    }

    /// Observations a second of at most so many seconds, which must be the edge of a bucket.
    pub(crate) fn within(mut self, seconds: f64) -> Expr {
        // An edge is written here and there by the same rules, so equal ones have equal text.
        let edge = seconds.to_string();
        if !self.metric.buckets.iter().any(|b| b.to_string() == edge) {
            self.faults
                .push(format!("`{}` has no bucket {edge}", self.metric.name));
        }
        self.matchers.push(format!("le=\"{edge}\""));
        let mut counted = self
            .expected(Kind::Histogram, "has buckets")
            .ranged("rate", "_bucket", WINDOW);
        counted.forget("le");
        counted
    }

    /// A quantile of what was observed, for each value of the labels.
    pub(crate) fn quantile(self, quantile: f64, by: &[&'static str]) -> Expr {
        let mut labels = vec!["le"];
        labels.extend(by);
        self.expected(Kind::Histogram, "has quantiles")
            .ranged("rate", "_bucket", WINDOW)
            .sum(&labels)
            .histogram_quantile(quantile)
    }

    /// How many observations fell into each bucket: a heat map.
    pub(crate) fn heat(self) -> Expr {
        self.expected(Kind::Histogram, "has buckets")
            .ranged("increase", "_bucket", WINDOW)
            .sum(&["le"])
    }

    fn expected(mut self, kind: Kind, what: &str) -> Self {
        if self.metric.kind != kind {
            self.faults.push(format!(
                "`{}` is a {}; a {} {what}",
                self.metric.name,
                self.metric.kind.as_str(),
                kind.as_str()
            ));
        }
        self
    }

    fn ranged(self, function: &str, suffix: &str, window: &str) -> Expr {
        let text = format!("{function}({}[{window}])", self.text(suffix));
        let labels = self.labels(suffix);
        Expr::new(text, Some(labels), self.faults)
    }

    fn labels(&self, suffix: &str) -> BTreeSet<&'static str> {
        let mut labels: BTreeSet<_> = self
            .metric
            .labels
            .iter()
            .chain(self.added)
            .copied()
            .collect();
        if suffix == "_bucket" {
            labels.insert("le");
        }
        labels
    }

    fn text(&self, suffix: &str) -> String {
        let mut text = format!("{}{suffix}", self.metric.name);
        if !self.matchers.is_empty() {
            let _ = write!(text, "{{{}}}", self.matchers.join(", "));
        }
        text
    }
}
