//! Ids and places: Grafana shows panels that overlap over each other, and links lead to ids.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::Dashboard;
use super::super::model::{list, text};

const COLUMNS: u64 = 24;

/// A rectangle of the grid.
#[derive(Debug, Clone, Copy)]
struct Area {
    x: u64,
    y: u64,
    w: u64,
    h: u64,
}

impl Area {
    fn of(panel: &Value) -> Option<Self> {
        let number = |key: &str| panel["gridPos"][key].as_u64();
        Some(Self {
            x: number("x")?,
            y: number("y")?,
            w: number("w")?,
            h: number("h")?,
        })
    }

    fn overlaps(self, other: Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
}

pub(super) fn check(dashboard: &Dashboard) -> Vec<String> {
    let mut found = Vec::new();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    let mut areas: Vec<(String, Area)> = Vec::new();
    let mut row = "";
    for panel in list(&dashboard.json["panels"]) {
        let title = text(panel, "title");
        match panel["id"].as_u64() {
            Some(id) if id > 0 && ids.insert(id) => {}
            _ => found.push(format!(
                "{title}: the id {} is none or used twice",
                panel["id"]
            )),
        }
        let inside = if panel["type"] == "row" {
            row = title;
            ""
        } else {
            row
        };
        if title.is_empty() || !titles.insert((inside, title)) {
            found.push(format!(
                "{row} / {title}: no title, or one that is used twice in its row"
            ));
        }
        let Some(area) = Area::of(panel) else {
            found.push(format!("{title}: no place on the grid"));
            continue;
        };
        if area.w == 0 || area.h == 0 || area.x + area.w > COLUMNS {
            found.push(format!("{title}: outside of {COLUMNS} columns"));
        }
        for (other, taken) in &areas {
            if area.overlaps(*taken) {
                found.push(format!("{title} overlaps {other}"));
            }
        }
        areas.push((title.to_owned(), area));
    }
    if list(&dashboard.json["panels"])
        .first()
        .is_none_or(|first| first["type"] != "row")
    {
        found.push("it does not begin with a row".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::assert_noticed;

    #[test]
    fn each_fault_is_noticed() {
        let faults: [(&str, &str, Value); 9] = [
            (
                "/panels/1/id",
                "the id 102 is none or used twice",
                json!(102),
            ),
            ("/panels/1/id", "the id null is none", Value::Null),
            ("/panels/1/title", "used twice in its row", json!("Errors")),
            ("/panels/1/title", "no title", json!("")),
            (
                "/panels/1/gridPos",
                "no place on the grid",
                json!({ "x": 0, "y": 0 }),
            ),
            ("/panels/1/gridPos/x", "outside of 24 columns", json!(22)),
            ("/panels/1/gridPos/h", "outside of 24 columns", json!(0)),
            ("/panels/1/gridPos/h", "overlaps Requests", json!(6)),
            (
                "/panels/0/type",
                "it does not begin with a row",
                json!("text"),
            ),
        ];
        for (place, expected, value) in faults {
            assert_noticed(expected, |json| *json.pointer_mut(place).unwrap() = value);
        }
    }
}
