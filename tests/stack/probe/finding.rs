//! What a query came to.

use std::collections::BTreeMap;
use std::fmt;

use super::{Chosen, Place};

/// One query and what it came to.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The dashboard's uid.
    pub(crate) dashboard: String,
    /// Where on it.
    pub(crate) place: Place,
    /// Which query of the panel; empty for a variable.
    pub(crate) ref_id: String,
    /// What its series are called.
    pub(crate) legend: String,
    /// What was chosen when it was asked.
    pub(crate) chosen: Chosen,
    /// As it was asked.
    pub(crate) query: String,
    /// What came back.
    pub(crate) outcome: Outcome,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Series with at least one number in one of them.
    Found(Vec<Series>),
    /// Nothing, or nothing that is a number.
    Empty,
    /// Prometheus refused it, with these words.
    Refused(String),
    /// It was not asked, because nothing fills these variables.
    Leftover(Vec<String>),
}

/// A series without the points that are no numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Times, in seconds since 1970, and numbers.
    pub(crate) points: Vec<(f64, f64)>,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Outcome {
    pub(super) fn of(series: Vec<Series>) -> Self {
        if series.iter().all(|series| series.points.is_empty()) {
            Self::Empty
        } else {
            Self::Found(series)
        }
    }

    /// Its series.
    pub(crate) fn series(&self) -> &[Series] {
        match self {
            Self::Found(series) => series,
            _ => &[],
        }
    }

    /// Every number in it.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> {
        let points = self.series().iter().flat_map(|series| &series.points);
        points.map(|(_, number)| *number)
    }
}

impl Findings {
    /// The query of this legend in this panel, as it is when the dashboard opens. Panics when there is none: the test that
    /// asks is out of date.
    #[track_caller]
    pub(crate) fn of(&self, dashboard: &str, row: &str, title: &str, legend: &str) -> &Outcome {
        let place = Place::Panel(row.to_owned(), title.to_owned());
        let found = self.0.iter().find(|finding| {
            finding.dashboard == dashboard
                && finding.place == place
                && finding.legend == legend
                && finding.chosen == Chosen::All
        });
        let found = found.unwrap_or_else(|| panic!("{dashboard} has no {place} with {legend:?}"));
        &found.outcome
    }

    /// The highest number of that query.
    #[track_caller]
    pub(crate) fn highest(&self, dashboard: &str, row: &str, title: &str, legend: &str) -> f64 {
        let numbers = self.of(dashboard, row, title, legend).numbers();
        numbers.fold(f64::NEG_INFINITY, f64::max)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.outcome {
            Outcome::Found(_) if self.outcome.numbers().any(f64::is_infinite) => {
                "infinite".to_owned()
            }
            Outcome::Found(series) => format!("{} series", series.len()),
            Outcome::Empty => "empty".to_owned(),
            Outcome::Refused(error) => format!("refused: {error}"),
            Outcome::Leftover(left) => format!("nothing fills ${}", left.join(", $")),
        };
        write!(
            f,
            "{} | {} {} ({:?}): {what}: {}",
            self.dashboard, self.place, self.ref_id, self.chosen, self.query
        )
    }
}
