//! Which alerts keep others back, asked of a running Alertmanager: amtool cannot tell. Each scene has a job of its own, because
//! every inhibition asks for the same job.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::repository::at;
use crate::support::client::Client;
use crate::support::eventually::eventually;

use super::{ALERTMANAGER, alerts};

/// Longest wait for it to start and to answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Alertmanager with our configuration, on a port of its choice. It ends with its value.
struct Alertmanager {
    child: Child,
    client: Client,
}

impl Alertmanager {
    async fn start(folder: &Path) -> Self {
        let log = folder.join("log");
        let output = File::create(&log).unwrap();
        // Debian's name first: there, `alertmanager` alone is nobody's.
        let program = ["prometheus-alertmanager", "alertmanager"]
            .into_iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok())
            .expect("Alertmanager is installed: `make setup`");
        let child = Command::new(program)
            .arg(format!("--config.file={}", at(ALERTMANAGER).display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ])
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut this = Self {
            child,
            client: Client::new(SocketAddr::from(([127, 0, 0, 1], 0))),
        };
        let listening = async || {
            let said = std::fs::read_to_string(&log).unwrap();
            listens_on(&said).ok_or(said)
        };
        let address = eventually("Alertmanager to listen", PATIENCE, listening).await;
        this.client = Client::new(address);
        this
    }

    /// Every alert that it has, by scene and name and instance, and whether it is kept back.
    async fn alerts(&self) -> BTreeMap<String, bool> {
        let answer = self
            .client
            .get("/api/v2/alerts")
            .send()
            .await
            .expect(200)
            .json();
        let alerts = answer.as_array().expect("a list").iter();
        alerts
            .map(|alert| {
                let kept_back = alert["status"]["inhibitedBy"].as_array().expect("a list");
                (key(&alert["labels"]), !kept_back.is_empty())
            })
            .collect()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _code = self.child.wait();
    }
}

/// The address in its log: `msg="Listening on" address=127.0.0.1:41234`.
fn listens_on(said: &str) -> Option<SocketAddr> {
    let line = said.lines().find(|line| line.contains("Listening on"))?;
    let address = line.split("address=").nth(1)?;
    address
        .split_whitespace()
        .next()?
        .trim_matches('"')
        .parse()
        .ok()
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
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = Alertmanager::start(folder.path()).await;
    let body: Vec<_> = scenes
        .iter()
        .map(|(job, name, instance, _)| sent(job, name, instance))
        .collect();
    let call = alertmanager
        .client
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
        let seen = alertmanager.alerts().await;
        if seen == expected { Ok(()) } else { Err(seen) }
    };
    eventually(
        "Alertmanager to keep back what it should",
        PATIENCE,
        as_expected,
    )
    .await;
}
