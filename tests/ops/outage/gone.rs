//! PostgreSQL is there and then not: stopped in its tracks, killed, shut down for a while, cut off by the network.

use std::time::{Duration, Instant};

use super::load::{Kind, Record};
use super::{Scene, assert_came_through, target};
use crate::support::database::TestDatabase;
use crate::support::postgres::PrivateCluster;
use crate::support::proxy::{Mode, Proxy};

/// Longer than the five seconds within which readiness follows.
const OUTAGE: Duration = Duration::from_millis(6_500);

/// After the repair: long enough to see that it lasts.
const AFTERWARDS: Duration = Duration::from_secs(4);

#[actix_web::test]
async fn a_database_that_is_stopped_in_its_tracks_postgres() {
    let cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let scene = Scene::set(&database, database.url()).await;
    let load = scene.load().await;

    let blip = Instant::now();
    cluster.pause();
    scene.watch(Duration::from_secs(2)).await;
    cluster.resume();
    scene.watch(Duration::from_secs(3)).await;

    let down = Instant::now();
    cluster.pause();
    let most = scene.watch(OUTAGE).await;
    cluster.resume();
    let repaired = Instant::now();
    scene.watch(AFTERWARDS).await;

    let record = load.stop().await;
    let flip = record.unready_after(blip);
    assert!(
        flip.is_none_or(|flip| flip >= down),
        "a blip made it unready"
    );
    let noticed = record.failed(Kind::Read, blip, down);
    assert!(noticed > 0, "nobody noticed the blip");
    assert_came_through(&record, "SIGSTOP", down, repaired);
    scene.assert_bounded(most);
    println!("SIGSTOP: {most} threads at most, {} at rest", scene.threads);
    scene.readiness(200, Duration::from_secs(2)).await;
    scene.assert_whole(&database).await;
}

#[actix_web::test]
async fn a_database_that_crashes_and_recovers_postgres() {
    let mut cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let scene = Scene::set(&database, database.url()).await;
    let load = scene.load().await;

    let down = Instant::now();
    cluster.restart_immediate().await;
    let repaired = Instant::now();
    scene.watch(AFTERWARDS).await;

    let record = load.stop().await;
    println!("{}", record.summary("crash"));
    println!("crash: away for {:.2?}", repaired - down);
    record.assert_honest();
    assert_good_again(&record, "crash", repaired);
    scene.readiness(200, Duration::from_secs(2)).await;
    scene.assert_whole(&database).await;
}

#[track_caller]
fn assert_good_again(record: &Record, what: &str, repaired: Instant) {
    for kind in [Kind::Read, Kind::Write] {
        let (first, last) = record.recovery(kind, repaired);
        println!("{what}: {kind:?} good again after {first:.2?}, last failure after {last:.2?}");
        let soon = Duration::from_secs(2);
        assert!(first < soon && last < soon, "{kind:?}: {first:?} {last:?}");
    }
}

#[actix_web::test]
async fn a_database_that_is_shut_down_for_a_while_postgres() {
    let mut cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let scene = Scene::set(&database, database.url()).await;
    let load = scene.load().await;

    let down = Instant::now();
    cluster.stop();
    let most = scene.watch(OUTAGE).await;
    cluster.start_again().await;
    let repaired = Instant::now();
    scene.watch(AFTERWARDS).await;

    let record = load.stop().await;
    assert_came_through(&record, "stopped", down, repaired);
    scene.assert_bounded(most);
    scene.readiness(200, Duration::from_secs(2)).await;
    scene.assert_whole(&database).await;
}

/// What the network can do to the connections of the pool, the old ones and the new.
async fn cut_off_by(mode: Mode, what: &str) {
    let cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let proxy = Proxy::to(target(database.url())).await;
    let scene = Scene::set(&database, &proxy.url(database.url())).await;
    let load = scene.load().await;

    let down = Instant::now();
    proxy.set(mode);
    let most = scene.watch(OUTAGE).await;
    proxy.set(Mode::Pass);
    let repaired = Instant::now();
    scene.watch(AFTERWARDS).await;

    let record = load.stop().await;
    assert_came_through(&record, what, down, repaired);
    scene.assert_bounded(most);
    println!("{what}: {most} threads at most, {} at rest", scene.threads);
    scene.readiness(200, Duration::from_secs(2)).await;
    scene.assert_whole(&database).await;
}

#[actix_web::test]
async fn a_network_that_swallows_everything_postgres() {
    cut_off_by(Mode::Freeze, "black hole").await;
}

#[actix_web::test]
async fn a_network_that_resets_every_connection_postgres() {
    cut_off_by(Mode::Cut, "reset").await;
}

/// Resets in the middle of queries, again and again: no outage, just a bad line.
#[actix_web::test]
async fn a_network_that_resets_now_and_then_postgres() {
    let cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let proxy = Proxy::to(target(database.url())).await;
    let scene = Scene::set(&database, &proxy.url(database.url())).await;
    let load = scene.load().await;
    for _ in 0..10 {
        proxy.set(Mode::Cut);
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        proxy.set(Mode::Pass);
        scene.watch(Duration::from_millis(200)).await;
    }
    let repaired = Instant::now();
    scene.watch(Duration::from_secs(1)).await;
    let record = load.stop().await;
    println!("{}", record.summary("a bad line"));
    record.assert_honest();
    assert_eq!(
        record.unready_after(repaired.checked_sub(Duration::from_mins(1)).unwrap()),
        None
    );
    assert_good_again(&record, "a bad line", repaired);
    scene.assert_whole(&database).await;
}
