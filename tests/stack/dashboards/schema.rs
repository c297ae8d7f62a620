//! The form of the files: `grafana/dashboard.schema.json` says what of Grafana's dashboard model is used and how. A key
//! that it does not know is a fault, because Grafana drops it in silence.

use std::fs;

use jsonschema::Validator;
use serde_json::Value;

use super::{Dashboard, root};

fn schema() -> Value {
    let text = fs::read_to_string(root().join("grafana/dashboard.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn faults(schema: &Validator, dashboard: &Value) -> Vec<String> {
    schema
        .iter_errors(dashboard)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::meta::is_valid(&schema()));
}

#[test]
fn every_dashboard_has_the_form() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for dashboard in Dashboard::all() {
        let found = faults(&schema, &dashboard.json);
        assert!(found.is_empty(), "{}: {found:#?}", dashboard.file);
    }
}

#[test]
fn each_fault_is_noticed() {
    use serde_json::json;

    let schema = jsonschema::validator_for(&schema()).unwrap();
    let all = Dashboard::all();
    let of = |uid: &str| {
        all.iter()
            .find(|dashboard| dashboard.uid() == uid)
            .unwrap()
            .json
            .clone()
    };
    let overview = of("glasshouse-overview");
    let changes: [(&str, &str, Value); 24] = [
        ("", "surprise", json!(1)),
        ("", "uid", json!("x".repeat(41))),
        ("", "schemaVersion", json!("39")),
        ("", "graphTooltip", json!(3)),
        ("", "refresh", json!(false)),
        ("/time", "until", json!("now")),
        ("/links/0", "type", json!("folder")),
        ("/templating/list/1", "type", json!("choice")),
        ("/templating/list/1", "hide", json!(true)),
        ("/templating/list/1/current", "value", json!(1)),
        ("/annotations/list/0", "showIn", json!(0)),
        ("/annotations/list/0/target", "expr", json!(["up"])),
        ("/panels/0", "collapsed", json!("no")),
        ("/panels/1", "type", json!("singlestat")),
        ("/panels/1", "nullPointMode", json!("connected")),
        ("/panels/1/gridPos", "w", json!(25)),
        ("/panels/1/gridPos", "y", json!(-1)),
        ("/panels/1/targets/0", "format", json!("json")),
        ("/panels/1/fieldConfig/defaults", "decimals", json!("2")),
        (
            "/panels/1/fieldConfig/defaults/thresholds",
            "mode",
            json!("relative"),
        ),
        (
            "/panels/1/fieldConfig/defaults/color",
            "mode",
            json!("rainbow"),
        ),
        ("/panels/1/options", "graphMode", json!("bars")),
        ("/panels/1/options/reduceOptions", "calcs", json!("last")),
        // Options of another kind of panel.
        (
            "/panels/1",
            "options",
            of("glasshouse-latency")
                .pointer("/panels/7/options")
                .unwrap()
                .clone(),
        ),
    ];
    for (place, key, value) in changes {
        let mut broken = overview.clone();
        broken.pointer_mut(place).unwrap()[key] = value;
        assert_ne!(faults(&schema, &broken), [""; 0], "{place}/{key}");
    }
    for (place, key) in [
        ("", "panels"),
        ("/panels/1", "id"),
        ("/panels/1/targets/0", "refId"),
        ("/panels/1", "gridPos"),
    ] {
        let mut broken = overview.clone();
        broken
            .pointer_mut(place)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(key)
            .unwrap();
        assert_ne!(faults(&schema, &broken), [""; 0], "{place} without {key}");
    }
}
