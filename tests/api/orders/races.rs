//! Steps that come at the same moment: each order goes one way, and its stock is put back once.

use futures_util::future::join_all;
use serde_json::Value;

use super::{Contents, PATIENT, id, place, step, stock};
use crate::support::client::{Account, Answer};
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// Enough for either side to win some.
const ROUNDS: usize = 12;

/// Asks for all of these at once.
async fn at_once(app: &TestApp, order: &Value, steps: &[(&Account, &str)]) -> Vec<Answer> {
    join_all(
        steps
            .iter()
            .map(|(account, action)| step(app, account, id(order), action)),
    )
    .await
}

/// How many were done; fails unless all others were refused for the state of the order.
#[track_caller]
fn done(answers: &[Answer]) -> usize {
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    for answer in refused {
        assert_problem(answer, 409, "invalid_transition");
    }
    done.len()
}

/// The statuses that the order went through, by its history.
async fn way(app: &TestApp, reader: &Account, order: &Value) -> Vec<String> {
    let path = format!("/api/v1/orders/{}/history", id(order));
    let history = app.get(&path).token(reader).send().await.expect(200).json();
    let steps = history["items"].as_array().unwrap();
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "{history}");
        assert!(pair[0]["at"].as_str() < pair[1]["at"].as_str(), "{history}");
    }
    steps
        .iter()
        .map(|step| step["to"].as_str().unwrap().to_owned())
        .collect()
}

on_both!(of_ten_who_cancel_at_once_one_does, PATIENT);
async fn of_ten_who_cancel_at_once_one_does(app: TestApp) {
    let (buyer, operator) = (
        app.register("buyer@example.com").await,
        app.operator().await,
    );
    let mug = app.product("MUG", 5).await;
    for round in 0..ROUNDS {
        let order = place(&app, &buyer, &mug).await;
        if round % 2 == 0 {
            step(&app, &operator, id(&order), "pay").await.expect(200);
        }
        assert_eq!(stock(&app, &mug).await, 4);
        let all: Vec<_> = (0..10)
            .map(|n| (if n % 2 == 0 { &buyer } else { &operator }, "cancel"))
            .collect();
        assert_eq!(done(&at_once(&app, &order, &all).await), 1);
        assert_eq!(stock(&app, &mug).await, 5, "put back once");
        assert_eq!(way(&app, &buyer, &order).await.last().unwrap(), "cancelled");
    }
    let contents = Contents::of(app.database());
    assert_eq!(contents.steps, contents.events);
}

on_both!(of_ten_who_take_the_same_step_at_once_one_does, PATIENT);
async fn of_ten_who_take_the_same_step_at_once_one_does(app: TestApp) {
    let (buyer, operator) = (
        app.register("buyer@example.com").await,
        app.operator().await,
    );
    let mug = app.product("MUG", 5).await;
    let order = place(&app, &buyer, &mug).await;
    for action in ["pay", "ship", "deliver"] {
        assert_eq!(
            done(&at_once(&app, &order, &[(&operator, action); 10]).await),
            1,
            "{action}"
        );
    }
    assert_eq!(
        way(&app, &buyer, &order).await,
        ["placed", "paid", "shipped", "delivered"]
    );
    assert_eq!(Contents::of(app.database()).events, 4);
}

on_both!(of_cancelling_and_shipping_at_once_one_wins, PATIENT);
async fn of_cancelling_and_shipping_at_once_one_wins(app: TestApp) {
    let (buyer, operator) = (
        app.register("buyer@example.com").await,
        app.operator().await,
    );
    let mug = app.product("MUG", 100).await;
    let mut left = 100;
    for round in 0..ROUNDS {
        let order = place(&app, &buyer, &mug).await;
        step(&app, &operator, id(&order), "pay").await.expect(200);
        let mut both = [(&buyer, "cancel"), (&operator, "ship")];
        if round % 2 == 0 {
            both.reverse();
        }
        assert_eq!(done(&at_once(&app, &order, &both).await), 1);
        match way(&app, &buyer, &order).await[..] {
            [_, _, ref last] if last == "shipped" => left -= 1,
            [_, _, ref last] if last == "cancelled" => {}
            ref other => panic!("{other:?}"),
        }
        assert_eq!(stock(&app, &mug).await, left);
    }
}

on_both!(cancelling_wins_over_paying_before_it_or_after_it, PATIENT);
async fn cancelling_wins_over_paying_before_it_or_after_it(app: TestApp) {
    let (buyer, operator) = (
        app.register("buyer@example.com").await,
        app.operator().await,
    );
    let mug = app.product("MUG", 5).await;
    for round in 0..ROUNDS {
        let order = place(&app, &buyer, &mug).await;
        let mut both = [(&buyer, "cancel"), (&operator, "pay")];
        if round % 2 == 0 {
            both.reverse();
        }
        // A paid order can still be cancelled, so both may be done, but only in that order.
        let answers = at_once(&app, &order, &both).await;
        let expected: &[&str] = match done(&answers) {
            1 => &["placed", "cancelled"],
            2 => &["placed", "paid", "cancelled"],
            other => panic!("{other} were done"),
        };
        assert_eq!(way(&app, &buyer, &order).await, expected);
        assert_eq!(stock(&app, &mug).await, 5);
    }
    let contents = Contents::of(app.database());
    assert_eq!(contents.steps, contents.events);
}
