//! Two replicas over one database: keys and stock are the database's, whoever is asked.

use futures_util::future::join_all;

use super::{Contents, PATIENT, basket, is_replayed};
use crate::support::client::{Account, Answer, Client};
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::process::{Process, Program};
use crate::support::test_app::TestApp;

/// A second one in a process of its own, as patient as the first.
async fn second(app: &TestApp) -> Process {
    Program::on(app.database())
        .env("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "18s")
        .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "19s")
        .env("GLASSHOUSE_DATABASE__DEADLINE", "20s")
        .serve()
        .await
}

/// The same account at both; each signs tokens with a key of its own here.
async fn at_both(app: &TestApp, replica: &Client, email: &str) -> [(Client, Account); 2] {
    let here = app.register(email).await;
    let there = replica.login(email).await;
    assert_eq!(here.id, there.id);
    [(app.client().clone(), here), (replica.clone(), there)]
}

on_both!(
    of_many_requests_with_one_key_to_two_replicas_one_is_done,
    PATIENT
);
async fn of_many_requests_with_one_key_to_two_replicas_one_is_done(app: TestApp) {
    let replica = second(&app).await;
    let both = at_both(&app, &replica.public(), "buyer@example.com").await;
    let mug = app.product("MUG", 100).await;
    let body = basket(&[(&mug, 1)]);
    for (round, key) in (1..).zip(["one", "two", "three", "four"]) {
        let send = |number: usize| {
            let (client, account) = &both[number % 2];
            client
                .post("/api/v1/orders")
                .token(account)
                .key(key)
                .json(&body)
                .send()
        };
        let answers = join_all((0..32).map(send)).await;
        let (good, told_to_wait): (Vec<Answer>, Vec<Answer>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(good.iter().filter(|answer| !is_replayed(answer)).count(), 1);
        assert!(good.iter().all(|answer| answer.body == good[0].body));
        for answer in &told_to_wait {
            assert_problem(answer, 409, "idempotency_in_progress");
        }
        // Whoever did it, both remember it.
        for number in 0..2 {
            let again = send(number).await.expect(201);
            assert!(is_replayed(&again) && again.body == good[0].body);
        }
        let contents = Contents::of(app.database());
        assert_eq!(
            (contents.orders, contents.keys, contents.pieces),
            (round, round, 100 - round)
        );
    }
}

on_both!(two_replicas_sell_what_is_there_once, PATIENT);
async fn two_replicas_sell_what_is_there_once(app: TestApp) {
    let replica = second(&app).await;
    let both = at_both(&app, &replica.public(), "buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 30).await, app.product("CUP", 1000).await);
    let baskets = [
        basket(&[(&mug, 1), (&cup, 1)]),
        basket(&[(&cup, 1), (&mug, 1)]),
    ];
    let buy = |number: usize| {
        let (client, account) = &both[number % 2];
        client
            .post("/api/v1/orders")
            .token(account)
            .json(&baskets[number / 2 % 2])
            .send()
    };
    let answers = join_all((0..120).map(buy)).await;
    let (sold, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((sold.len(), refused.len()), (30, 90));
    for answer in refused {
        assert_problem(answer, 409, "out_of_stock");
    }
    let contents = Contents::of(app.database());
    assert_eq!(
        (contents.orders, contents.lines, contents.pieces),
        (30, 60, 970)
    );
}
