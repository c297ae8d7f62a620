//! The promise above all others: what the service tells of itself is what happened. Clients of every temper keep their own
//! tally, and in the end metrics, access lines and rows have to agree with it to the last request.

mod leavers;
mod shop;
mod shopper;
mod tally;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use self::shop::Shop;
use self::shopper::Shopper;
use self::tally::{assert_same, counted, is_access_line, logged};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::metrics::{Metrics, whole};
use crate::support::on_both;
use crate::support::process::{Process, Program};

const SOON: Duration = Duration::from_secs(20);

/// The program with waits so long that no request here is refused for want of a connection or of time.
fn patient(database: &TestDatabase) -> Program {
    Program::on(database)
        .env("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "20s")
        .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "21s")
        .env("GLASSHOUSE_DATABASE__DEADLINE", "22s")
        .env("GLASSHOUSE_LOG__FILTER", "info,glasshouse::access=debug")
}

/// All that the service tells, once everybody has gone and nothing is left to be told.
async fn told(process: &Process, shop: &mut Shop) -> (Metrics, Vec<Value>) {
    // The old one kept connections for its next requests.
    shop.public = process.public();
    let admin = process.admin();
    let rest = async || {
        let metrics = admin.metrics().await;
        let gone = ["http_requests_in_flight", "http_connections_open"]
            .map(|gauge| whole(metrics.value(gauge, &[])));
        let used = metrics.sum("db_pool_connections", &[("state", "used")]);
        if gone == [0, 0] && used < 0.5 {
            Ok(metrics)
        } else {
            Err((gone, used))
        }
    };
    let metrics = eventually("everybody to be gone", SOON, rest).await;
    let lines = whole(metrics.sum("http_requests_total", &[]));
    let log = eventually("the last access line", SOON, async || {
        let log = process.log();
        let seen = log.iter().filter(|line| is_access_line(line)).count();
        if u64::try_from(seen).unwrap() >= lines {
            Ok(log)
        } else {
            Err((seen, lines))
        }
    });
    let log = log.await;
    assert_eq!(whole(metrics.value("log_lines_dropped_total", &[])), 0);
    (metrics, log)
}

/// Metrics and log against the clients' tally.
#[track_caller]
fn assert_true(shop: &Shop, metrics: &Metrics, log: &[Value]) {
    let seen = shop.tally.counts();
    assert_same("requests", &counted(metrics, "http_requests_total"), &seen);
    let observed = counted(metrics, "http_requests_duration_seconds_count");
    assert_same("histograms", &observed, &seen);
    assert_same("access lines", &logged(log), &seen);
}

fn series(metrics: &Metrics) -> BTreeSet<&str> {
    let lines = metrics.text.lines();
    lines
        .filter(|line| line.starts_with("http_requests_total"))
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect()
}

on_both!(five_thousand_mixed_requests_are_told_as_their_clients_saw_them);
async fn five_thousand_mixed_requests_are_told_as_their_clients_saw_them(
    database: Arc<TestDatabase>,
) {
    let process = patient(&database).serve().await;
    let fresh = process.admin().metrics().await;
    let mut shop = Shop::open(&process, &database).await;

    let shopping = (0..8).map(async |number| {
        let mut shopper = Shopper::new(&shop, number).await;
        shopper.go_shopping(500).await;
    });
    let leaving = async {
        for _ in 0..60 {
            leavers::half_a_body(&shop).await;
            leavers::half_a_head(&shop).await;
            leavers::half_a_body_that_was_asked_for(&shop).await;
            leavers::half_a_body_and_patience(&shop).await;
            leavers::half_closed(&shop).await;
        }
    };
    tokio::join!(join_all(shopping), leaving);
    for _ in 0..10 {
        leavers::orders_that_are_held(&shop, &database, 5).await;
    }

    let (metrics, log) = told(&process, &mut shop).await;
    assert!(shop.tally.total() >= 5_000, "{}", shop.tally.total());
    assert_true(&shop, &metrics, &log);
    let (before, after) = (series(&fresh), series(&metrics));
    let born: Vec<_> = after.difference(&before).collect();
    assert!(born.is_empty(), "series born later: {born:#?}");
    assert_rows(&database, &metrics, &shop);
    eprintln!(
        "{} requests, {} of them left, {} kinds",
        shop.tally.total(),
        shop.tally.of("POST", shop::ORDERS, 499),
        shop.tally.counts().len()
    );
}

/// What was stored, also for clients that had gone by then, is what the subjects' own counters tell.
#[track_caller]
fn assert_rows(database: &TestDatabase, metrics: &Metrics, shop: &Shop) {
    let rows = |query: &str| {
        let number = database.number(&format!("SELECT count(*) AS number FROM {query}"));
        u64::try_from(number).unwrap()
    };
    let told = |name: &str, labels: &[(&str, &str)]| whole(metrics.sum(name, labels));
    assert_eq!(told("orders_created_total", &[]), rows("orders"));
    // Who left in the middle of the body was refused nothing.
    let refused: u64 = [400, 408, 409, 413, 415, 422]
        .map(|status| shop.tally.of("POST", shop::ORDERS, status))
        .iter()
        .sum();
    assert_eq!(told("orders_rejected_total", &[]), refused);
    let steps = rows("order_history WHERE from_status IS NOT NULL");
    assert_eq!(told("order_transitions_total", &[]), steps);
    let created = told("registrations_total", &[("outcome", "created")]);
    assert_eq!(created, rows("accounts") - 1, "one was made by a command");
    let success = told("logins_total", &[("outcome", "success")]);
    assert_eq!(success, shop.tally.of("POST", shop::SESSIONS, 201));
    let refused = told("logins_total", &[("outcome", "invalid_credentials")]);
    assert_eq!(refused, shop.tally.of("POST", shop::SESSIONS, 401));
    let exchanged = told("token_refreshes_total", &[("outcome", "refreshed")]);
    assert_eq!(exchanged, shop.tally.of("POST", shop::REFRESH, 200));
}

on_both!(a_login_that_is_left_while_it_waits_is_told_as_that);
async fn a_login_that_is_left_while_it_waits_is_told_as_that(database: Arc<TestDatabase>) {
    // So dear a hash that whoever is in the queue stays there for as long as this test needs.
    let process = patient(&database)
        .env("GLASSHOUSE_AUTH__ARGON2__MEMORY_KIB", "65536")
        .env("GLASSHOUSE_AUTH__ARGON2__ITERATIONS", "6")
        .serve()
        .await;
    let mut shop = Shop::open(&process, &database).await;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let turns = u32::try_from(3 * (cores / 2).max(1)).unwrap();
    leavers::logins_in_the_queue(&shop, turns, 24).await;
    let (metrics, log) = told(&process, &mut shop).await;
    assert_true(&shop, &metrics, &log);
    // Those that were known to wait; of the others some were gone before their bodies had been read.
    let abandoned = whole(metrics.value("logins_total", &[("outcome", "abandoned")]));
    assert!((24..=48).contains(&abandoned), "{abandoned}");
}
