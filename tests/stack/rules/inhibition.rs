//! Which alerts keep others back, asked of a running Alertmanager: amtool cannot tell. Each scene has a job of its own, because
//! every inhibition asks for the same job.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::alertmanager::Alertmanager;
use crate::support::eventually::eventually;

use super::alerts;

/// Longest wait for it to think about them, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every alert that it has, by scene and name and instance, and whether it is kept back.
async fn kept_back(alertmanager: &Alertmanager) -> BTreeMap<String, bool> {
    let alerts = alertmanager.alerts().await;
    let seen = alerts.iter().map(|alert| {
        let by = alert["status"]["inhibitedBy"].as_array().expect("a list");
        (key(&alert["labels"]), !by.is_empty())
    });
    seen.collect()
}

fn key(labels: &Value) -> String {
    let label = |name: &str| labels[name].as_str().unwrap_or("-").to_owned();
    [label("job"), label("alertname"), label("instance")].join(" ")
}

/// An alert as Prometheus sends it. What has `BudgetBurn` in its name has an objective and no instance.
fn sent(job: &str, name: &str, instance: &str) -> Value {
    let alerts = alerts();
    let rule = alerts.iter().find(|alert| alert.name() == name);
    let rule = rule.unwrap_or_else(|| panic!("there is no alert {name}"));
    let mut labels = json!({"alertname": name, "severity": rule.labels["severity"]});
    if !job.is_empty() {
        labels["job"] = json!(job);
    }
    if !instance.is_empty() {
        labels["instance"] = json!(instance);
    }
    if let Some((slo, _)) = name.split_once("BudgetBurn") {
        labels["slo"] = json!(slo.to_lowercase());
    }
    json!({ "labels": labels })
}

#[tokio::test]
async fn what_follows_from_another_alert_is_kept_back_and_nothing_else() {
    // Scene, alert, instance, whether it is kept back.
    let scenes = [
        ("burning", "AvailabilityBudgetBurnFast", "", false),
        ("burning", "AvailabilityBudgetBurnSlow", "", true),
        ("burning", "AvailabilityBudgetBurnTrickle", "", true),
        ("burning", "LatencyBudgetBurnSlow", "", false),
        ("burning", "DbPoolQueueing", "one", false),
        // A page without an objective keeps no ticket back, although both lack the label.
        ("starving", "DbPoolTimeouts", "one", false),
        ("starving", "DbPoolQueueing", "one", false),
        ("gone", "JobAbsent", "", false),
        ("gone", "AvailabilityBudgetBurnFast", "", true),
        ("gone", "InstanceDown", "one", true),
        ("gone", "NotReady", "one", true),
        ("gone", "LogLinesDropped", "one", true),
        ("halved", "InstanceDown", "one", false),
        ("halved", "NotReady", "one", true),
        ("halved", "CrashLoop", "one", true),
        ("halved", "DbPoolTimeouts", "two", false),
        ("halved", "DbPoolQueueing", "two", false),
        ("halved", "RateLimitRejecting", "", true),
        ("halved", "AvailabilityBudgetBurnFast", "", false),
        ("well", "NotReady", "one", false),
        ("well", "HandlerPanics", "one", false),
        ("", "Watchdog", "", false),
    ];
    let alertmanager = Alertmanager::start().await;
    let body: Vec<_> = scenes
        .iter()
        .map(|(job, name, instance, _)| sent(job, name, instance))
        .collect();
    let call = alertmanager
        .client()
        .post("/api/v2/alerts")
        .json(&json!(body));
    call.send().await.expect(200);

    let expected: BTreeMap<_, _> = body
        .iter()
        .zip(&scenes)
        .map(|(alert, (_, _, _, kept_back))| (key(&alert["labels"]), *kept_back))
        .collect();
    assert_eq!(expected.len(), scenes.len());
    let as_expected = async || {
        let seen = kept_back(&alertmanager).await;
        if seen == expected { Ok(()) } else { Err(seen) }
    };
    eventually(
        "Alertmanager to keep back what it should",
        PATIENCE,
        as_expected,
    )
    .await;
}
