//! What Grafana puts in the place of variables: its own, and those of the dashboard, whose values it asks for.

use std::collections::BTreeMap;

use super::ask::label_values;
use super::finding::{Finding, Outcome, Series};
use super::{Client, Dashboard, Place, Window, substitute};
use crate::dashboards::Variable;

/// What is chosen at the top of a dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// `All` of each variable.
    All,
    /// Each value of each variable, picked by hand.
    Listed,
}

/// The values of all variables, and what was found while asking for them.
pub(super) async fn values(
    prometheus: &Client,
    dashboard: &Dashboard,
    window: Window,
    chosen: Chosen,
) -> (BTreeMap<String, String>, Vec<Finding>) {
    let mut values = of_grafana(window);
    let mut findings = Vec::new();
    for variable in dashboard.variables() {
        let (outcome, listed) = ask(prometheus, &variable, &values, window).await;
        let value = match (chosen, &variable.all) {
            (Chosen::All, Some(all)) => all.clone(),
            _ => any_of(&listed),
        };
        findings.push(Finding {
            dashboard: dashboard.uid().to_owned(),
            place: Place::Variable(variable.name.clone()),
            ref_id: String::new(),
            legend: String::new(),
            chosen,
            query: variable.query.clone(),
            outcome,
        });
        values.insert(variable.name, value);
    }
    (values, findings)
}

/// Grafana's own variables. A window of a rate holds four scrapes, and a point and a scrape.
fn of_grafana(window: Window) -> BTreeMap<String, String> {
    let rate = (window.step + window.scrape).max(window.scrape * 4);
    [
        ("__rate_interval", format!("{}s", rate.as_secs())),
        ("__interval", format!("{}s", window.step.as_secs())),
        ("__range", format!("{}s", window.range.as_secs())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The values of `label_values(selector, label)`.
async fn ask(
    prometheus: &Client,
    variable: &Variable,
    values: &BTreeMap<String, String>,
    window: Window,
) -> (Outcome, Vec<String>) {
    let (text, left) = substitute(&variable.query, values);
    if !left.is_empty() {
        return (Outcome::Leftover(left), Vec::new());
    }
    let inside = text
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some((selector, label)) = inside.and_then(|inside| inside.rsplit_once(", ")) else {
        return (
            Outcome::Refused(format!("not label_values(selector, label): {text}")),
            Vec::new(),
        );
    };
    match label_values(prometheus, selector, label, window).await {
        Err(error) => (Outcome::Refused(error), Vec::new()),
        Ok(listed) => {
            let found = listed.iter().map(|value| Series {
                labels: [(label.to_owned(), value.clone())].into(),
                points: vec![(window.end, 1.0)],
            });
            (Outcome::of(found.collect()), listed)
        }
    }
}

/// A regular expression for any of these values, as Grafana writes it into PromQL: one stands alone, more are put in
/// parentheses, and whatever means something in an expression has two backslashes before it, one for the string.
pub(super) fn any_of(values: &[String]) -> String {
    let escaped: Vec<String> = values.iter().map(|value| escaped(value)).collect();
    match escaped.as_slice() {
        [one] => one.clone(),
        more => format!("({})", more.join("|")),
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\\\\\"),
            '$' | '^' | '*' | '{' | '}' | '[' | ']' | '\'' | '+' | '?' | '.' | '(' | ')' | '|' => {
                text.push_str("\\\\");
                text.push(c);
            }
            _ => text.push(c),
        }
    }
    text
}
