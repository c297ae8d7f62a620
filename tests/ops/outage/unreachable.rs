//! The database is not there when the service starts: it waits, says so, and is ready as soon as it can be.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::probes::check;
use crate::support::app::{Listener, address_in};
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::postgres::PrivateCluster;
use crate::support::process::{Program, Started};

const SOON: Duration = Duration::from_secs(20);

async fn address(program: &Started, message: &str, listener: Listener) -> Client {
    let line = program.logged(message).await;
    Client::new(address_in(&line, listener).expect("an address"))
}

#[actix_web::test]
async fn a_database_that_is_not_there_at_the_start_is_waited_for_postgres() {
    let mut cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    cluster.stop();
    let program = Program::on(&database).spawn();
    let admin = address(&program, "admin listener started", Listener::Admin).await;
    let told = eventually("the reason", SOON, async || {
        let answer = admin.get("/health/ready").send().await.expect(503);
        let body = answer.json();
        let check = check(&body, "migrations").expect("a check").clone();
        (check["reason"] == "unreachable").then_some(()).ok_or(body)
    });
    told.await;
    let lasts = |body: &Value| {
        let check = check(body, "migrations").expect("a check");
        check["for_seconds"].as_f64().expect("a number")
    };
    eventually("the time to be told", SOON, async || {
        let body = admin.get("/health/ready").send().await.expect(503).json();
        admin.get("/health/live").send().await.expect(200);
        lasts(&body) > 0.2
    })
    .await;
    let metrics = admin.metrics().await;
    assert!(metrics.value("ready", &[]) < 0.5);
    assert!(metrics.value("health_check_up", &[("check", "migrations")]) < 0.5);

    cluster.start_again().await;
    let repaired = Instant::now();
    let public = address(&program, "service started", Listener::Public).await;
    for client in [&public, &admin] {
        crate::probes::ready(client).await;
    }
    let after = repaired.elapsed();
    println!("unreachable at the start: ready {after:.2?} after the database");
    assert!(after < Duration::from_secs(7), "ready after {after:?}");
    public.get("/api/v1/products").send().await.expect(200);
    assert!(admin.metrics().await.value("ready", &[]) > 0.5);
}
