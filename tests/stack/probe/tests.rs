//! The prober on a dashboard with one of each fault, asked of a real Prometheus with a small past.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::choose::any_of;
use super::*;
use crate::prometheus::{Prometheus, remember};

/// Ten minutes of a gauge, of two counters, one of them on a route with braces, and of a value that is never a number.
fn past(now: f64) -> String {
    let mut text = String::from("# TYPE doors gauge\n");
    let times = || {
        (0..=40)
            .rev()
            .map(|step| (now - f64::from(step) * 15.0, f64::from(40 - step)))
    };
    for (time, _) in times() {
        let _ = writeln!(text, "doors{{job=\"house\",instance=\"a:1\"}} 3 {time}");
        let _ = writeln!(text, "doors{{job=\"house\",instance=\"b:1\"}} NaN {time}");
    }
    text.push_str("# TYPE knocks counter\n");
    for path in ["/", "/rooms/{id}"] {
        for (time, step) in times() {
            let _ = writeln!(
                text,
                "knocks_total{{job=\"house\",path=\"{path}\"}} {} {time}",
                30.0 * step
            );
        }
    }
    text + "# EOF\n"
}

/// A dashboard of one row with a panel for each of these queries, called by them.
fn dashboard(queries: &[&str]) -> Dashboard {
    let panel = |query: &&str| {
        json!({
            "type": "timeseries", "title": query,
            "targets": [{ "refId": "A", "expr": query, "legendFormat": "x", "instant": query.contains("instant") }]
        })
    };
    let mut panels = vec![json!({ "type": "row", "title": "Row", "panels": [] })];
    panels.extend(queries.iter().map(panel));
    let variable = |name: &str, query: &str| json!({ "type": "query", "name": name, "query": { "query": query }, "allValue": ".*", "multi": true });
    let annotation = |name: &str, expr: &str| json!({ "name": name, "target": { "refId": "Anno", "expr": expr } });
    Dashboard {
        file: "house.json".to_owned(),
        json: json!({
            "uid": "house",
            "panels": panels,
            "templating": { "list": [
                { "type": "datasource", "name": "datasource", "query": "prometheus" },
                variable("job", "label_values(doors, job)"),
                variable("path", r#"label_values(knocks_total{job=~"$job"}, path)"#),
            ] },
            "annotations": { "list": [
                annotation("Quiet", "doors > 100"),
                annotation("Broken", "doors >"),
            ] },
        }),
    }
}

fn with_variable(mut dashboard: Dashboard, query: &str) -> Dashboard {
    let another: Value = json!({ "type": "query", "name": "another", "query": { "query": query } });
    dashboard.json["templating"]["list"]
        .as_array_mut()
        .unwrap()
        .push(another);
    dashboard
}

async fn house() -> (Prometheus, Window) {
    let folder = TempDir::new().unwrap();
    let window = Window::last(Duration::from_mins(5), Duration::from_secs(15));
    remember(folder.path(), &past(window.end));
    (Prometheus::start(folder, "global: {}\n", &[]).await, window)
}

#[tokio::test]
async fn each_query_is_told_for_what_it_is() {
    const FOUND: &str =
        r#"sum by (path) (rate(knocks_total{job=~"$job", path=~"${path}"}[$__rate_interval]))"#;
    const MISSPELT: &str = "knoks_total";
    const NO_NUMBER: &str = r#"doors{instance="b:1"}"#;
    const SYNTAX: &str = "sum(doors";
    const INFINITE: &str = r#"doors{instance="a:1"} / 0"#;
    const LEFT: &str = r#"doors{room="$room"}"#;
    let (prometheus, window) = house().await;
    let dashboard = dashboard(&[FOUND, MISSPELT, NO_NUMBER, SYNTAX, INFINITE, LEFT]);

    let findings = probe(prometheus.client(), &[dashboard], window).await;

    let of = |query: &str| findings.of("house", "Row", query, "x");
    let series = of(FOUND).series();
    assert_eq!(series.len(), 2, "{series:?}");
    assert_eq!(series[1].labels["path"], "/rooms/{id}");
    assert!(series[0].points.len() > 50, "{series:?}");
    // 30 knocks in 15 seconds.
    assert!(
        (findings.highest("house", "Row", FOUND, "x") - 2.0).abs() < 0.01,
        "{series:?}"
    );
    assert_eq!(*of(MISSPELT), Outcome::Empty);
    assert_eq!(*of(NO_NUMBER), Outcome::Empty);
    assert!(matches!(of(SYNTAX), Outcome::Refused(error) if error.contains("parse error")));
    assert_eq!(*of(LEFT), Outcome::Leftover(vec!["room".to_owned()]));

    let listed = findings
        .0
        .iter()
        .filter(|finding| finding.chosen == Chosen::Listed);
    let listed = listed
        .clone()
        .find(|finding| finding.place == Place::Panel("Row".to_owned(), FOUND.to_owned()))
        .unwrap();
    assert!(
        listed.query.contains(r#"path=~"(/|/rooms/\\{id\\})""#),
        "{}",
        listed.query
    );
    assert_eq!(
        listed.outcome.series().len(),
        2,
        "each value matches itself"
    );

    let faults = MayBeEmpty::parse("").unwrap().faults(&findings);
    // Six are wrong, whatever is chosen: all queries but the first, and the broken annotation. The quiet one is not.
    assert_eq!(faults.len(), 12, "{faults:#?}");
    assert!(faults.iter().any(|fault| fault.contains("infinite: ")));
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("annotation Broken") && fault.contains("refused: "))
    );
    assert!(
        !faults.iter().any(|fault| fault.contains("Quiet")),
        "{faults:#?}"
    );
}

#[tokio::test]
async fn an_instant_query_is_asked_for_the_end() {
    let (prometheus, window) = house().await;
    let query = "sum(doors == 3) # instant";
    let findings = probe(prometheus.client(), &[dashboard(&[query])], window).await;

    let series = findings.of("house", "Row", query, "x").series();
    assert_eq!(series.len(), 1);
    let [(time, number)] = series[0].points[..] else {
        panic!("not one point: {series:?}")
    };
    assert!((time - window.end).abs() < 0.01 && (number - 3.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_variable_without_values_is_a_fault() {
    let (prometheus, window) = house().await;
    for (query, expected) in [
        ("label_values(windows, job)", "empty"),
        (
            r#"label_values(doors{room="$room"}, job)"#,
            "nothing fills $room",
        ),
        ("label_values(doors{, job)", "refused: "),
        ("query_result(doors)", "not label_values(selector, label)"),
    ] {
        let dashboard = with_variable(dashboard(&["doors"]), query);
        let findings = probe(prometheus.client(), &[dashboard], window).await;
        let faults = MayBeEmpty::parse("").unwrap().faults(&findings);
        let told = faults
            .iter()
            .any(|fault| fault.contains("variable another") && fault.contains(expected));
        assert!(told, "{query}: {faults:#?}");
    }
}

#[tokio::test]
async fn the_list_of_what_may_be_empty_has_to_be_true() {
    let (prometheus, window) = house().await;
    let mut quiet = dashboard(&["doors", "windows"]);
    quiet.json["annotations"]["list"] = json!([]);
    let findings = probe(prometheus.client(), &[quiet], window).await;
    let faults = |list: &str| MayBeEmpty::parse(list).unwrap().faults(&findings);

    let windows = "house | Row | windows | this house has none";
    assert_eq!(faults(&format!("# why\n\n{windows}")), [""; 0]);
    assert_eq!(faults("").len(), 2, "once with All, once with a list");
    for (line, expected) in [
        (
            "house | Row | doors | this house has none",
            "names a panel that is not empty",
        ),
        ("house | Row | roof | this house has none", "names no panel"),
        (
            "shed | Row | windows | this shed has none",
            "names no panel",
        ),
    ] {
        let found = faults(&format!("{windows}\n{line}"));
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{line}: {found:?}"
        );
    }
    for line in [
        "house | Row | windows",
        "house | Row | windows | ",
        "windows",
    ] {
        assert!(MayBeEmpty::parse(line).is_err(), "{line}");
    }
}

#[test]
fn the_committed_list_names_panels_that_there_are() {
    let nothing_found = Dashboard::all().into_iter().flat_map(|dashboard| {
        let uid = dashboard.uid().to_owned();
        dashboard.queries().into_iter().map(move |query| Finding {
            dashboard: uid.clone(),
            place: query.place,
            ref_id: query.ref_id,
            legend: query.legend,
            chosen: Chosen::All,
            query: query.expr,
            outcome: Outcome::Empty,
        })
    });
    let faults = MayBeEmpty::committed().faults(&Findings(nothing_found.collect()));
    let wrong: Vec<_> = faults
        .iter()
        .filter(|fault| fault.contains("may-be-empty.txt"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn values_are_escaped_for_an_expression_inside_a_string() {
    let any_of = |values: &[&str]| {
        any_of(
            &values
                .iter()
                .map(|&value| value.to_owned())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(any_of(&["/orders/{id}"]), r"/orders/\\{id\\}");
    assert_eq!(any_of(&["a.b", "c"]), r"(a\\.b|c)");
    assert_eq!(any_of(&[r"a\b"]), r"a\\\\b");
}
