//! The same colour for the same thing: a legend that has a colour has the same one on every graph, and those that
//! everybody knows have one.

use std::collections::BTreeMap;

use super::super::Dashboard;
use super::super::model::{list, text};

/// Legends that never stand without a colour of their own.
const FAMILIAR: [&str; 13] = [
    "2xx", "3xx", "4xx", "499", "5xx", "p50", "p95", "p99", "used", "idle", "most", "client",
    "server",
];

pub(super) fn check(all: &[Dashboard]) -> Vec<String> {
    let mut found = Vec::new();
    let mut known: BTreeMap<String, (String, String)> = BTreeMap::new();
    for dashboard in all {
        for panel in dashboard.panels() {
            if panel.json["type"] != "timeseries" {
                continue;
            }
            let place = format!("{}: {}", dashboard.file, panel.place());
            let colours = colours(panel.json);
            for (name, colour) in &colours {
                let (first, there) = known
                    .entry(name.clone())
                    .or_insert((colour.clone(), place.clone()));
                if first != colour {
                    found.push(format!(
                        "{place}: `{name}` is {colour}, but {first} in {there}"
                    ));
                }
            }
            for target in list(&panel.json["targets"]) {
                let legend = text(target, "legendFormat");
                if FAMILIAR.contains(&legend) && !colours.contains_key(legend) {
                    found.push(format!("{place}: `{legend}` has no colour of its own"));
                }
            }
            if panel.json["fieldConfig"]["defaults"]["color"]["mode"] != "palette-classic-by-name" {
                found.push(format!(
                    "{place}: other series are not coloured by their names"
                ));
            }
        }
    }
    found
}

/// The colours that a panel gives to names.
fn colours(panel: &serde_json::Value) -> BTreeMap<String, String> {
    let overrides = list(&panel["fieldConfig"]["overrides"]);
    let by_name = overrides
        .iter()
        .filter(|one| one["matcher"]["id"] == "byName");
    by_name
        .flat_map(|one| {
            let colours = list(&one["properties"])
                .iter()
                .filter(|property| property["id"] == "color");
            colours.map(|property| {
                (
                    text(&one["matcher"], "options").to_owned(),
                    text(&property["value"], "fixedColor").to_owned(),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::assert_noticed;

    /// The graph of that title.
    fn graph<'a>(json: &'a mut Value, title: &str) -> &'a mut Value {
        let panels = json["panels"].as_array_mut().unwrap();
        panels
            .iter_mut()
            .find(|panel| panel["title"] == title)
            .unwrap()
    }

    #[test]
    fn each_fault_is_noticed() {
        assert_noticed("`p99` is dark-blue, but green", |json| {
            let overrides = &mut graph(json, "Latency")["fieldConfig"]["overrides"];
            overrides[0]["properties"][0]["value"]["fixedColor"] = json!("green");
        });
        assert_noticed("`p99` has no colour of its own", |json| {
            graph(json, "Latency")["fieldConfig"]["overrides"] = json!([]);
        });
        assert_noticed("not coloured by their names", |json| {
            graph(json, "Orders")["fieldConfig"]["defaults"]["color"]["mode"] =
                json!("palette-classic");
        });
    }
}
