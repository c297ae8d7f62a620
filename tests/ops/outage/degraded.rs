//! The database is there, but not all of it: read-only, locked by somebody else, or with connections that were ended behind
//! the service's back.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use futures_util::future::join_all;

use super::Scene;
use super::load::{Kind, LONGEST};
use crate::probes::check;
use crate::support::client::Client;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::postgres::PrivateCluster;

const SOON: Duration = Duration::from_secs(10);

#[actix_web::test]
async fn a_database_that_turns_read_only_is_read_on_postgres() {
    let cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let scene = Scene::set(&database, database.url()).await;
    let (public, admin) = (Client::new(scene.errand.public), &scene.admin);
    let load = scene.load().await;

    database.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    database.execute("SELECT pg_reload_conf()");
    let switched = Instant::now();
    for client in [&public, admin] {
        eventually("/health to say so", SOON, async || {
            let body = client.get("/health").send().await.expect(200).json();
            let database = check(&body, "database").expect("a check").clone();
            (body["status"] == "degraded"
                && database["status"] == "warn"
                && database["reason"] == "read_only")
                .then_some(())
                .ok_or(body)
        })
        .await;
        client.get("/health/ready").send().await.expect(200);
    }
    println!("read-only: told after {:.2?}", switched.elapsed());
    scene.watch(Duration::from_secs(2)).await;
    let refused = public
        .place_order(&scene.errand.account, &scene.errand.product, 1)
        .await;
    assert_problem(&refused, 503, "database_read_only");
    assert!(refused.header("retry-after").is_some());

    let repairing = Instant::now();
    database.execute("ALTER SYSTEM RESET default_transaction_read_only");
    database.execute("SELECT pg_reload_conf()");
    let repaired = Instant::now();
    eventually("/health to be well again", SOON, async || {
        let body = admin.get("/health").send().await.expect(200).json();
        (body["status"] == "ok").then_some(()).ok_or(body)
    })
    .await;
    println!("read-only: well after {:.2?}", repaired.elapsed());
    scene.watch(Duration::from_secs(2)).await;

    let record = load.stop().await;
    println!("{}", record.summary("read-only"));
    record.assert_honest();
    assert_eq!(record.unready_after(switched), None, "reads are served");
    assert_eq!(record.failed(Kind::Read, switched, Instant::now()), 0);
    let (first, last) = record.recovery(Kind::Write, repaired);
    println!("read-only: written again after {first:.2?}, last failure after {last:.2?}");
    assert!(first < Duration::from_secs(2) && last < Duration::from_secs(2));
    let settled = switched + Duration::from_secs(1);
    // What was asked before the repair may have been written after it: on a busy machine an answer takes a while.
    let written = record
        .of(Kind::Write)
        .filter(|seen| seen.asked >= settled && seen.answered < repairing && seen.is_good());
    assert_eq!(written.count(), 0, "written to what cannot be written to");
    scene.assert_whole(&database).await;
}

#[actix_web::test]
async fn a_file_that_another_process_locks() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let scene = Scene::set(&database, database.url()).await;
    let load = scene.load().await;

    let file = database.file().expect("it is SQLite");
    let mut other = SqliteConnection::establish(&file.display().to_string()).unwrap();
    other
        .batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE")
        .unwrap();
    let locked = Instant::now();
    scene.watch(Duration::from_secs(5)).await;
    other.batch_execute("ROLLBACK").unwrap();
    let repaired = Instant::now();
    scene.watch(Duration::from_secs(2)).await;

    let record = load.stop().await;
    println!("{}", record.summary("locked"));
    record.assert_honest();
    assert_eq!(record.failed(Kind::Read, locked, Instant::now()), 0);
    assert!(record.failed(Kind::Write, locked, repaired) > 0);
    assert_eq!(record.unready_after(locked), None, "reads are served");
    let (first, last) = record.recovery(Kind::Write, repaired);
    println!("locked: written again after {first:.2?}, last failure after {last:.2?}");
    assert!(first < Duration::from_secs(2) && last < LONGEST);
    scene.assert_whole(&database).await;
    assert_eq!(
        database.number(
            "SELECT count(*) AS number FROM pragma_integrity_check WHERE integrity_check = 'ok'"
        ),
        1
    );
}

#[actix_web::test]
async fn connections_that_were_ended_while_they_rested_are_not_noticed_by_readers_postgres() {
    let cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let scene = Scene::set(&database, database.url()).await;
    let public = Client::new(scene.errand.public);
    let path = format!("/api/v1/products/{}", scene.errand.product);
    let read = async || public.get(&path).send().await.status;
    let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'glasshouse' AND state = 'idle'";
    for burst in [1, 6, 12, 24] {
        // As many connections as a burst opens, all at rest.
        join_all((0..24).map(|_| read())).await;
        database.execute(end_all);
        let statuses = join_all((0..burst).map(|_| read())).await;
        assert!(
            statuses.iter().all(|status| *status == 200),
            "{burst} at once: {statuses:?}"
        );
    }
    let metrics = scene.admin.metrics().await;
    let broken = metrics.sum("db_pool_connections_closed_total", &[("reason", "broken")]);
    assert!(broken > 3.5, "{broken} were found to be dead");
    scene.readiness(200, SOON).await;
    scene.assert_whole(&database).await;
}
