//! `/metrics` as Prometheus meets it: whole from the start, of a bounded size whatever is sent, and there at once when
//! everything else is stuck.

mod families;
mod random;
mod stuck;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use self::families::{Labels, families};
use crate::support::client::PASSWORD;
use crate::support::database::Backend;
use crate::support::eventually::eventually;
use crate::support::metrics::Metrics;
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// The most series before anything was asked for. 20 routes with the statuses that each documents make a third of them,
/// the buckets of histograms with closed labels most of the rest; each kind of answer that is given then adds 17.
pub(crate) const MOST_AT_THE_START: usize = 2_000;

/// The series of one histogram: 14 buckets, `+Inf`, sum and count.
pub(crate) const SERIES_OF_A_HISTOGRAM: usize = 17;

/// Statuses that any route may answer with.
const ALWAYS: [&str; 3] = ["499", "500", "503"];

on_both!(promtool_is_silent_on_a_fresh_and_on_a_used_service);
async fn promtool_is_silent_on_a_fresh_and_on_a_used_service(app: TestApp) {
    assert_eq!(app.metrics().await.complaints(), "");
    let product = app.product("LAMP-1", 10).await;
    let account = app.register("buyer@example.com").await;
    app.place_order(&account, &product, 2).await.expect(201);
    app.place_order(&account, &product, 20).await.expect(409);
    let wrong = json!({"email": "buyer@example.com", "password": format!("not {PASSWORD}")});
    let log_in = app.post("/api/v1/sessions").json(&wrong);
    log_in.send().await.expect(401);
    app.call("BREW", "/\"coffee\"").send().await.expect(404);
    app.get("/docs").send().await.expect(200);
    let used = app.metrics().await;
    assert_eq!(used.complaints(), "", "in\n{}", used.text);
}

on_both!(every_closed_label_set_is_whole_at_the_start);
async fn every_closed_label_set_is_whole_at_the_start(app: TestApp) {
    let metrics = app.metrics().await;
    let documented = documented(&app).await;
    let routes: Vec<&str> = documented.keys().map(String::as_str).collect();
    let expected = families(app.database().backend(), &routes);
    for family in &expected {
        let found: BTreeMap<&Labels, f64> = metrics
            .all(family.name, &[])
            .map(|sample| (&sample.labels, sample.value))
            .collect();
        let wanted: BTreeSet<&Labels> = family.series.iter().collect();
        let there: BTreeSet<&Labels> = found.keys().copied().collect();
        assert_eq!(there, wanted, "{}", family.name);
        let moved: Vec<_> = found.iter().filter(|(_, value)| **value > 0.0).collect();
        assert!(
            !family.at_zero || moved.is_empty(),
            "{}: {moved:?}",
            family.name
        );
    }
    // A family that is not in the list is one that nobody has thought of.
    let known = |name: &&str| {
        ["http_requests_total", "build_info"].contains(name)
            || expected
                .iter()
                .any(|family| family.name.trim_end_matches("_count") == *name)
    };
    let names = metrics.names();
    let strange: Vec<_> = names.iter().filter(|name| !known(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    let total = metrics.series_count(None);
    assert!(total <= MOST_AT_THE_START, "{total} series");
}

/// The API reference: for each path its methods, and for each of those its statuses.
async fn documented(app: &TestApp) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let document = app.get("/openapi.json").send().await.expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let statuses = |operation: &Value| {
        let responses = operation["responses"].as_object().expect("responses");
        responses.keys().cloned().collect()
    };
    let methods = |item: &Value| {
        let methods = item.as_object().expect("methods").iter();
        let known = ["get", "post", "put", "patch", "delete"];
        methods
            .filter(|(method, _)| known.contains(&method.as_str()))
            .map(|(method, operation)| (method.to_uppercase(), statuses(operation)))
            .collect()
    };
    paths
        .iter()
        .map(|(path, item)| (path.clone(), methods(item)))
        .collect()
}

on_both!(every_documented_answer_is_counted_from_0);
async fn every_documented_answer_is_counted_from_0(app: TestApp) {
    let metrics = app.metrics().await;
    let counted = |method: &str, path: &str, status: &str| {
        let labels = [("method", method), ("path", path), ("status", status)];
        let value = metrics.value("http_requests_total", &labels);
        assert!(value.abs() < f64::EPSILON, "{labels:?} stands at {value}");
    };
    let mut answers = 0;
    for (path, methods) in documented(&app).await {
        for (method, statuses) in &methods {
            for status in statuses.iter().map(String::as_str).chain(ALWAYS) {
                counted(method, &path, status);
                if method == "GET" {
                    counted("HEAD", &path, status);
                }
                answers += 1;
            }
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "_OTHER"] {
            if !methods.contains_key(method) {
                counted(method, &path, "405");
            }
        }
    }
    assert!(
        answers > 150,
        "the reference has become short: {answers} answers"
    );
    for method in ["GET", "POST", "CONNECT", "_OTHER"] {
        for status in ["404", "429"].into_iter().chain(ALWAYS) {
            counted(method, "unmatched", status);
        }
    }
}

#[actix_web::test]
async fn the_histograms_have_the_buckets_that_alerts_and_panels_read() {
    const HTTP: &str = "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf";
    const WAIT: &str = "0.0001 0.0005 0.001 0.005 0.01 0.05 0.1 0.25 0.5 1 2.5 5 +Inf";
    const WORK: &str = "0.0005 0.001 0.005 0.01 0.05 0.1 0.5 1 5 10 +Inf";
    const LAG: &str = "0.001 0.005 0.01 0.05 0.1 0.5 1 +Inf";
    let app = TestApp::start(Backend::Sqlite, |_| {}).await;
    app.get("/health").send().await.expect(200);
    let metrics = app.metrics().await;
    for (name, labels, expected) in [
        (
            "http_requests_duration_seconds",
            vec![("method", "GET")],
            HTTP,
        ),
        (
            "order_creation_duration_seconds",
            vec![("outcome", "created")],
            HTTP,
        ),
        ("db_pool_wait_seconds", vec![("pool", "writer")], WAIT),
        ("db_pool_hold_seconds", vec![("pool", "writer")], WORK),
        ("db_pool_create_seconds", vec![("pool", "writer")], WORK),
        (
            "db_operation_duration_seconds",
            vec![("operation", "insert_order"), ("outcome", "ok")],
            WORK,
        ),
        (
            "health_check_duration_seconds",
            vec![("check", "database")],
            WORK,
        ),
        ("runtime_lag_seconds", vec![("runtime", "http")], LAG),
    ] {
        let name = format!("{name}_bucket");
        let edges: Vec<_> = metrics
            .all(&name, &labels)
            .map(|sample| sample.labels["le"].as_str())
            .collect();
        assert_eq!(edges.join(" "), expected, "{name}");
    }
    assert!(app.stop().await);
}

on_both!(the_build_is_told_by_labels);
async fn the_build_is_told_by_labels(app: TestApp) {
    let metrics = app.metrics().await;
    let builds: Vec<_> = metrics.all("build_info", &[]).collect();
    assert_eq!(builds.len(), 1);
    assert!((builds[0].value - 1.0).abs() < f64::EPSILON);
    let labels: BTreeMap<_, _> = builds[0]
        .labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let names: Vec<_> = labels.keys().copied().collect();
    assert_eq!(
        names,
        ["database", "profile", "revision", "rustc", "version"]
    );
    assert_eq!(labels["version"], env!("CARGO_PKG_VERSION"));
    let backend = match app.database().backend() {
        Backend::Sqlite => "sqlite",
        Backend::Postgres => "postgres",
    };
    assert_eq!(labels["database"], backend);
    assert!(labels["rustc"].starts_with("1."), "{labels:?}");
    assert!(!labels["revision"].is_empty() && !labels["profile"].is_empty());
}

#[actix_web::test]
async fn the_time_on_the_cpu_is_told_in_fractions_of_a_second() {
    let app = TestApp::start(Backend::Sqlite, |_| {}).await;
    let cpu = |metrics: &Metrics| metrics.value("process_cpu_seconds_total", &[]);
    let before = cpu(&app.metrics().await);
    let what = "the process to use the CPU for less than a second";
    let used = eventually(what, Duration::from_secs(20), async || {
        let used = cpu(&app.metrics().await) - before;
        (used > 0.005).then_some(used)
    });
    let used = used.await;
    assert!(used < 1.0, "{used} s at once");
    assert!(app.stop().await);
}
