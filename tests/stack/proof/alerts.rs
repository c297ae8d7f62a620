//! Rules as Prometheus evaluates them, and alerts as they arrive at Alertmanager.

use std::time::Duration;

use serde_json::Value;

use crate::support::eventually::eventually;

use super::stack::{INSTANCE, SOON, Stack};

/// Longest wait for a rule that is evaluated every 30 seconds, and rests on one that is as slow.
const A_LONG_RULE: Duration = Duration::from_secs(75);

/// Nothing is wrong yet: nobody is told of anything but that alerting works.
pub(super) async fn only_the_watchdog(stack: &Stack) {
    arrives(stack, "Watchdog", "dead-man").await;
    let alerts = stack.alertmanager.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
}

/// Somebody gets up for the starved pool, and is told which it is.
pub(super) async fn about_the_pool(stack: &Stack) {
    let alert = arrives(stack, "DbPoolTimeouts", "pager").await;
    let labels = &alert["labels"];
    assert_eq!(labels["job"], "glasshouse", "{alert:#}");
    assert_eq!(labels["instance"], INSTANCE, "{alert:#}");
    assert_eq!(labels["pool"], "primary", "{alert:#}");
    assert_eq!(labels["severity"], "page", "{alert:#}");
    let summary = alert["annotations"]["summary"].as_str().unwrap_or_default();
    assert!(
        summary.contains("% of the checkouts from pool primary of app:9464 give up"),
        "{alert:#}"
    );
}

/// Waits for an alert of this name at Alertmanager, for this receiver.
async fn arrives(stack: &Stack, name: &str, receiver: &str) -> Value {
    eventually(&format!("{name} for {receiver}"), SOON, async || {
        let alerts = stack.alertmanager.alerts().await;
        let mut found = alerts
            .iter()
            .filter(|alert| alert["labels"]["alertname"] == name);
        let found = found.find(|alert| {
            alert["status"]["state"] == "active" && alert["receivers"][0]["name"] == receiver
        });
        found.cloned().ok_or(alerts)
    })
    .await
}

/// Waits until every rule was evaluated, without an error, and every one that records has recorded something.
pub(super) async fn every_rule_says_something(stack: &Stack) {
    eventually("every rule to say something", A_LONG_RULE, async || {
        let rules = rules(stack).await;
        let mut faults = Vec::new();
        for rule in &rules {
            let name = rule["name"].as_str().expect("a name");
            if rule["health"] != "ok" {
                faults.push(format!(
                    "{name} is {}: {}",
                    rule["health"], rule["lastError"]
                ));
            } else if rule["type"] == "recording" {
                let series = stack.number(&format!("count({name})")).await;
                faults.extend(series.is_none().then(|| format!("{name} has no series")));
            }
        }
        if rules.len() != crate::rules::count() {
            faults.push(format!("{} rules were read", rules.len()));
        }
        faults.is_empty().then_some(()).ok_or(faults)
    })
    .await;
}

async fn rules(stack: &Stack) -> Vec<Value> {
    let answer = stack
        .prometheus
        .client()
        .get("/api/v1/rules")
        .send()
        .await
        .expect(200);
    let json = answer.json();
    let groups = json["data"]["groups"].as_array().expect("groups");
    let of = |group: &Value| group["rules"].as_array().cloned().unwrap_or_default();
    groups.iter().flat_map(of).collect()
}
