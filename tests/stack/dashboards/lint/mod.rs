//! The rules for dashboards, each with a test that breaks it. Grafana loads most of what breaks them and shows something
//! wrong or nothing; a dashboard that loads is therefore no proof.
//!
//! # Layout
//! - `whole`: the dashboard as such, its variables, annotations and links
//! - `grid`: ids and places; `panel`: one panel; `colour`: the same for the same thing everywhere
//! - queries are in `super::promql`

mod colour;
mod grid;
mod panel;
mod whole;

use super::catalogue::{Catalogue, catalogue};
use super::{Dashboard, promql};

/// Everything that is wrong with the form of these dashboards.
fn form(all: &[Dashboard]) -> Vec<String> {
    let mut found = whole::together(all);
    found.extend(colour::check(all));
    let uids: Vec<&str> = all.iter().map(Dashboard::uid).collect();
    for dashboard in all {
        let mut faults = whole::check(dashboard);
        faults.extend(grid::check(dashboard));
        for panel in dashboard.panels() {
            let of_panel = panel::check(panel.json, &uids);
            faults.extend(
                of_panel
                    .into_iter()
                    .map(|fault| format!("{}: {fault}", panel.place())),
            );
        }
        found.extend(
            faults
                .into_iter()
                .map(|fault| format!("{}: {fault}", dashboard.file)),
        );
    }
    found
}

/// What is wrong with the queries of a dashboard, and with its variables, which it also has to use.
fn queries(dashboard: &Dashboard, catalogue: &Catalogue) -> Vec<String> {
    let variables = dashboard.variables();
    let names: Vec<&str> = variables
        .iter()
        .map(|variable| variable.name.as_str())
        .collect();
    let mut found = Vec::new();
    for query in dashboard.queries() {
        let faults = promql::check(&query, &names, catalogue, &mut Vec::new());
        let place = format!("{} {}", query.place, query.ref_id);
        found.extend(faults.into_iter().map(|fault| format!("{place}: {fault}")));
    }
    for (place, variable) in variables.iter().enumerate() {
        let faults = promql::check_values(&variable.query, &names[..place], catalogue);
        found.extend(
            faults
                .into_iter()
                .map(|fault| format!("variable {}: {fault}", variable.name)),
        );
        let reference = format!("\"${}\"", variable.name);
        if !dashboard
            .queries()
            .iter()
            .any(|query| query.expr.contains(&reference))
        {
            found.push(format!("variable {}: nothing uses it", variable.name));
        }
    }
    found
}

#[test]
fn every_dashboard_keeps_the_rules() {
    let (all, catalogue) = (Dashboard::all(), catalogue());
    let mut found = form(&all);
    for dashboard in &all {
        let faults = queries(dashboard, &catalogue);
        found.extend(
            faults
                .into_iter()
                .map(|fault| format!("{}: {fault}", dashboard.file)),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// All dashboards, the overview first and broken.
fn broken(how: impl FnOnce(&mut serde_json::Value)) -> Vec<Dashboard> {
    let mut all = Dashboard::all();
    all.sort_by_key(|dashboard| dashboard.uid() != "glasshouse-overview");
    let before = all[0].json.clone();
    how(&mut all[0].json);
    assert_ne!(all[0].json, before, "nothing was broken");
    all
}

/// That breaking the form of the overview like this is told in these words.
#[track_caller]
fn assert_noticed(expected: &str, how: impl FnOnce(&mut serde_json::Value)) {
    let found = form(&broken(how));
    assert!(
        found.iter().any(|fault| fault.contains(expected)),
        "no {expected:?} in {found:#?}"
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::catalogue::catalogue;
    use super::{broken, queries};

    #[track_caller]
    fn assert_noticed(expected: &str, how: impl FnOnce(&mut serde_json::Value)) {
        let found = queries(&broken(how)[0], &catalogue());
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "no {expected:?} in {found:#?}"
        );
    }

    #[test]
    fn a_fault_in_any_query_is_told_with_its_place() {
        assert_noticed("Now / Requests A: there is no metric `x`", |json| {
            json["panels"][1]["targets"][0]["expr"] = json!("x");
        });
        assert_noticed(
            "annotation Restarts Anno: `ready` is not narrowed",
            |json| {
                json["annotations"]["list"][0]["target"]["expr"] = json!("ready");
            },
        );
        assert_noticed("variable job: `build_info` has no label `nobody`", |json| {
            json["templating"]["list"][1]["query"]["query"] =
                json!("label_values(build_info, nobody)");
        });
        assert_noticed("variable wanted: nothing uses it", |json| {
            let variables = json["templating"]["list"].as_array_mut().unwrap();
            let mut another = variables[1].clone();
            another["name"] = json!("wanted");
            variables.push(another);
        });
    }
}
