//! The ordered end: what is under way is answered, what is idle or half-sent does not hold it up, and the log is whole
//! to its last line. Forced ends are in `signals`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::shop::{Shop, assert_ended_in_order};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::process::Program;
use crate::support::raw::End;

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(10);

/// Long enough for a load balancer that asks 20 times a second to notice, on a busy machine.
const DRAIN: Duration = Duration::from_secs(2);

fn draining(database: &TestDatabase) -> Program {
    let delay = format!("{}ms", DRAIN.as_millis());
    // SQLite takes one order at a time; on a slow disk sixteen wait longer for their turn than by default they may.
    Program::on(database)
        .env("GLASSHOUSE_SHUTDOWN__DRAIN_DELAY", &delay)
        .env("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "10s")
        .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "11s")
        .env("GLASSHOUSE_DATABASE__DEADLINE", "12s")
}

on_both!(sigterm_under_load_loses_no_request);
async fn sigterm_under_load_loses_no_request(database: Arc<TestDatabase>) {
    under_load("TERM", &database).await;
}

on_both!(sigint_under_load_loses_no_request);
async fn sigint_under_load_loses_no_request(database: Arc<TestDatabase>) {
    under_load("INT", &database).await;
}

async fn under_load(signal: &str, database: &Arc<TestDatabase>) {
    let mut shop = Shop::open(draining(database), database).await;
    let crowd = shop.let_in(16);
    let busy = async || crowd.tally.placed.get() > 100;
    eventually("a busy shop", SOON, busy).await;

    let asked = Instant::now();
    shop.process.signal(signal);
    let (tally, noticed) = shop.balance(crowd, asked).await;
    assert!(noticed < DRAIN / 2, "unready only after {noticed:?}");
    tally.assert_all_placed();
    assert!(tally.sent_elsewhere.get() > 0, "{tally:?}");

    let refused_after = refused(&shop, asked).await;
    assert!(refused_after >= DRAIN, "refused after {refused_after:?}");
    let finished = shop.process.wait_exit(SOON).await;
    println!(
        "{signal}: {} orders placed, {} of them while draining; unready after {noticed:?}, refused after {refused_after:?}, \
         ended after {:?}",
        tally.placed.get(),
        tally.sent_elsewhere.get(),
        asked.elapsed()
    );
    assert_ended_in_order(&finished);
    assert_eq!(tally.placed.get(), shop.orders());
    // The log is whole: one access line for each order.
    let lines = finished.stdout.lines();
    let told = lines.filter(|line| {
        line.contains(r#""http.route":"/api/v1/orders""#) && line.contains(r#""http.status":201"#)
    });
    assert_eq!(i64::try_from(told.count()).unwrap(), tally.placed.get());
}

/// Connects again and again until that is refused; how long that took since `asked`.
async fn refused(shop: &Shop, asked: Instant) -> Duration {
    let address = shop.process.public().address();
    let look = async || tokio::net::TcpStream::connect(address).await.is_err();
    eventually("connections to be refused", SOON, look).await;
    asked.elapsed()
}

on_both!(an_order_that_is_being_sent_is_still_taken);
async fn an_order_that_is_being_sent_is_still_taken(database: Arc<TestDatabase>) {
    let mut shop = Shop::open(Program::on(&database), &database).await;
    let (head, body) = shop.order();
    let (begin, end) = body.split_at(body.len() / 2);
    let mut raw = shop.process.public().raw().await;
    raw.send(format!("{head}{begin}")).await;
    in_flight(&shop).await;

    shop.process.signal("TERM");
    refused(&shop, Instant::now()).await;
    // The admin listener goes last.
    let admin = shop.process.admin();
    admin.get("/health/live").send().await.expect(200);
    in_flight(&shop).await;
    raw.send(end).await;
    let answer = raw.response().await.expect("its answer");
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(raw.rest().await, (vec![], End::Closed));
    let finished = shop.process.wait_exit(SOON).await;
    assert_ended_in_order(&finished);
    assert_eq!(shop.orders(), 1);
}

/// Waits until the service has begun with a request.
async fn in_flight(shop: &Shop) {
    let admin = shop.process.admin();
    eventually("a request in flight", SOON, async || {
        admin.metrics().await.value("http_requests_in_flight", &[]) > 0.5
    })
    .await;
}

on_both!(idle_and_half_sent_requests_do_not_hold_up_the_end);
async fn idle_and_half_sent_requests_do_not_hold_up_the_end(database: Arc<TestDatabase>) {
    let program = Program::on(&database)
        .env("GLASSHOUSE_SERVER__BODY_TIMEOUT", "1s")
        .env("GLASSHOUSE_SERVER__HEADER_TIMEOUT", "30s");
    let mut shop = Shop::open(program, &database).await;
    let (head, body) = shop.order();
    let half_head = &head[..head.len() / 2];
    let connect = async || shop.process.public().raw().await;
    let mut silent = connect().await;
    let mut idle = connect().await;
    let mut first = connect().await;
    let mut second = connect().await;
    let mut half = connect().await;
    for kept in [&mut idle, &mut second] {
        kept.send("GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n")
            .await;
        assert_eq!(kept.response().await.unwrap().status, 200);
    }
    first.send(half_head).await;
    second.send(half_head).await;
    half.send(format!("{head}{}", &body[..5])).await;
    in_flight(&shop).await;

    let asked = Instant::now();
    shop.process.signal("TERM");
    for raw in [&mut silent, &mut idle] {
        assert_eq!(raw.rest().await, (vec![], End::Closed));
    }
    let idle_ended = asked.elapsed();
    // Whether a head that was cut is answered is left open; that it ends is not.
    for raw in [&mut first, &mut second] {
        raw.rest().await;
    }
    let heads_ended = asked.elapsed();
    let answer = half.response().await.expect("its answer");
    assert_eq!(answer.status, 408, "{}", answer.text());
    let finished = shop.process.wait_exit(SOON).await;
    println!(
        "idle closed after {idle_ended:?}, half heads after {heads_ended:?}, ended after {:?}",
        asked.elapsed()
    );
    assert!(idle_ended < Duration::from_secs(1), "{idle_ended:?}");
    assert!(heads_ended < Duration::from_secs(1), "{heads_ended:?}");
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_ended_in_order(&finished);
}

on_both!(while_it_drains_it_is_alive_unready_and_watched);
async fn while_it_drains_it_is_alive_unready_and_watched(database: Arc<TestDatabase>) {
    let mut shop = Shop::open(draining(&database), &database).await;
    let (public, admin) = (shop.process.public(), shop.process.admin());
    let asked = Instant::now();
    shop.process.signal("TERM");
    shop.process.logged("signal received").await;
    eventually("unready", SOON, async || {
        public.get("/health/ready").send().await.status == 503
    })
    .await;
    let unready = asked.elapsed();
    for client in [&public, &admin] {
        let answer = client.get("/health/ready").send().await.expect(503);
        let checks = answer.json()["checks"].clone();
        let draining = checks
            .as_array()
            .unwrap()
            .iter()
            .any(|check| check["name"] == "draining" && check["status"] == "fail");
        assert!(draining, "{checks}");
        client.get("/health/live").send().await.expect(200);
    }
    let answer = public.get("/health/live").send().await;
    assert_eq!(answer.header("connection"), Some("close"));
    assert_problem(
        &public.get("/api/v1/orders").send().await,
        401,
        "unauthenticated",
    );
    let ready = admin.metrics().await.value("ready", &[]);
    assert!(ready.abs() < f64::EPSILON, "{ready}");

    refused(&shop, asked).await;
    let finished = shop.process.wait_exit(SOON).await;
    println!(
        "unready after {unready:?}, ended after {:?}",
        asked.elapsed()
    );
    assert_ended_in_order(&finished);
}
