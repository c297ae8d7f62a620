//! That each alert says everything that somebody who is woken by it needs, that it was seen firing and seen silent by promtool,
//! and that the README lists it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::repository::{at, files, none, read, yaml};

use super::{Rule, TESTS, alerts};

const SEVERITIES: [&str; 4] = ["page", "ticket", "info", "none"];

/// Where links begin. Both are placeholders that a deployment replaces: docs/runbooks/README.md says how.
const DASHBOARDS: &str = "http://localhost:3000/d/";
const RUNBOOKS: &str = "https://glasshouse.example/";

/// The dashboards that there are.
const UIDS: [&str; 8] = [
    "glasshouse-overview",
    "glasshouse-latency",
    "glasshouse-load-test",
    "glasshouse-errors",
    "glasshouse-database-pool",
    "glasshouse-orders-and-webhooks",
    "glasshouse-slo",
    "glasshouse-runtime",
];

/// Fires always, so nothing can make it silent.
const ALWAYS: &str = "Watchdog";

/// What a file of unit tests holds of alerts.
#[derive(Debug, Deserialize)]
struct TestFile {
    tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
struct Test {
    #[serde(default)]
    alert_rule_test: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    alertname: String,
    exp_alerts: Vec<Expected>,
}

/// promtool compares them, and what is not here counts as empty there.
#[derive(Debug, Deserialize)]
struct Expected {
    #[serde(rename = "exp_labels")]
    _labels: BTreeMap<String, String>,
    #[serde(rename = "exp_annotations")]
    _annotations: BTreeMap<String, String>,
}

/// What is wrong with an alert, taken by itself.
fn faults(alert: &Rule) -> Vec<String> {
    let name = alert.name();
    let mut found = Vec::new();
    let mut fault = |text: &str| found.push(format!("{name}: {text}"));
    if alert.pending.is_none() {
        fault("does not say for how long (0s is an answer)");
    }
    let severity = alert.labels.get("severity").map_or("", String::as_str);
    if !SEVERITIES.contains(&severity) {
        fault("has no severity that is known");
    }
    if alert.labels.len() != 1 {
        fault("sets more labels than its severity, which routes and inhibitions do not know");
    }
    let keys: Vec<_> = alert.annotations.keys().map(String::as_str).collect();
    if keys != ["dashboard", "description", "runbook_url", "summary"] {
        fault("has other annotations than summary, description, dashboard and runbook_url");
        return found;
    }
    let [dashboard, description, runbook, summary] =
        ["dashboard", "description", "runbook_url", "summary"]
            .map(|key| alert.annotations[key].as_str());
    if !summary.contains("$value") {
        fault("its summary does not tell the value");
    }
    if summary.ends_with('.') || summary.len() > 160 {
        fault("its summary is no headline");
    }
    if !description.contains("Look first at ") || !description.ends_with('.') {
        fault("its description does not say what to look at first");
    }
    if runbook != format!("{RUNBOOKS}docs/runbooks/{name}.md") {
        fault("runbook_url is not that of its runbook");
    }
    let uid = dashboard.strip_prefix(DASHBOARDS).unwrap_or_default();
    if !UIDS.contains(&uid.split('?').next().unwrap_or_default()) {
        fault("its dashboard is none of ours");
    }
    // Without a job there is nothing to select.
    if name != ALWAYS && !dashboard.contains("?var-job={{ $labels.job }}") {
        fault("its dashboard opens without its job");
    }
    found
}

#[test]
fn every_alert_says_what_whoever_it_wakes_needs() {
    let found: Vec<_> = alerts().iter().flat_map(faults).collect();
    none("alerts that are not as they should be", &found);
}

/// Both windows, both thresholds and both objectives: with steady errors, which is what the unit tests have, one window hides a
/// mistake in the other.
#[test]
fn the_burn_alerts_have_the_numbers_of_their_table() {
    let kinds = [
        ("Fast", "14.4", "1h", "5m", "page"),
        ("Medium", "6", "6h", "30m", "page"),
        ("Slow", "3", "1d", "2h", "ticket"),
        ("Trickle", "1", "3d", "6h", "ticket"),
    ];
    let alerts = alerts();
    for slo in ["Availability", "Latency"] {
        for (kind, rate, long, short, severity) in kinds {
            let name = format!("{slo}BudgetBurn{kind}");
            let alert = alerts.iter().find(|alert| alert.name() == name);
            let alert = alert.unwrap_or_else(|| panic!("there is no {name}"));
            let burns = |window: &str| {
                let slo = slo.to_lowercase();
                format!("job_slo:error_budget_burn:ratio_rate{window}{{slo=\"{slo}\"}} > {rate}")
            };
            let (long_window, short_window) = (burns(long), burns(short));
            let words = alert.expr.split_whitespace().collect::<Vec<_>>().join(" ");
            let both = format!("{long_window} and {short_window}");
            let rest = words.strip_prefix(&both);
            let rest = rest.unwrap_or_else(|| panic!("{name}: {words}\n  is not {both}"));
            assert_eq!(alert.labels["severity"], severity, "{name}");
            if severity == "page" {
                assert!(rest.starts_with(" and on (job) "), "{name}: {rest}");
                assert!(
                    rest.ends_with(&format!("[{long}])) > 10")),
                    "{name}: {rest}"
                );
            } else {
                assert_eq!(rest, "", "{name}");
            }
        }
    }
}

#[test]
fn every_alert_has_its_own_name() {
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = alerts()
        .iter()
        .map(|alert| alert.name().to_owned())
        .filter(|name| !seen.insert(name.clone()))
        .collect();
    none("alerts of the same name", &twice);
    assert!(seen.len() > 20, "only {} alerts", seen.len());
}

#[test]
fn every_alert_was_seen_firing_and_seen_silent() {
    let (mut firing, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for path in files(TESTS, "yml") {
        let file: TestFile = yaml(&path, &read(&path));
        for case in file.tests.into_iter().flat_map(|test| test.alert_rule_test) {
            let seen = if case.exp_alerts.is_empty() {
                &mut silent
            } else {
                &mut firing
            };
            seen.insert(case.alertname);
        }
    }
    let mut found = Vec::new();
    let names: BTreeSet<_> = alerts()
        .iter()
        .map(|alert| alert.name().to_owned())
        .collect();
    for name in &names {
        if !firing.contains(name) {
            found.push(format!("{name} has no test in which it fires"));
        }
        if !silent.contains(name) && name != ALWAYS {
            found.push(format!("{name} has no test in which it is silent"));
        }
    }
    // promtool takes a name that does not exist for an alert that is silent.
    for name in firing.union(&silent).filter(|name| !names.contains(*name)) {
        found.push(format!("{name} is tested and does not exist"));
    }
    none("alerts that were not tested", &found);
}

#[test]
fn the_readme_lists_every_alert_with_its_severity() {
    let readme = read("README.md");
    let section = readme.split("\n## Alerts\n").nth(1);
    let section = section.and_then(|rest| rest.split("\n## ").next());
    let mut told = BTreeSet::new();
    for line in section.expect("a section on alerts").lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        // `| [Name](docs/runbooks/Name.md), [Other](…) | page | when |`
        let [_, names, severity, _, _] = cells[..] else {
            continue;
        };
        for link in names.split('[').skip(1) {
            let (name, target) = link.split_once("](").expect("a link");
            let target = target.split(')').next().unwrap_or_default();
            assert!(at(target).is_file(), "{target} does not exist");
            assert!(
                target.ends_with(&format!("/{name}.md")),
                "{name} leads to {target}"
            );
            told.insert((name.to_owned(), severity.to_owned()));
        }
    }
    let there = alerts();
    let there = there
        .iter()
        .map(|alert| (alert.name().to_owned(), alert.labels["severity"].clone()));
    assert_eq!(told, there.collect());
}

#[test]
fn each_fault_is_noticed() {
    let good = Rule {
        alert: Some("Good".to_owned()),
        record: None,
        expr: "up == 0".to_owned(),
        pending: Some("0s".to_owned()),
        labels: BTreeMap::from([("severity".to_owned(), "page".to_owned())]),
        annotations: [
            ("summary", "It is {{ $value }}"),
            ("description", "It is so. Look first at it."),
            (
                "dashboard",
                "http://localhost:3000/d/glasshouse-slo?var-job={{ $labels.job }}",
            ),
            (
                "runbook_url",
                "https://glasshouse.example/docs/runbooks/Good.md",
            ),
        ]
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .into(),
    };
    assert_eq!(faults(&good), [""; 0]);
    let with = |change: fn(&mut Rule)| {
        let mut bad = good.clone();
        change(&mut bad);
        faults(&bad)
    };
    let annotate = |key: &str, text: &str| {
        let mut bad = good.clone();
        bad.annotations.insert(key.to_owned(), text.to_owned());
        faults(&bad)
    };
    for found in [
        with(|alert| alert.pending = None),
        with(|alert| alert.alert = Some("Bad".to_owned())),
        with(|alert| {
            alert
                .labels
                .insert("severity".to_owned(), "critical".to_owned());
        }),
        with(|alert| {
            alert.labels.insert("team".to_owned(), "a".to_owned());
        }),
        with(|alert| {
            alert.annotations.remove("summary");
        }),
        annotate("playbook", "x"),
        annotate("summary", "It is so"),
        annotate("summary", "It is {{ $value }}."),
        annotate("description", "It is so."),
        annotate(
            "dashboard",
            "http://localhost:3000/d/glasshouse-slow?var-job={{ $labels.job }}",
        ),
        annotate("dashboard", "http://localhost:3000/d/glasshouse-slo"),
        annotate(
            "runbook_url",
            "https://elsewhere.example/docs/runbooks/Good.md",
        ),
    ] {
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
