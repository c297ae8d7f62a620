//! `kill -9` in the middle of orders, and again: what was acknowledged is there once, what was not is there once at most,
//! and a repeated key finds out which.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::shop::Shop;
use crate::support::client::{Account, Client};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::process::Program;
use crate::support::{asked, on_both};

/// How often it is killed when `ROUNDS` does not say otherwise. `make chaos` does it 20 times.
const ROUNDS: u32 = 4;

/// The longest that a round may take, and all that comes after the last one.
const A_ROUND: Duration = Duration::from_mins(1);

/// Buyers at once.
const BUYERS: usize = 8;

/// Orders that are placed in a round before it is killed.
const ENOUGH: usize = 60;

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(20);

/// Another one could be made for each start, and would log everybody out.
const SECRET: &str = "the-same-secret-over-all-restarts";

fn rounds() -> u32 {
    asked("ROUNDS").map_or(ROUNDS, |number| number.parse().expect("a number"))
}

fn program(database: &TestDatabase) -> Program {
    Program::on(database)
        .env("GLASSHOUSE_AUTH__JWT_SECRET", SECRET)
        // A busy machine is no reason to refuse an order here.
        .env("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "10s")
        .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "11s")
        .env("GLASSHOUSE_DATABASE__DEADLINE", "12s")
}

/// Places one order under this key; the order's id, or `None` when no answer came.
async fn order(client: &Client, buyer: &Account, product: &str, key: &str) -> Option<String> {
    let body = json!({"items": [{"product_id": product, "quantity": 1}]});
    let call = client.post("/api/v1/orders").token(buyer).key(key);
    let answer = call.json(&body).try_send().await.ok()?.expect(201);
    Some(answer.json()["id"].as_str().unwrap().to_owned())
}

/// What a buyer wrote down: a key, and the order that was acknowledged under it, if one was.
type Note = (String, Option<String>);

/// Buys under ever new keys until no answer comes.
async fn buy(client: Client, buyer: Account, product: String, name: String) -> Vec<Note> {
    let mut notes = Vec::new();
    loop {
        let key = format!("{name}-{}", notes.len());
        let placed = order(&client, &buyer, &product, &key).await;
        let alive = placed.is_some();
        notes.push((key, placed));
        if !alive {
            return notes;
        }
    }
}

/// Lets buyers in, kills the program when enough was placed, and gives back what they wrote down.
async fn killed_under_load(shop: &Shop, round: usize) -> Vec<Note> {
    let aim = shop.orders() + i64::try_from(ENOUGH).unwrap();
    let mut buyers = JoinSet::new();
    for number in 0..BUYERS {
        let name = format!("round-{round}-buyer-{number}");
        let (buyer, product) = (shop.buyer.clone(), shop.product.clone());
        buyers.spawn_local(buy(shop.process.public(), buyer, product, name));
    }
    eventually("enough orders", SOON, async || shop.orders() >= aim).await;
    shop.process.signal("KILL");
    buyers.join_all().await.concat()
}

on_both!(
    killed_under_load_it_loses_and_doubles_nothing,
    within = A_ROUND * (rounds() + 1)
);
async fn killed_under_load_it_loses_and_doubles_nothing(database: Arc<TestDatabase>) {
    let mut shop = Shop::open(program(&database), &database).await;
    let mut notes = Vec::new();
    let rounds = usize::try_from(rounds()).unwrap();
    for round in 0..rounds {
        notes.extend(killed_under_load(&shop, round).await);
        let killed = shop.process.wait_exit(SOON).await;
        assert_eq!(killed.code, None, "{killed:?}");
        shop.process = program(&database).serve().await;
    }
    let client = shop.process.public();
    let acknowledged: BTreeSet<_> = notes.iter().filter_map(|(_, id)| id.clone()).collect();
    let unknown: Vec<_> = notes.iter().filter(|(_, id)| id.is_none()).collect();
    let first = shop.orders();

    // Each acknowledged order is there, and its key gives it back.
    for id in &acknowledged {
        let call = client.get(&format!("/api/v1/orders/{id}"));
        call.token(&shop.buyer).send().await.expect(200);
    }
    let mut all = acknowledged.clone();
    for (key, id) in &notes {
        let again = order(&client, &shop.buyer, &shop.product, key).await;
        let again = again.expect("an answer");
        if let Some(id) = id {
            assert_eq!(&again, id, "{key}");
        }
        all.insert(again);
    }
    println!(
        "{:?}: {rounds} kills; {} orders acknowledged, {} unknown of which {} had been placed",
        database.backend(),
        acknowledged.len(),
        unknown.len(),
        first - i64::try_from(acknowledged.len()).unwrap(),
    );
    assert!(acknowledged.len() >= rounds * (ENOUGH - BUYERS));
    assert!(
        !unknown.is_empty(),
        "it was killed while nobody was ordering"
    );

    // One order a key, no more and no less; stock, lines, history and events agree with them.
    let orders = i64::try_from(notes.len()).unwrap();
    assert_eq!(all.len(), notes.len());
    assert_eq!(shop.orders(), orders);
    let number = |query: &str| database.number(query);
    let sold = "SELECT 1000000 - stock AS number FROM products";
    assert_eq!(number(sold), orders);
    for table in ["order_lines", "order_history", "outbox_events"] {
        let rows = format!("SELECT count(*) AS number FROM {table}");
        assert_eq!(number(&rows), orders, "{table}");
    }
    if database.file().is_some() {
        let whole =
            "SELECT count(*) AS number FROM pragma_integrity_check WHERE integrity_check = 'ok'";
        assert_eq!(number(whole), 1);
    }
}
