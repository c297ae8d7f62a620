//! Many at once: what is there is sold once, whatever is sold out is refused, and stock is neither made nor lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use super::{Contents, SOON, basket, id, is_replayed, placing, step, stock};
use crate::support::client::{Account, Answer, Call};
use crate::support::database::Backend;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// Sends it as a good client does: what is turned away for overload comes again when it was told to. With the answer
/// comes how often it was turned away.
async fn patiently(call: impl Fn() -> Call) -> (Answer, u32) {
    for turned_away in 0.. {
        let answer = call().send().await;
        let in_progress =
            answer.status == 409 && answer.json()["code"] == "idempotency_in_progress";
        if answer.status != 503 && !in_progress {
            return (answer, turned_away);
        }
        assert_overload(&answer);
        let seconds: f64 = answer
            .header("retry-after")
            .expect("when to come again")
            .parse()
            .unwrap();
        assert!(
            turned_away < 60,
            "turned away for a minute: {}",
            answer.text()
        );
        // Not all in the same moment.
        tokio::time::sleep(Duration::from_secs_f64(seconds + fastrand::f64() / 2.0)).await;
    }
    unreachable!("it is turned away for ever")
}

/// The only ways to be turned away that are nobody's fault.
#[track_caller]
fn assert_overload(answer: &Answer) {
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let known = [
        "overloaded",
        "database_unavailable",
        "idempotency_in_progress",
    ];
    assert!(
        known.contains(&code.as_str()),
        "{} {}",
        answer.status,
        answer.text()
    );
    assert!(answer.header("retry-after").is_some(), "{}", answer.text());
}

async fn accounts(app: &TestApp, count: usize) -> Vec<Account> {
    let mut accounts = Vec::new();
    // One after the other: too many passwords to hash at once are turned away.
    for number in 0..count {
        accounts.push(app.register(&format!("buyer-{number}@example.com")).await);
    }
    accounts
}

on_both!(of_a_thousand_buyers_of_a_hundred_pieces_a_hundred_get_one);
async fn of_a_thousand_buyers_of_a_hundred_pieces_a_hundred_get_one(app: TestApp) {
    let buyers = accounts(&app, 20).await;
    let mug = app.product("MUG", 100).await;
    let body = basket(&[(&mug, 1)]);
    let buy = async |number: usize| {
        let key = format!("key-{number}");
        let call = || placing(&app, &buyers[number % buyers.len()], &body).key(&key);
        patiently(call).await.0
    };
    let answers = join_all((0..1000).map(buy)).await;
    let (sold, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((sold.len(), refused.len()), (100, 900));
    for answer in refused {
        assert_problem(answer, 409, "out_of_stock");
    }
    let mut ids: Vec<_> = sold
        .iter()
        .map(|answer| id(&answer.json()).to_owned())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100, "each buyer has an order of its own");
    let expected = Contents {
        orders: 100,
        lines: 100,
        steps: 100,
        events: 100,
        keys: 1000,
        pieces: 0,
    };
    assert_eq!(Contents::of(app.database()), expected);
    assert_eq!(stock(&app, &mug).await, 0);
}

/// What one client did in its time.
#[derive(Default)]
struct Done {
    placed: i64,
    cancelled: i64,
    refused: i64,
    /// Pieces of each product that it took and did not give back.
    pieces: BTreeMap<String, i64>,
}

/// Orders baskets of some of the products, in any order; sends each of them a second time, and cancels every third.
async fn shop(app: &TestApp, account: &Account, products: &[String], until: Instant) -> Done {
    let mut done = Done::default();
    while Instant::now() < until {
        let mut products = products.to_vec();
        fastrand::shuffle(&mut products);
        let items: Vec<_> = products
            .into_iter()
            .take(fastrand::usize(1..=5))
            .map(|product| (product, fastrand::u32(1..=3)))
            .collect();
        let (body, key) = (basket(&items), uuid::Uuid::now_v7().to_string());
        let call = || placing(app, account, &body).key(&key);
        let (answer, turned_away) = patiently(call).await;
        assert!(
            !is_replayed(&answer) || turned_away > 0,
            "a fresh key: {}",
            answer.text()
        );
        let (again, _) = patiently(call).await;
        assert!(is_replayed(&again) && again.status == answer.status);
        if answer.status != 201 {
            assert_problem(&answer, 409, "out_of_stock");
            done.refused += 1;
            continue;
        }
        done.placed += 1;
        let order = answer.json();
        if done.placed % 3 == 0 {
            cancel(app, account, &order).await;
            done.cancelled += 1;
            continue;
        }
        for (product, quantity) in items {
            *done.pieces.entry(product).or_default() += i64::from(quantity);
        }
    }
    done
}

/// A step has no key: one that was turned away may have been made all the same, and then says so.
async fn cancel(app: &TestApp, account: &Account, order: &Value) {
    for turned_away in 0.. {
        let answer = step(app, account, id(order), "cancel").await;
        match answer.status {
            200 => return,
            409 if turned_away > 0 => {
                assert_problem(&answer, 409, "invalid_transition");
                return;
            }
            _ => assert_overload(&answer),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

on_both!(overlapping_baskets_neither_deadlock_nor_lose_a_piece);
async fn overlapping_baskets_neither_deadlock_nor_lose_a_piece(app: TestApp) {
    const PIECES: u32 = 400;
    let clients = accounts(&app, 16).await;
    let mut products = Vec::new();
    for number in 0..6 {
        products.push(app.product(&format!("P-{number}"), PIECES).await);
    }
    let until = Instant::now() + Duration::from_secs(3);
    let done = join_all(
        clients
            .iter()
            .map(|account| shop(&app, account, &products, until)),
    )
    .await;
    let sum = |of: fn(&Done) -> i64| done.iter().map(of).sum::<i64>();
    let (placed, cancelled, refused) = (
        sum(|one| one.placed),
        sum(|one| one.cancelled),
        sum(|one| one.refused),
    );
    assert!(
        placed > 50 && cancelled > 10,
        "too little happened: {placed} placed, {cancelled} cancelled"
    );

    let contents = Contents::of(app.database());
    let (orders, keys) = (placed, placed + refused);
    assert_eq!((contents.orders, contents.keys), (orders, keys));
    assert_eq!(
        (contents.steps, contents.events),
        (placed + cancelled, placed + cancelled)
    );
    for product in &products {
        let taken: i64 = done.iter().filter_map(|one| one.pieces.get(product)).sum();
        assert_eq!(
            stock(&app, product).await + taken,
            i64::from(PIECES),
            "stock of {product} is conserved"
        );
    }
    let metrics = app.metrics().await;
    for kind in [
        "conflict",
        "constraint_violation",
        "unique_violation",
        "bug",
    ] {
        let errors = metrics.value("db_errors_total", &[("kind", kind)]);
        assert!(errors < 0.5, "{errors} errors of kind {kind}");
    }
    assert_no_deadlocks(&app).await;
}

/// One that was resolved by running a transaction again is a fault too: its victim has waited a second. What a connection
/// has counted is sure to be seen once it is closed.
async fn assert_no_deadlocks(app: &TestApp) {
    if app.database().backend() == Backend::Sqlite {
        return; // it has one writer
    }
    assert!(
        app.stop().await,
        "the service had to cut something off to stop"
    );
    let others = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let closed = async || app.database().number(others) == 0;
    crate::support::eventually::eventually("the service's connections to end", SOON, closed).await;
    let deadlocks =
        "SELECT deadlocks AS number FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(app.database().number(deadlocks), 0, "deadlocks");
}
