//! No metric that nobody looks at: each of the service's is on a dashboard, in a rule, or in
//! `grafana/not-on-a-dashboard.txt` with the reason.

use std::collections::BTreeSet;
use std::fs;

use super::catalogue::{catalogue, declared, rules};
use super::{Dashboard, promql};

const LIST: &str = "grafana/not-on-a-dashboard.txt";

/// Metrics that nobody looks at, and entries of the list that have no business there.
fn faults(declared: &[&str], shown: &BTreeSet<String>, rules: &str, list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut excused = BTreeSet::new();
    for line in list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (name, reason) = line.split_once(" | ").unwrap_or((line, ""));
        if reason.is_empty() {
            found.push(format!("{name}: no reason is given"));
        }
        if !declared.contains(&name) {
            found.push(format!("{name}: there is no such metric"));
        } else if shown.contains(name) {
            found.push(format!("{name}: it is on a dashboard"));
        }
        excused.insert(name);
    }
    for name in declared {
        let in_rule = words(rules).any(|word| {
            let suffix = word.strip_prefix(name);
            matches!(suffix, Some("" | "_bucket" | "_sum" | "_count"))
        });
        if !shown.contains(*name) && !in_rule && !excused.contains(name) {
            found.push(format!(
                "{name}: on no dashboard, in no rule, and not in {LIST}"
            ));
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
}

#[test]
fn every_metric_is_looked_at() {
    let catalogue = catalogue();
    let mut shown = Vec::new();
    for dashboard in Dashboard::all() {
        let variables = dashboard.variables();
        let names: Vec<&str> = variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        for query in dashboard.queries() {
            promql::check(&query, &names, &catalogue, &mut shown);
        }
    }
    let list = fs::read_to_string(super::root().join(LIST)).unwrap();
    let found = faults(&declared(), &shown.into_iter().collect(), &rules(), &list);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_fault_is_noticed() {
    let shown = BTreeSet::from(["shown_total".to_owned()]);
    let declared = ["shown_total", "ruled_seconds", "hidden", "lost"];
    let rules = "expr: rate(ruled_seconds_count[5m]) > lost_and_found";
    let told = |list: &str| faults(&declared, &shown, rules, list);

    assert_eq!(
        told("# why\nhidden | says little\nlost | says less"),
        [""; 0]
    );
    assert_eq!(
        told("hidden | says little"),
        [format!(
            "lost: on no dashboard, in no rule, and not in {LIST}"
        )]
    );
    for (line, expected) in [
        ("hidden", "hidden: no reason is given"),
        ("gone | says little", "gone: there is no such metric"),
        (
            "shown_total | says little",
            "shown_total: it is on a dashboard",
        ),
    ] {
        assert!(
            told(line).contains(&expected.to_owned()),
            "{line}: {:?}",
            told(line)
        );
    }
}
