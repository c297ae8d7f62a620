//! That every series and label in a rule or a runbook exists: declared by the service, recorded by another rule, or made by
//! Prometheus and Alertmanager themselves. A name that does not exist is no error to Prometheus, only an alert that never fires.

use std::collections::{BTreeMap, BTreeSet};

use glasshouse::app::metric_areas;
use glasshouse::telemetry::metrics::{Declaration, Kind};

use crate::repository::{files, none, read};

use super::promql::named;
use super::rules;
use super::runbooks::{FOLDER, queries};

/// Labels that Prometheus gives to every series that it scrapes.
const OF_THE_TARGET: [&str; 2] = ["job", "instance"];

/// What Prometheus and Alertmanager tell of themselves, as far as anything here asks for it, with labels.
const OF_OTHERS: &[(&str, &[&str])] = &[
    ("up", &[]),
    ("ALERTS", &["alertname", "alertstate", "severity", "slo"]),
    ("scrape_duration_seconds", &[]),
    ("prometheus_rule_evaluation_failures_total", &["rule_group"]),
    ("prometheus_notifications_alertmanagers_discovered", &[]),
    ("prometheus_notifications_errors_total", &["alertmanager"]),
    ("prometheus_sd_discovered_targets", &["name", "config"]),
];

/// Series that the rules are ready for and the service does not have yet. One that it has is no longer named here.
const COMING: &[Declaration] = &[];

/// Every name that may be asked for, with the labels that it has.
#[derive(Debug)]
struct Known(BTreeMap<String, BTreeSet<String>>);

impl Known {
    fn new(declarations: &[Declaration], recorded: &BTreeSet<String>) -> Self {
        let own = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        let mut known = BTreeMap::new();
        for declaration in declarations {
            let labels = [declaration.labels, &OF_THE_TARGET].concat();
            if declaration.kind == Kind::Histogram {
                let bucket = [&labels[..], &["le"]].concat();
                known.insert(format!("{}_bucket", declaration.name), own(&bucket));
                known.insert(format!("{}_count", declaration.name), own(&labels));
                known.insert(format!("{}_sum", declaration.name), own(&labels));
            } else {
                known.insert(declaration.name.to_owned(), own(&labels));
            }
        }
        for (name, labels) in OF_OTHERS {
            known.insert(
                (*name).to_owned(),
                own(&[labels, &OF_THE_TARGET[..]].concat()),
            );
        }
        for name in recorded {
            known.insert(name.clone(), levels(name));
        }
        Self(known)
    }

    /// What the expression asks for and is not there.
    fn missing(&self, place: &str, expression: &str) -> Vec<String> {
        let named = named(expression);
        let mut found = Vec::new();
        let mut all = BTreeSet::new();
        for (name, labels) in &named.selectors {
            let Some(has) = self.0.get(name) else {
                found.push(format!("{place}: there is no series {name}"));
                continue;
            };
            for label in labels.difference(has) {
                found.push(format!("{place}: {name} has no label {label}"));
            }
            all.extend(has.iter().cloned());
        }
        for label in named.grouping.difference(&all) {
            found.push(format!("{place}: nothing in it has a label {label}"));
        }
        found
    }
}

/// The labels of a recorded series, which its name begins with: `job_slo:…` has `job` and `slo`.
fn levels(name: &str) -> BTreeSet<String> {
    let level = name.split(':').next().unwrap_or_default();
    level.split('_').map(str::to_owned).collect()
}

fn declared() -> Vec<Declaration> {
    let areas = metric_areas();
    let all: Vec<_> = areas
        .iter()
        .flat_map(|(_, area)| area.iter().copied())
        .collect();
    assert!(all.len() > 30, "only {} metrics are declared", all.len());
    all
}

fn recorded() -> BTreeSet<String> {
    rules().into_iter().filter_map(|rule| rule.record).collect()
}

fn known() -> Known {
    Known::new(&[&declared()[..], COMING].concat(), &recorded())
}

#[test]
fn every_series_and_label_in_the_rules_exists() {
    let known = known();
    let rules = rules();
    let found: Vec<_> = rules
        .iter()
        .flat_map(|rule| known.missing(rule.name(), &rule.expr))
        .collect();
    none("names that mean nothing", &found);
}

#[test]
fn every_series_and_label_in_the_runbooks_exists() {
    let known = known();
    let mut found = Vec::new();
    let mut seen = 0;
    for path in files(FOLDER, "md") {
        for query in queries(&read(&path)) {
            found.extend(known.missing(&path, &query));
            seen += 1;
        }
    }
    none("names that mean nothing", &found);
    assert!(seen > 60, "only {seen} queries were found");
}

/// The same expression over eight windows: a 1h among those of 2h looks right, and a test with little history sees no difference.
#[test]
fn a_recorded_name_says_its_window() {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for rule in rules().iter().filter(|rule| rule.record.is_some()) {
        let Some((_, window)) = rule.name().split_once("rate") else {
            continue;
        };
        seen.insert(window.to_owned());
        let windows = rule.expr.split('[').skip(1);
        let windows = windows.filter_map(|rest| rest.split(']').next());
        // What is made of other recorded series has theirs.
        let made_of = rule.expr.split("ratio_rate").skip(1);
        let made_of = made_of.filter_map(|rest| rest.split([' ', '\n']).next());
        for other in windows.chain(made_of).filter(|other| *other != window) {
            found.push(format!("{} looks back over {other}", rule.name()));
        }
    }
    none(
        "recorded series of other windows than their names say",
        &found,
    );
    let contract = ["1d", "1h", "2h", "30d", "30m", "3d", "5m", "6h"];
    assert!(seen.iter().eq(contract), "{seen:?}");
}

/// The level at the front of a name says which labels the series has, which the test above relies on.
#[test]
fn a_recorded_name_says_its_labels() {
    let mut found = Vec::new();
    for rule in rules().iter().filter(|rule| rule.record.is_some()) {
        let levels = levels(rule.name());
        for label in rule.labels.keys() {
            if !levels.contains(label) {
                found.push(format!("{} is given a label {label}", rule.name()));
            }
        }
        for aggregated in rule.expr.split("sum by (").skip(1) {
            let labels = aggregated.split(')').next().unwrap_or_default();
            let labels: BTreeSet<_> = labels.split(", ").map(str::to_owned).collect();
            if labels != levels {
                found.push(format!("{} is a sum by {labels:?}", rule.name()));
            }
        }
    }
    none(
        "recorded series with other labels than their names say",
        &found,
    );
}

#[test]
fn every_recorded_series_is_used_or_documented() {
    let rules = rules();
    let page = read(&format!("{FOLDER}/README.md"));
    let is_used = |name: &String| {
        let by = |expression: &str| {
            named(expression)
                .selectors
                .iter()
                .any(|(used, _)| used == name)
        };
        rules.iter().any(|rule| by(&rule.expr))
    };
    // A table row names all windows at once: `job:http_requests_errors:ratio_rate…`.
    let is_documented = |name: &String| {
        let stem = name
            .split_once("rate")
            .map_or(name.as_str(), |(stem, _)| stem);
        page.contains(&format!("`{name}`")) || page.contains(&format!("`{stem}rate…`"))
    };
    let found: Vec<_> = recorded()
        .into_iter()
        .filter(|name| !is_used(name) && !is_documented(name))
        .collect();
    none("recorded for nobody", &found);
}

#[test]
fn what_was_to_come_and_has_come_is_no_longer_excused() {
    let declared = declared();
    let found: Vec<_> = COMING
        .iter()
        .filter(|coming| declared.iter().any(|has| has.name == coming.name))
        .map(|coming| format!("{} is there: take it out of COMING", coming.name))
        .collect();
    none("excuses that are not needed", &found);
}

#[test]
fn each_of_them_is_noticed() {
    let declarations = [
        Declaration::counter("jobs_total", "Jobs.", &["queue"]),
        Declaration {
            kind: Kind::Histogram,
            ..Declaration::gauge("job_seconds", "Time.", &[])
        },
    ];
    let recorded = BTreeSet::from(["job_queue:jobs:rate5m".to_owned()]);
    let known = Known::new(&declarations, &recorded);
    let missing = |expression: &str| known.missing("here", expression);
    for good in [
        "sum by (job, queue) (rate(jobs_total{queue=\"a\"}[5m])) > 0",
        "histogram_quantile(0.9, sum by (le) (rate(job_seconds_bucket[5m])))",
        "job_queue:jobs:rate5m{queue=\"a\"} and on (job) up == 1",
    ] {
        assert_eq!(missing(good), [""; 0], "{good}");
    }
    for (bad, what) in [
        ("rate(job_total[5m])", "no series job_total"),
        ("job_seconds", "no series job_seconds"),
        ("jobs_total{name=\"a\"}", "jobs_total has no label name"),
        ("sum by (name) (jobs_total)", "has a label name"),
        ("sum by (le) (jobs_total)", "has a label le"),
        ("job_queue:jobs:rate5m{instance=\"a\"}", "no label instance"),
        ("job_queue:jobs:rate1h", "no series job_queue:jobs:rate1h"),
    ] {
        let found = missing(bad);
        assert!(
            found.len() == 1 && found[0].contains(what),
            "{bad}: {found:?}"
        );
    }
}
