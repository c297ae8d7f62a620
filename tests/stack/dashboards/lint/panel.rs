//! One panel: what it says of itself, its unit, its thresholds, its queries' form, where its link leads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::model::{list, text};

/// The units that are in use, by Grafana's ids. Grafana shows a number without a unit for an id that it does not know.
const UNITS: [&str; 8] = [
    "bytes",
    "cps",
    "none",
    "percentunit",
    "reqps",
    "s",
    "short",
    "suffix:×",
];

/// Kinds of panels that show numbers, and so have a unit.
const NUMBERS: [&str; 3] = ["heatmap", "stat", "timeseries"];

pub(super) fn check(panel: &Value, uids: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let defaults = &panel["fieldConfig"]["defaults"];
    let (shows, bad) = text(panel, "description")
        .split_once("\n\n**Bad:** ")
        .unwrap_or_default();
    if shows.len() < 10 || bad.len() < 5 {
        found.push("the description does not say what it shows and what bad looks like".to_owned());
    }
    let unit = text(defaults, "unit");
    let numbers = NUMBERS.contains(&text(panel, "type"));
    if !UNITS.contains(&unit) || (numbers && unit == "none") {
        found.push(format!("the unit is `{unit}`"));
    }
    found.extend(datasource(panel));
    found.extend(targets(list(&panel["targets"])));
    found.extend(thresholds(list(&defaults["thresholds"]["steps"])));
    found.extend(limit_in_a_sum(panel));
    found.extend(quantiles(panel));
    for link in list(&panel["links"]) {
        let url = text(link, "url");
        let uid = url
            .strip_prefix("/d/")
            .and_then(|rest| rest.split_once('?'));
        let known = uid.is_some_and(|(uid, _)| uids.contains(&uid));
        if !known || !url.contains("${__url_time_range}") || !url.contains("${__all_variables}") {
            found.push(format!(
                "a link to `{url}`, which is no dashboard or forgets time and variables"
            ));
        }
    }
    found
}

fn datasource(asks: &Value) -> Option<String> {
    let uid = text(&asks["datasource"], "uid");
    let right = uid == "${datasource}" && asks["datasource"]["type"] == "prometheus";
    (!right).then(|| format!("asks the data source `{uid}`, not ${{datasource}}"))
}

fn targets(targets: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    if targets.is_empty() {
        found.push("it asks nothing".to_owned());
    }
    let mut ref_ids = BTreeSet::new();
    for target in targets {
        let ref_id = text(target, "refId");
        let right = ref_id.len() == 1 && ref_id.as_bytes()[0].is_ascii_uppercase();
        if !right || !ref_ids.insert(ref_id) {
            found.push(format!("the refId `{ref_id}` is none or used twice"));
        }
        if text(target, "expr").is_empty() || text(target, "legendFormat").is_empty() {
            found.push(format!("{ref_id} has no query or no legend"));
        }
        if target["instant"] == target["range"] {
            found.push(format!("{ref_id} is instant and over a range, or neither"));
        }
        found.extend(datasource(target));
    }
    found
}

/// A limit that is stacked on what it limits is drawn far too high.
fn limit_in_a_sum(panel: &Value) -> Option<String> {
    let stacked = panel.pointer("/fieldConfig/defaults/custom/stacking/mode")? == "normal";
    let limited = list(&panel["targets"])
        .iter()
        .any(|target| target["legendFormat"] == "most");
    let apart = list(&panel["fieldConfig"]["overrides"])
        .iter()
        .filter(|one| one["matcher"]["options"] == "most")
        .flat_map(|one| list(&one["properties"]))
        .any(|property| property["id"] == "custom.stacking" && property["value"]["mode"] == "none");
    (stacked && limited && !apart).then(|| "`most` is stacked on what it limits".to_owned())
}

/// What is called p99, by its legend or else by the panel's title, asks for p99.
fn quantiles(panel: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for target in list(&panel["targets"]) {
        let named = percent(text(target, "legendFormat")).or_else(|| percent(text(panel, "title")));
        let Some(named) = named else { continue };
        let share = f64::from(named) / 100.0;
        let forms = [
            format!("histogram_quantile({share},"),
            format!("_p{named}{{"),
        ];
        let expr = text(target, "expr");
        if !forms.iter().any(|form| expr.contains(form)) {
            found.push(format!("called p{named}, and asks for `{expr}`"));
        }
    }
    found
}

/// The number in a word like `p99`.
fn percent(name: &str) -> Option<u8> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| word.strip_prefix('p'))
        .find_map(|number| number.parse().ok())
}

fn thresholds(steps: &[Value]) -> Vec<String> {
    let values: Vec<Option<f64>> = steps.iter().map(|step| step["value"].as_f64()).collect();
    let rising = values.is_sorted_by(|a, b| a < b);
    if values.first() != Some(&None) || !rising {
        return vec![format!(
            "the thresholds {values:?} do not begin with null and rise"
        )];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::assert_noticed;

    #[test]
    fn each_fault_is_noticed() {
        let faults: [(&str, &str, Value); 17] = [
            (
                "/description",
                "what it shows and what bad looks like",
                json!(""),
            ),
            (
                "/description",
                "what it shows and what bad looks like",
                json!("Requests a second."),
            ),
            (
                "/fieldConfig/defaults/unit",
                "the unit is `req/s`",
                json!("req/s"),
            ),
            (
                "/fieldConfig/defaults/unit",
                "the unit is `none`",
                json!("none"),
            ),
            ("/datasource/uid", "the data source `abc`", json!("abc")),
            ("/datasource/type", "not ${datasource}", json!("loki")),
            ("/targets", "it asks nothing", json!([])),
            ("/targets/0/refId", "the refId `` is none", json!("")),
            ("/targets/0/refId", "the refId `a1` is none", json!("a1")),
            ("/targets/0/expr", "A has no query or no legend", json!("")),
            (
                "/targets/0/legendFormat",
                "A has no query or no legend",
                json!(""),
            ),
            ("/targets/0/range", "instant and over a range", json!(true)),
            (
                "/targets/0/datasource/uid",
                "the data source `prometheus`",
                json!("prometheus"),
            ),
            (
                "/fieldConfig/defaults/thresholds/steps",
                "do not begin with null",
                json!([]),
            ),
            (
                "/fieldConfig/defaults/thresholds/steps",
                "do not begin with null and rise",
                json!([{ "value": null }, { "value": 2 }, { "value": 1 }]),
            ),
            (
                "/links",
                "which is no dashboard",
                json!([{ "url": "/d/other?${__url_time_range}&${__all_variables}" }]),
            ),
            (
                "/links",
                "forgets time",
                json!([{ "url": "/d/glasshouse-errors" }]),
            ),
        ];
        for (place, expected, value) in faults {
            assert_noticed(expected, |json| {
                let panel = &mut json["panels"][1];
                match panel.pointer_mut(place) {
                    Some(part) => *part = value,
                    None => panel[place.trim_start_matches('/')] = value,
                }
            });
        }
        assert_noticed("`most` is stacked on what it limits", |json| {
            let panels = json["panels"].as_array_mut().unwrap();
            let pool = panels
                .iter_mut()
                .find(|panel| panel["title"] == "Connections to the database");
            pool.unwrap()["fieldConfig"]["overrides"] = json!([]);
        });
        assert_noticed(
            "called p95, and asks for `histogram_quantile(0.99",
            |json| {
                let panels = json["panels"].as_array_mut().unwrap();
                let latency = panels.iter_mut().find(|panel| panel["title"] == "Latency");
                latency.unwrap()["targets"][0]["legendFormat"] = json!("p95");
            },
        );
        assert_noticed("the refId `A` is none or used twice", |json| {
            let targets = json["panels"][1]["targets"].as_array_mut().unwrap();
            targets.push(targets[0].clone());
        });
    }
}
