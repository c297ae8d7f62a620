//! Clients that go away in the middle. Each is made so that only one answer to "what became of it?" is true: no answer
//! could be given before it left, and none could be taken after.

use std::time::Duration;

use serde_json::json;

use super::shop::{ORDERS, SESSIONS, Shop};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::raw::Raw;

const SOON: Duration = Duration::from_secs(20);

/// Resets after half of the body, at once.
pub(crate) async fn half_a_body(shop: &Shop) {
    let (head, body) = shop.order("");
    let mut raw = shop.raw().await;
    raw.send(head + &body[..body.len() / 2]).await;
    raw.reset();
    shop.tally.count("POST", ORDERS, 499);
}

/// The same, once the service is known to wait for the body.
pub(crate) async fn half_a_body_that_was_asked_for(shop: &Shop) {
    let (head, body) = shop.order("expect: 100-continue\r\n");
    let mut raw = shop.raw().await;
    raw.send(head).await;
    assert_eq!(raw.interim().await, Some(100));
    raw.send(&body[..body.len() / 2]).await;
    raw.reset();
    shop.tally.count("POST", ORDERS, 499);
}

/// Resets half-way through the head: no request was ever there.
pub(crate) async fn half_a_head(shop: &Shop) {
    let (head, _) = shop.order("");
    let mut raw = shop.raw().await;
    raw.send(&head[..head.len() / 2]).await;
    raw.reset();
}

/// Says that it is done after half of the body, and waits: that is answered.
pub(crate) async fn half_a_body_and_patience(shop: &Shop) {
    let (head, body) = shop.order("");
    let mut raw = shop.raw().await;
    raw.send(head + &body[..body.len() / 2]).await;
    raw.half_close().await;
    let answer = raw.response().await.expect("it still listens");
    assert_eq!(answer.status, 400, "{}", answer.text());
    shop.tally.count("POST", ORDERS, 400);
}

/// Says that it is done after its request, and waits: that is answered like any other.
pub(crate) async fn half_closed(shop: &Shop) {
    let (head, body) = shop.order("");
    let mut raw = shop.raw().await;
    raw.send(head + &body).await;
    raw.half_close().await;
    let answer = raw.response().await.expect("it still listens");
    shop.tally.count("POST", ORDERS, answer.status);
}

/// Orders that wait for a lock. Some of their clients reset when the service is at it, some at once, some after they had
/// said that they will send no more; and some only say that: those get their answer when the lock is gone.
pub(crate) async fn orders_that_are_held(shop: &Shop, database: &TestDatabase, each: u32) {
    let held = HeldWrites::in_database(database);
    in_flight_is(shop, 0).await;
    let patient = sent_and_half_closed(shop, each).await;
    let impatient = sent_and_half_closed(shop, each).await;
    let leaving = sent(shop, each).await;
    in_flight_is(shop, 3 * each).await;
    reset(leaving).await;
    in_flight_is(shop, 2 * each).await;
    // Of those nothing more is read, so that they are gone shows when they are answered.
    reset(impatient).await;
    reset(sent(shop, each).await).await;
    for _ in 0..3 * each {
        shop.tally.count("POST", ORDERS, 499);
    }
    drop(held);
    for mut raw in patient {
        let answer = raw.response().await.expect("it still listens");
        assert_eq!(answer.status, 201, "{}", answer.text());
        shop.tally.count("POST", ORDERS, 201);
    }
    in_flight_is(shop, 0).await;
}

async fn sent_and_half_closed(shop: &Shop, so_many: u32) -> Vec<Raw> {
    let mut sent = sent(shop, so_many).await;
    for raw in &mut sent {
        raw.half_close().await;
    }
    sent
}

async fn sent(shop: &Shop, so_many: u32) -> Vec<Raw> {
    let (head, body) = shop.order("");
    let mut sent = Vec::new();
    for _ in 0..so_many {
        let mut raw = shop.raw().await;
        raw.send(format!("{head}{body}")).await;
        sent.push(raw);
    }
    sent
}

/// Resets them, and waits until the kernel knows of it on the other end too: on a busy machine, a moment later than here. An
/// answer that is written before that has been sent for all that anybody can tell.
async fn reset(leaving: Vec<Raw>) {
    let ports: Vec<_> = leaving.iter().map(Raw::ports).collect();
    leaving.into_iter().for_each(Raw::reset);
    let is_open = |line: &str| {
        let words: Vec<_> = line.split_whitespace().take(4).collect();
        let [_, own, peer, state] = words[..] else {
            return false;
        };
        // Established, or with its other side closed.
        let open = matches!(state, "01" | "08");
        let is = |end: &str, port: u16| end.ends_with(&format!(":{port:04X}"));
        open && ports
            .iter()
            .any(|&(client, service)| is(own, service) && is(peer, client))
    };
    eventually("the resets to have arrived", SOON, async || {
        let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
        let open: Vec<_> = table.lines().filter(|line| is_open(line)).collect();
        if open.is_empty() {
            Ok(())
        } else {
            Err(format!("{open:?}"))
        }
    })
    .await;
}

async fn in_flight_is(shop: &Shop, expected: u32) {
    let what = format!("{expected} requests in flight");
    eventually(&what, SOON, async || {
        let seen = shop.in_flight().await;
        if (seen - f64::from(expected)).abs() < 0.5 {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
}

/// Log-ins whose turn to be hashed has not come when their clients reset: some once they are known to wait, some at once.
/// `turns` are in front of them, and stay.
pub(crate) async fn logins_in_the_queue(shop: &Shop, turns: u32, each: u32) {
    let body = json!({"email": "nobody@example.com", "password": "whatever it is"}).to_string();
    let request = format!(
        "POST {SESSIONS} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut patient = Vec::new();
    for _ in 0..turns {
        let mut raw = shop.raw().await;
        raw.send(&request).await;
        patient.push(raw);
    }
    in_flight_is(shop, turns).await;
    let mut leaving = Vec::new();
    for _ in 0..each {
        let mut raw = shop.raw().await;
        raw.send(&request).await;
        leaving.push(raw);
    }
    in_flight_is(shop, turns + each).await;
    leaving.into_iter().for_each(Raw::reset);
    for _ in 0..each {
        let mut raw = shop.raw().await;
        raw.send(&request).await;
        raw.reset();
    }
    for _ in 0..2 * each {
        shop.tally.count("POST", SESSIONS, 499);
    }
    for mut raw in patient {
        let answer = raw.response().await.expect("it stayed");
        shop.tally.count("POST", SESSIONS, answer.status);
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    in_flight_is(shop, 0).await;
}
