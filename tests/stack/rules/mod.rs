//! Prometheus' rules and Alertmanager's routes.
//!
//! # Layout
//! - `programs`: what promtool and amtool say, about good files and about bad ones
//! - `alerts`: that each alert is complete, tested and listed in the README
//! - `names`: that every metric and label exists; `promql`: finds them in an expression
//! - `runbooks`: that there is one for each alert, and that its queries are queries
//! - `routes`: who is told; `inhibition`: who is not, asked of a running Alertmanager
//! - `scaling`: `scripts/scale-rules`
//!
//! Whether the service really sends these series under load, and whether alerts arrive, is another test's question.

mod alerts;
mod inhibition;
mod names;
mod programs;
mod promql;
mod routes;
mod runbooks;
mod scaling;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::repository::{files, read, yaml};

/// Where the rules are.
const RULES: &str = "prometheus/rules";
/// Where their unit tests are.
const TESTS: &str = "prometheus/tests";
/// Alertmanager's configuration.
const ALERTMANAGER: &str = "alertmanager/alertmanager.yml";

/// A file of rules. Unknown keys are refused, `keep_firing_for` among them, which not everything that reads rules knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    interval: Option<String>,
    rules: Vec<Rule>,
}

/// One rule: `alert` or `record` is its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    pending: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Rule {
    fn name(&self) -> &str {
        let name = self.alert.as_ref().or(self.record.as_ref());
        name.expect("promtool refuses a rule without a name")
    }
}

/// Every rule of every file.
fn rules() -> Vec<Rule> {
    let read = |path: &String| yaml::<RuleFile>(path, &read(path)).groups;
    let groups = files(RULES, "yml")
        .iter()
        .flat_map(read)
        .collect::<Vec<_>>();
    groups.into_iter().flat_map(|group| group.rules).collect()
}

/// How many there are.
pub(crate) fn count() -> usize {
    rules().len()
}

/// The expression of each.
pub(crate) fn expressions() -> Vec<String> {
    rules().into_iter().map(|rule| rule.expr).collect()
}

/// The rules that are alerts.
fn alerts() -> Vec<Rule> {
    let mut rules = rules();
    rules.retain(|rule| rule.alert.is_some());
    rules
}
