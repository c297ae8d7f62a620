//! Asks a Prometheus for everything that dashboards show, as Grafana would: every query of every panel and annotation, and
//! the values of every variable. What it brings home is typed, so that a test can also ask how high a panel went.
//!
//! Each query is asked twice: with `All` chosen, as a dashboard opens, and with every value picked by hand, which shows a
//! value that is not escaped.
//!
//! # Layout
//! - `ask`: Prometheus' API; `choose`: the values of variables; `finding`: what was found
//! - `may_be_empty`: the panels that may be, and what of all this is a fault

mod ask;
mod choose;
mod finding;
mod may_be_empty;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use choose::Chosen;
pub(crate) use finding::{Finding, Findings, Outcome};
pub(crate) use may_be_empty::MayBeEmpty;

use crate::dashboards::{Dashboard, Place, Query, substitute};
use crate::support::client::Client;

/// The time that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Its end, in seconds since 1970.
    pub(crate) end: f64,
    /// Its length.
    pub(crate) range: Duration,
    /// Between two points.
    pub(crate) step: Duration,
    /// Between two scrapes: Grafana makes windows of rates from it.
    pub(crate) scrape: Duration,
}

impl Window {
    /// The last so much of it, with a point every five seconds.
    pub(crate) fn last(range: Duration, scrape: Duration) -> Self {
        Self {
            end: Self::now(),
            range,
            step: Duration::from_secs(5),
            scrape,
        }
    }

    /// The present, in seconds since 1970.
    pub(crate) fn now() -> f64 {
        std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
    }

    /// Its beginning, in seconds since 1970.
    pub(crate) fn start(self) -> f64 {
        self.end - self.range.as_secs_f64()
    }
}

/// Asks for all of it.
pub(crate) async fn probe(
    prometheus: &Client,
    dashboards: &[Dashboard],
    window: Window,
) -> Findings {
    let mut findings = Vec::new();
    for dashboard in dashboards {
        for chosen in [Chosen::All, Chosen::Listed] {
            let (values, of_variables) =
                choose::values(prometheus, dashboard, window, chosen).await;
            findings.extend(of_variables);
            for query in dashboard.queries() {
                let (text, left) = substitute(&query.expr, &values);
                let outcome = if left.is_empty() {
                    ask::query(prometheus, &text, query.instant, window).await
                } else {
                    Outcome::Leftover(left)
                };
                findings.push(finding(dashboard, chosen, query, text, outcome));
            }
        }
    }
    Findings(findings)
}

fn finding(
    dashboard: &Dashboard,
    chosen: Chosen,
    query: Query,
    text: String,
    outcome: Outcome,
) -> Finding {
    Finding {
        dashboard: dashboard.uid().to_owned(),
        place: query.place,
        ref_id: query.ref_id,
        legend: query.legend,
        chosen,
        query: text,
        outcome,
    }
}
