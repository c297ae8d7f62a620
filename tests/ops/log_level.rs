//! `PUT /log` on the real program: the level changes while it runs, comes back by itself, and leaves a trace of both.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::{assert_fields, assert_problem};
use crate::support::process::{Process, Program};

const SOON: Duration = Duration::from_secs(20);

async fn filter(admin: &Client) -> Value {
    admin.get("/log").send().await.expect(200).json()
}

/// Whether a probe of this id left a line, once a later request has left one.
async fn a_probe_is_told(process: &Process, number: u32) -> bool {
    let client = process.public();
    let (probe, mark) = (format!("probe-{number}"), format!("mark-{number}"));
    let live = client.get("/health/live").header("x-request-id", &probe);
    live.send().await.expect(200);
    let later = client.get("/").header("x-request-id", &mark);
    later.send().await.expect(200);
    eventually("the later line", SOON, async || {
        let log = process.log();
        let told = |id: &str| log.iter().any(|line| line["request_id"] == id);
        told(&mark).then(|| told(&probe))
    })
    .await
}

fn audit(process: &Process, message: &str) -> Vec<Value> {
    let log = process.log().into_iter();
    log.filter(|line| line["target"] == "glasshouse::audit" && line["message"] == message)
        .collect()
}

#[actix_web::test]
async fn a_change_for_a_while_takes_effect_reverts_and_is_audited() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let admin = process.admin();
    assert!(!a_probe_is_told(&process, 1).await);

    let change = json!({"filter": "info,glasshouse::access=debug", "for": "1500ms"});
    let answer = admin.put("/log").json(&change).send().await.expect(200);
    assert_eq!(answer.json()["reverts_in_seconds"], 2);
    assert!(a_probe_is_told(&process, 2).await);
    eventually("the filter to come back", SOON, async || {
        filter(&admin).await["filter"] == "info"
    })
    .await;
    assert_eq!(
        filter(&admin).await,
        json!({"filter": "info", "configured": "info", "reverts_in_seconds": null})
    );
    assert!(!a_probe_is_told(&process, 3).await);

    let changed = audit(&process, "log filter changed");
    assert_eq!(changed.len(), 1, "{changed:#?}");
    assert_eq!(changed[0]["level"], "INFO");
    assert_eq!(changed[0]["log.filter.old"], "info");
    assert_eq!(
        changed[0]["log.filter.new"],
        "info,glasshouse::access=debug"
    );
    assert_eq!(changed[0]["log.filter.for_seconds"], json!(1.5));
    let reverted = audit(&process, "log filter reverted");
    assert_eq!(reverted.len(), 1, "{reverted:#?}");
    assert_eq!(reverted[0]["log.filter.new"], "info");
    // And who asked for it.
    let asked = audit(&process, "admin request completed");
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert_eq!(asked[0]["http.route"], "/log");
    assert_eq!(asked[0]["client.address"], "127.0.0.1");
}

#[actix_web::test]
async fn who_silences_the_log_still_leaves_a_trace() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let (client, admin) = (process.public(), process.admin());
    let off = json!({"filter": "off", "for": "500ms"});
    admin.put("/log").json(&off).send().await.expect(200);
    let silenced = client.get("/").header("x-request-id", "silenced");
    silenced.send().await.expect(200);
    eventually("the filter to come back", SOON, async || {
        !audit(&process, "log filter reverted").is_empty()
    })
    .await;
    assert_eq!(audit(&process, "log filter changed").len(), 1);
    let log = process.log();
    assert!(log.iter().all(|line| line["request_id"] != "silenced"));
}

#[actix_web::test]
async fn a_later_change_takes_the_place_of_a_pending_return() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let admin = process.admin();
    for change in [
        json!({"filter": "debug", "for": "300ms"}),
        json!({"filter": "warn"}),
    ] {
        admin.put("/log").json(&change).send().await.expect(200);
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let now = filter(&admin).await;
    assert_eq!(now["filter"], "warn");
    // Ten minutes, unless it says when.
    let left = now["reverts_in_seconds"].as_u64().unwrap();
    assert!((590..=600).contains(&left), "{left}");
    assert!(audit(&process, "log filter reverted").is_empty());

    let wrong = admin.put("/log").json(&json!({"filter": "wran"}));
    let problem = assert_problem(&wrong.send().await, 422, "invalid_body");
    assert_fields(&problem, &["filter"]);
    assert_eq!(filter(&admin).await["filter"], "warn");
    assert_eq!(audit(&process, "log filter changed").len(), 2);
}
