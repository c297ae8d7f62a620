//! The dashboard as such: what it is called, what is chosen at its top, what is marked on it, where its links lead.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Dashboard;
use super::super::model::{list, text};

/// The annotations of every dashboard. Injected faults come with the service's ability to inject them.
const ANNOTATIONS: [&str; 3] = ["Restarts", "Versions", "Alerts"];

/// What an export from Grafana leaves behind, and what counts up with every save.
const LEFT_BEHIND: [&str; 6] = [
    "__elements",
    "__inputs",
    "__requires",
    "gnetId",
    "iteration",
    "version",
];

/// Between dashboards: what has to be unique.
pub(super) fn together(all: &[Dashboard]) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["uid", "title"] {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for dashboard in all {
            let value = text(&dashboard.json, key);
            if let Some(other) = seen.insert(value, &dashboard.file) {
                found.push(format!(
                    "{} and {other} have the {key} `{value}`",
                    dashboard.file
                ));
            }
        }
    }
    found
}

/// One dashboard.
pub(super) fn check(dashboard: &Dashboard) -> Vec<String> {
    let json = &dashboard.json;
    let mut found = Vec::new();
    let mut wrong = |is: bool, what: &str| {
        if is {
            found.push(what.to_owned());
        }
    };
    let uid = dashboard.uid();
    wrong(
        !uid.starts_with("glasshouse-") || uid.len() > 40,
        "the uid is glasshouse-… and at most 40 characters long",
    );
    wrong(
        format!("{uid}.json") != dashboard.file,
        "the file is not called after the uid",
    );
    wrong(
        json["id"] != Value::Null,
        "the id is not null: it is another Grafana's",
    );
    wrong(text(json, "title").is_empty(), "no title");
    wrong(
        !text(json, "description").contains('?'),
        "the description does not say which question it answers",
    );
    wrong(
        json["editable"] != false,
        "editable, although every change would be lost",
    );
    wrong(
        !(39..=41).contains(&json["schemaVersion"].as_u64().unwrap_or(0)),
        "schemaVersion is not 39 to 41",
    );
    wrong(
        json["tags"] != json!(["glasshouse"]),
        "not tagged glasshouse: links do not find it",
    );
    wrong(json["graphTooltip"] != 1, "the crosshair is not shared");
    wrong(text(json, "refresh").is_empty(), "it is not refreshed");
    wrong(
        text(&json["time"], "to") != "now" || !text(&json["time"], "from").starts_with("now-"),
        "it does not show the last time",
    );
    for key in LEFT_BEHIND {
        wrong(
            json.get(key).is_some(),
            &format!("`{key}` is left behind by an export"),
        );
    }
    wrong(
        json.to_string().contains("DS_"),
        "a data source of an export, ${DS_…}",
    );
    found.extend(variables(json));
    found.extend(annotations(json));
    found.extend(links(json));
    found
}

fn variables(json: &Value) -> Vec<String> {
    let list = list(&json["templating"]["list"]);
    let names: Vec<&str> = list.iter().map(|variable| text(variable, "name")).collect();
    let mut found = Vec::new();
    if names.get(..3) != Some(&["datasource", "job", "instance"]) {
        found.push(format!(
            "the variables do not begin with datasource, job, instance: {names:?}"
        ));
    }
    for variable in list {
        // Every job would be too many: Prometheus' own has metrics of the same names.
        let all = (variable["name"] != "job").then_some(".*");
        let wanted = if variable["name"] == "datasource" {
            json!({ "type": "datasource", "query": "prometheus", "hide": 0 })
        } else {
            json!({
                "type": "query", "datasource": { "type": "prometheus", "uid": "${datasource}" },
                "multi": true, "includeAll": true, "allValue": all, "refresh": 2, "sort": 1, "hide": 0,
                "regex": "", "options": [],
            })
        };
        for (key, wanted) in wanted.as_object().unwrap() {
            if variable[key] != *wanted {
                found.push(format!(
                    "variable {}: {key} is {}, not {wanted}",
                    variable["name"], variable[key]
                ));
            }
        }
        if text(variable, "label").is_empty() || text(variable, "description").is_empty() {
            found.push(format!(
                "variable {}: no label or no description",
                variable["name"]
            ));
        }
    }
    found
}

fn annotations(json: &Value) -> Vec<String> {
    let list = list(&json["annotations"]["list"]);
    let names: Vec<&str> = list
        .iter()
        .map(|annotation| text(annotation, "name"))
        .collect();
    let mut found = Vec::new();
    if names != ANNOTATIONS {
        found.push(format!("the annotations are {names:?}"));
    }
    for annotation in list {
        let right = annotation["enable"] == true
            && annotation["datasource"]["uid"] == "${datasource}"
            && annotation["target"]["datasource"]["uid"] == "${datasource}"
            && annotation["expr"] == annotation["target"]["expr"]
            && !text(annotation, "titleFormat").is_empty();
        if !right {
            found.push(format!(
                "annotation {}: not enabled, without a title, or not of ${{datasource}}",
                annotation["name"]
            ));
        }
    }
    found
}

fn links(json: &Value) -> Vec<String> {
    let list = list(&json["links"]);
    let right = |link: &Value| {
        link["type"] == "dashboards"
            && link["tags"] == json!(["glasshouse"])
            && link["keepTime"] == true
            && link["includeVars"] == true
    };
    if list.is_empty() || !list.iter().all(right) {
        return vec!["no links to the other dashboards that keep time and variables".to_owned()];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::assert_noticed;

    #[test]
    fn each_fault_is_noticed() {
        let faults: [(&str, &str, Value); 24] = [
            ("/uid", "the uid is glasshouse-…", json!("overview")),
            (
                "/uid",
                "have the uid `glasshouse-errors`",
                json!("glasshouse-errors"),
            ),
            ("/uid", "not called after the uid", json!("glasshouse-all")),
            ("/id", "the id is not null", json!(7)),
            ("/title", "no title", json!("")),
            (
                "/title",
                "have the title `Glasshouse errors`",
                json!("Glasshouse errors"),
            ),
            (
                "/description",
                "which question it answers",
                json!("Everything."),
            ),
            ("/editable", "editable, although", json!(true)),
            ("/schemaVersion", "schemaVersion is not", json!(38)),
            ("/tags", "not tagged glasshouse", json!(["mine"])),
            ("/graphTooltip", "the crosshair", json!(0)),
            ("/refresh", "it is not refreshed", json!("")),
            ("/time/to", "the last time", json!("2026-01-01T00:00:00Z")),
            (
                "/timezone",
                "a data source of an export",
                json!("${DS_PROMETHEUS}"),
            ),
            (
                "/templating/list/1/name",
                "do not begin with datasource, job",
                json!("tasks"),
            ),
            (
                "/templating/list/1/allValue",
                "allValue is \".*\"",
                json!(".*"),
            ),
            ("/templating/list/2/refresh", "refresh is 0", json!(0)),
            (
                "/templating/list/2/datasource/uid",
                "datasource is",
                json!("abc123"),
            ),
            (
                "/templating/list/0/query",
                "query is \"loki\"",
                json!("loki"),
            ),
            (
                "/templating/list/2/label",
                "no label or no description",
                json!(""),
            ),
            (
                "/annotations/list/0/name",
                "the annotations are",
                json!("Starts"),
            ),
            (
                "/annotations/list/0/enable",
                "annotation \"Restarts\": not enabled",
                json!(false),
            ),
            (
                "/annotations/list/2/target/datasource/uid",
                "not of ${datasource}",
                json!("prometheus"),
            ),
            (
                "/links/0/keepTime",
                "no links to the other dashboards",
                json!(false),
            ),
        ];
        for (place, expected, value) in faults {
            assert_noticed(expected, |json| *json.pointer_mut(place).unwrap() = value);
        }
        assert_noticed("`version` is left behind", |json| {
            json["version"] = json!(3);
        });
        assert_noticed("`__inputs` is left behind", |json| {
            json["__inputs"] = json!([]);
        });
    }
}
