//! Nothing that is secret or personal gets out: canaries are put through every input of the real program while it logs at
//! TRACE, its dependencies included, and then looked for in everything that it says to anybody but their owner.

mod inputs;
mod starts;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use self::inputs::Inputs;
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::on_both;
use crate::support::process::{Process, Program};

/// One canary, by where it is put. No sign in it is ever written in another way.
pub(crate) fn canary(place: &str) -> String {
    format!("canary-{place}-7h1ngsn0b0dysees")
}

/// What all canaries have in common.
const SONG: &str = "7h1ngsn0b0dysees";

/// Secrets that were not made here, and so do not sing: tokens, the password of the database.
#[derive(Debug, Default)]
pub(crate) struct Further(BTreeSet<String>);

impl Further {
    pub(crate) fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 16, "too short to be looked for: {secret}");
        self.0.insert(secret.to_owned());
        // A JWT that was cut in pieces is still one: header and payload are known, the signature is the secret part.
        if let Some((_, signature)) = secret.rsplit_once('.') {
            self.0.insert(signature.to_owned());
        }
    }
}

/// Where in this text there is one of them.
fn leaks(what: &str, text: &str, further: &Further) -> Vec<String> {
    let is_leak = |line: &&str| {
        line.contains(SONG)
            || further
                .0
                .iter()
                .any(|secret| line.contains(secret.as_str()))
    };
    let lines = text.lines().filter(is_leak);
    lines
        .map(|line| format!("{what}: {}", line.chars().take(1_500).collect::<String>()))
        .collect()
}

#[track_caller]
fn assert_none(mut found: Vec<String>) {
    let number = found.len();
    found.truncate(20);
    assert!(
        found.is_empty(),
        "{number} leaks:\n  {}",
        found.join("\n  ")
    );
}

/// Everything that can be read on the admin listener and the probes.
async fn readable(process: &Process, admin_token: &str) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let (admin, public) = (process.admin(), process.public());
    let paths = [
        "/",
        "/metrics",
        "/config",
        "/log",
        "/health",
        "/health/live",
        "/health/ready",
        "/nowhere",
    ];
    for path in paths {
        let asked = async |client: &Client| {
            let answer = client.get(path).bearer(admin_token).send().await;
            format!("{:?}\n{}", answer.headers, answer.text())
        };
        texts.push((format!("admin {path}"), asked(&admin).await));
        texts.push((format!("public {path}"), asked(&public).await));
    }
    texts
}

on_both!(no_canary_is_heard_at_trace);
async fn no_canary_is_heard_at_trace(database: Arc<TestDatabase>) {
    let mut further = Further::default();
    if let Some((password, _)) = database
        .url()
        .split_once("glasshouse:")
        .and_then(|(_, rest)| rest.split_once('@'))
    {
        further.add(password);
    }
    let admin_token = canary("admin-token");
    let process = Program::on(&database)
        .env("RUST_LOG", "trace")
        .env(
            "GLASSHOUSE_AUTH__JWT_SECRET",
            &canary("jwt-secret-of-32-bytes"),
        )
        .env(
            "GLASSHOUSE_AUTH__JWT_SECRET_PREVIOUS",
            &canary("former-jwt-secret-of-32-bytes"),
        )
        .env("GLASSHOUSE_ADMIN__TOKEN", &admin_token)
        .env("GLASSHOUSE_SERVER__CORS_ORIGINS", "https://shop.example")
        .serve()
        .await;
    let mut inputs = Inputs::new(&process, &database, further);
    inputs.accounts().await;
    inputs.catalog_and_orders().await;
    inputs.headers_and_paths().await;
    inputs.bad_http().await;
    inputs.admin(&admin_token).await;
    inputs.failing_database().await;
    let (further, answers) = inputs.into_parts();

    let mut found: Vec<_> = answers
        .iter()
        .flat_map(|(what, text)| leaks(what, text, &further))
        .collect();
    for (what, text) in readable(&process, &admin_token).await {
        found.extend(leaks(&what, &text, &further));
    }
    let metrics = process.admin().metrics().await;
    let lost = metrics.value("log_lines_dropped_total", &[]);
    assert!(lost < 0.5, "{lost} lines could not be looked at");
    process.signal("TERM");
    let mut process = process;
    let finished = process.wait_exit(std::time::Duration::from_secs(20)).await;
    found.extend(leaks("stdout", &finished.stdout, &further));
    found.extend(leaks("stderr", &finished.stderr, &further));
    assert_none(found);

    // It was not silent: what could have sung was there.
    let lines: Vec<Value> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let levels: BTreeSet<_> = lines
        .iter()
        .filter_map(|line| line["level"].as_str())
        .collect();
    assert_eq!(
        levels,
        BTreeSet::from(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"])
    );
    let of_actix = lines.iter().filter(|line| {
        line["target"]
            .as_str()
            .is_some_and(|target| target.starts_with("actix_http"))
    });
    assert!(of_actix.count() > 100, "the dependencies were silent");
}
