//! The objectives stand in the rules; the dashboards draw them as lines and turn red at them. Both say the same.

use serde_json::Value;

use super::Dashboard;
use super::catalogue::rules;
use super::model::list;

/// The objective of that name, as the rules record it: `labels: {slo: …}` and `expr: vector(…)`.
fn objective(slo: &str) -> f64 {
    let rules = rules();
    let mut recorded = rules.split("record: slo:objective:ratio").skip(1);
    let of = format!("slo: {slo}");
    let rule = recorded.find(|rule| {
        rule.split("record:")
            .next()
            .unwrap_or_default()
            .contains(&of)
    });
    let number = rule.and_then(|rule| rule.split_once("vector(")?.1.split_once(')'));
    number
        .unwrap_or_else(|| panic!("no objective for {slo}"))
        .0
        .parse()
        .unwrap()
}

/// The values at which the panels of that title change their colour, the first aside.
fn thresholds(uid: &str, title: &str) -> Vec<f64> {
    let all = Dashboard::all();
    let dashboard = all.iter().find(|dashboard| dashboard.uid() == uid).unwrap();
    let panels = dashboard.panels();
    let panel = panels
        .iter()
        .find(|panel| panel.title() == title)
        .unwrap_or_else(|| panic!("{uid} has no {title}"));
    let steps: &[Value] = list(&panel.json["fieldConfig"]["defaults"]["thresholds"]["steps"]);
    steps
        .iter()
        .filter_map(|step| step["value"].as_f64())
        .collect()
}

#[track_caller]
fn assert_threshold(uid: &str, title: &str, expected: f64) {
    let found = thresholds(uid, title);
    assert!(
        found.iter().any(|value| (value - expected).abs() < 1e-9),
        "{uid}, {title}: {found:?}, not {expected}"
    );
}

#[test]
fn errors_are_red_where_the_objective_ends() {
    for (uid, title) in [
        ("glasshouse-overview", "Errors"),
        ("glasshouse-overview", "Share of 5xx"),
        ("glasshouse-errors", "Share of 5xx"),
        ("glasshouse-slo", "Share of 5xx"),
        ("glasshouse-load-test", "Errors: client and server"),
    ] {
        assert_threshold(uid, title, 1.0 - objective("availability"));
    }
}

#[test]
fn slow_requests_are_red_where_the_objective_ends() {
    assert_threshold("glasshouse-latency", "Within 250 ms", objective("latency"));
    assert_threshold(
        "glasshouse-slo",
        "Share of slow requests",
        1.0 - objective("latency"),
    );
    let rules = rules();
    for uid in ["glasshouse-overview", "glasshouse-slo"] {
        let lines = thresholds(uid, "Latency");
        assert!(
            rules.contains(&format!("le=\"{}\"", lines[0])),
            "{uid}: the rules count at another edge than {lines:?}"
        );
    }
}

#[test]
fn the_lines_of_the_burn_rate_are_those_of_the_alerts() {
    let rules = rules();
    let lines = thresholds("glasshouse-slo", "Burn rate");
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in lines {
        let compared = format!("}} > {line}\n");
        assert!(rules.contains(&compared), "no alert fires at {line}");
    }
}
