//! An expression: its text, the labels that its series still have, and what is wrong with it.

use std::collections::BTreeSet;
use std::fmt::Display;

/// Labels of the series of an expression; none of a number.
pub(crate) type Labels = Option<BTreeSet<&'static str>>;

/// A PromQL expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    text: String,
    labels: Labels,
    /// Two expressions joined by an operator: needs parentheses inside a third.
    joined: bool,
    faults: Vec<String>,
}

impl Expr {
    pub(super) fn new(text: String, labels: Labels, faults: Vec<String>) -> Self {
        Self {
            text,
            labels,
            joined: false,
            faults,
        }
    }

    /// A number.
    pub(crate) fn number(value: impl Display) -> Self {
        Self::new(value.to_string(), None, Vec::new())
    }

    /// The present time.
    pub(crate) fn time() -> Self {
        Self::new("time()".to_owned(), None, Vec::new())
    }

    /// 0, always there.
    pub(crate) fn zero() -> Self {
        Self::new("vector(0)".to_owned(), Some(BTreeSet::new()), Vec::new())
    }

    /// As Prometheus reads it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The labels of its series.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &'static str> {
        self.labels.iter().flatten().copied()
    }

    pub(crate) fn sum(self, by: &[&'static str]) -> Self {
        self.folded("sum", by)
    }

    pub(crate) fn max(self, by: &[&'static str]) -> Self {
        self.folded("max", by)
    }

    pub(crate) fn min(self, by: &[&'static str]) -> Self {
        self.folded("min", by)
    }

    pub(crate) fn count(self, by: &[&'static str]) -> Self {
        self.folded("count", by)
    }

    /// The `n` highest series at each moment.
    pub(crate) fn topk(mut self, n: u32) -> Self {
        self.text = format!("topk({n}, {})", self.text);
        self.joined = false;
        self
    }

    /// Without a label that has one value for all.
    pub(super) fn forget(&mut self, label: &str) {
        if let Some(labels) = &mut self.labels {
            labels.remove(label);
        }
    }

    /// `histogram_quantile` of buckets.
    pub(super) fn histogram_quantile(mut self, quantile: f64) -> Self {
        self.text = format!("histogram_quantile({quantile}, {})", self.text);
        self.forget("le");
        self
    }

    pub(crate) fn over(self, other: Self) -> Self {
        self.with("/", other)
    }

    pub(crate) fn times(self, other: Self) -> Self {
        self.with("*", other)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.with("-", other)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.with("or", other)
    }

    pub(crate) fn unless(self, other: Self) -> Self {
        self.with("unless", other)
    }

    /// Only where it is above.
    pub(crate) fn above(self, value: impl Display) -> Self {
        self.with(">", Self::number(value))
    }

    /// Without the series that are no numbers, such as quantiles of nothing: a table would have a row for each.
    pub(crate) fn numbers(self) -> Self {
        self.above(-1)
    }

    /// Divided by a series that lacks one label of this one, such as `state`.
    pub(crate) fn over_without(mut self, label: &'static str, other: Self) -> Self {
        if let Some(labels) = &mut self.labels
            && !labels.remove(label)
        {
            self.faults
                .push(format!("`{}` has no label `{label}` to ignore", self.text));
        }
        self.with(&format!("/ ignoring ({label})"), other)
    }

    /// 0 where there is no such series although there is one of `all`. For counters that are born at their first event.
    pub(crate) fn or_zero(self, all: &Self) -> Self {
        self.or(Self::number(0).times(all.clone()))
    }

    /// Its share in `all`; 0 while there is nothing at all, because then nothing went wrong either.
    pub(crate) fn share_of(self, all: &Self) -> Self {
        self.over(all.clone().above(0)).or_zero(all)
    }

    fn folded(mut self, how: &str, by: &[&'static str]) -> Self {
        for label in by {
            if !self.labels().any(|has| has == *label) {
                self.faults
                    .push(format!("{how} by `{label}`, which `{}` lacks", self.text));
            }
        }
        self.text = if by.is_empty() {
            format!("{how}({})", self.text)
        } else {
            format!("{how} by ({}) ({})", by.join(", "), self.text)
        };
        self.labels = Some(by.iter().copied().collect());
        self.joined = false;
        self
    }

    fn with(mut self, operator: &str, mut other: Self) -> Self {
        if let (Some(left), Some(right)) = (&self.labels, &other.labels)
            && left != right
        {
            self.faults.push(format!(
                "`{}` has the labels {left:?}, `{}` has {right:?}: `{operator}` would match nothing",
                self.text, other.text
            ));
        }
        self.faults.append(&mut other.faults);
        self.text = format!("{} {operator} {}", self.enclosed(), other.enclosed());
        self.labels = self.labels.or(other.labels);
        self.joined = true;
        self
    }

    fn enclosed(&self) -> String {
        if self.joined {
            format!("({})", self.text)
        } else {
            self.text.clone()
        }
    }
}
