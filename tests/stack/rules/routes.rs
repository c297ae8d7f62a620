//! Who is told of an alert, asked of amtool for every alert there is; and that prometheus.yml sends them there.

use serde_norway::Value;

use crate::repository::{none, read, run, yaml};

use super::{ALERTMANAGER, Rule, alerts};

/// The severities that alerts have, and who is told.
const RECEIVERS: [(&str, &str); 4] = [
    ("page", "pager"),
    ("ticket", "default"),
    ("info", "quiet"),
    ("none", "dead-man"),
];

/// The receiver of an alert with these labels.
fn receiver(labels: &[String]) -> String {
    let mut arguments = ["config", "routes", "test", "--config.file", ALERTMANAGER]
        .map(str::to_owned)
        .to_vec();
    arguments.extend_from_slice(labels);
    let said = run("amtool", &arguments).unwrap();
    // amtool may warn, before its answer.
    said.lines()
        .find(|line| !line.contains(' '))
        .unwrap()
        .to_owned()
}

fn labels(alert: &Rule) -> Vec<String> {
    let own = alert
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    own.chain([
        format!("alertname={}", alert.name()),
        "job=glasshouse".to_owned(),
        "instance=app:9464".to_owned(),
    ])
    .collect()
}

#[test]
fn every_alert_finds_the_receiver_of_its_severity() {
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for alert in alerts() {
        let severity = alert.labels["severity"].as_str();
        let told = receiver(&labels(&alert));
        let wanted = RECEIVERS.iter().find(|(known, _)| *known == severity);
        if wanted.is_none_or(|(_, wanted)| *wanted != told) {
            found.push(format!("{} ({severity}) is told to {told}", alert.name()));
        }
        seen.push(severity.to_owned());
    }
    none("alerts that go elsewhere", &found);
    for (severity, _) in RECEIVERS {
        assert!(seen.iter().any(|seen| seen == severity), "no {severity}");
    }
}

#[test]
fn a_severity_that_nobody_has_thought_of_is_read_on_working_days() {
    assert_eq!(receiver(&["severity=critical".to_owned()]), "default");
    assert_eq!(receiver(&["alertname=Anything".to_owned()]), "default");
}

#[test]
fn prometheus_scrapes_every_job_that_the_rules_ask_for_and_knows_its_alertmanager() {
    let config: Value = yaml("prometheus.yml", &read("prometheus.yml"));
    let alertmanager = &config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0];
    assert_eq!(alertmanager, "alertmanager:9093");
    let jobs = config["scrape_configs"].as_sequence().unwrap();
    let job = |name: &str| jobs.iter().find(|job| job["job_name"] == name);

    // All addresses of the name: replicas are found as well as one instance.
    let found = &job("glasshouse").expect("the service is scraped")["dns_sd_configs"][0];
    assert_eq!(found["names"][0], "app");
    assert_eq!(found["type"], "A");
    assert_eq!(found["port"], 9464);
    assert!(job("prometheus").is_some() && job("alertmanager").is_some());

    let mut asked = 0;
    for rule in super::rules() {
        for name in rule.expr.split("job=\"").skip(1) {
            let name = name.split('"').next().unwrap();
            assert!(job(name).is_some(), "{} asks for job {name}", rule.name());
            asked += 1;
        }
    }
    assert!(asked > 3, "{asked} rules name a job");
}
