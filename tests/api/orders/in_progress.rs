//! Keys whose first request is still at work, and clients that do not wait for its answer.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::Value;

use super::{
    Contents, PATIENT, SOON, at_work_in_the_database, basket, hold_product, id, is_replayed,
    key_is_claimed, placing, stock,
};
use crate::support::client::{Account, Answer};
use crate::support::database::Backend;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::raw::Raw;
use crate::support::test_app::{TestApp, run};

/// SQLite has one writer, so there the second request waits for the first: see the next test.
#[test]
fn a_second_request_is_told_to_come_back_while_the_first_runs_on_postgres() {
    run::<TestApp>(
        Backend::Postgres,
        |_| {},
        async |app| {
            let (buyer, other) = (
                app.register("buyer@example.com").await,
                app.register("other@example.com").await,
            );
            let (mug, cup) = (app.product("MUG", 5).await, app.product("CUP", 5).await);
            let body = basket(&[(&mug, 1)]);
            let held = hold_product(&app, &mug);
            let first = placing(&app, &buyer, &body).key("k").send();
            let meanwhile = async {
                key_is_claimed(&app).await;
                for key in ["k", "\"k\""] {
                    let second = placing(&app, &buyer, &body).key(key).send().await;
                    assert_problem(&second, 409, "idempotency_in_progress");
                    let seconds: u64 = second
                        .header("retry-after")
                        .expect("when to come back")
                        .parse()
                        .unwrap();
                    assert!((1..=5).contains(&seconds), "{seconds}");
                    assert!(!is_replayed(&second));
                }
                // Nobody knows yet what the first one asks for.
                let another = placing(&app, &buyer, &basket(&[(&cup, 1)]))
                    .key("k")
                    .send()
                    .await;
                assert_problem(&another, 409, "idempotency_in_progress");
                // The keys of others are their own, and so are other keys.
                placing(&app, &other, &basket(&[(&cup, 1)]))
                    .key("k")
                    .send()
                    .await
                    .expect(201);
                placing(&app, &buyer, &basket(&[(&cup, 1)]))
                    .key("l")
                    .send()
                    .await
                    .expect(201);
                drop(held);
            };
            let (first, ()) = join(first, meanwhile).await;
            assert!(!is_replayed(&first.clone().expect(201)));
            let again = placing(&app, &buyer, &body)
                .key("k")
                .send()
                .await
                .expect(201);
            assert!(is_replayed(&again) && again.body == first.body);
            assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (4, 3));
        },
    );
}

on_both!(of_many_requests_with_one_key_one_is_done, PATIENT);
async fn of_many_requests_with_one_key_one_is_done(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 640).await, app.product("CUP", 640).await);
    let body = basket(&[(&mug, 1), (&cup, 1)]);
    let mut orders = 0;
    for key in ["one", "two", "three"] {
        let clients = (0..64).map(|_| placing(&app, &buyer, &body).key(key).send());
        let answers = join_all(clients).await;
        let (good, told_to_wait): (Vec<Answer>, Vec<Answer>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        let first: Vec<_> = good.iter().filter(|answer| !is_replayed(answer)).collect();
        assert_eq!(first.len(), 1, "one is the first");
        for answer in &good {
            assert_eq!(answer.text(), first[0].text());
            assert_eq!(answer.header("location"), first[0].header("location"));
        }
        for answer in &told_to_wait {
            assert_problem(answer, 409, "idempotency_in_progress");
            assert!(answer.header("retry-after").is_some());
        }
        orders += 1;
        let contents = Contents::of(app.database());
        let expected = Contents {
            orders,
            lines: 2 * orders,
            steps: orders,
            events: orders,
            keys: orders,
            pieces: 1280 - 2 * orders,
        };
        assert_eq!(contents, expected);
    }
}

/// Sends all of a request, and waits for nothing.
async fn send(app: &TestApp, account: &Account, body: &Value, key: &str) -> Raw {
    let mut connection = app.raw().await;
    let body = body.to_string();
    let request = format!(
        "POST /api/v1/orders HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        account.access_token,
        body.len(),
    );
    connection.send(request).await;
    connection
}

/// As the API's reference says: the same request, until there is an answer to it.
async fn repeat(app: &TestApp, account: &Account, body: &Value, key: &str) -> Answer {
    eventually("the answer to the first request", SOON, async || {
        let answer = placing(app, account, body).key(key).send().await;
        if answer.status == 409 {
            assert_problem(&answer, 409, "idempotency_in_progress");
            Err(answer.text())
        } else {
            Ok(answer)
        }
    })
    .await
    .expect(201)
}

on_both!(a_client_that_went_away_finds_its_order);
async fn a_client_that_went_away_finds_its_order(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 5).await;
    let body = basket(&[(&mug, 1)]);
    let held = hold_product(&app, &mug);
    let client = send(&app, &buyer, &body, "k").await;
    at_work_in_the_database(&app, 1).await;
    client.reset();
    // Gone for good before its order is there.
    let labels = [
        ("method", "POST"),
        ("path", "/api/v1/orders"),
        ("status", "499"),
    ];
    eventually("the client to be missed", SOON, async || {
        app.metrics().await.value("http_requests_total", &labels) > 0.5
    })
    .await;
    drop(held);
    let order = repeat(&app, &buyer, &body, "k").await;
    assert!(
        is_replayed(&order),
        "it was done although nobody waited for it"
    );
    let contents = Contents::of(app.database());
    assert_eq!(
        (
            contents.orders,
            contents.events,
            contents.keys,
            contents.pieces
        ),
        (1, 1, 1, 4)
    );
    let path = format!("/api/v1/orders/{}", id(&order.json()));
    assert_eq!(
        app.get(&path).token(&buyer).send().await.expect(200).text(),
        order.text()
    );
}

on_both!(whenever_a_client_goes_away_its_repetition_gets_the_one_order);
async fn whenever_a_client_goes_away_its_repetition_gets_the_one_order(app: TestApp) {
    const ROUNDS: u32 = 40;
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 100).await;
    let body = basket(&[(&mug, 1)]);
    for round in 0..ROUNDS {
        let key = format!("key-{round}");
        let client = send(&app, &buyer, &body, &key).await;
        // Somewhere between its arrival and its answer.
        tokio::time::sleep(Duration::from_micros(u64::from(round) * 150)).await;
        if round % 2 == 0 {
            client.reset();
        } else {
            drop(client);
        }
        repeat(&app, &buyer, &body, &key).await;
    }
    let contents = Contents::of(app.database());
    let rounds = i64::from(ROUNDS);
    assert_eq!(
        (contents.orders, contents.keys, contents.pieces),
        (rounds, rounds, 100 - rounds)
    );
}
