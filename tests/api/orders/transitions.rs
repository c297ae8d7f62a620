//! From status to status: every step from every status for everybody, and what a step leaves behind.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Contents, basket, id, place, placing, step, stock};
use crate::support::client::{Account, Answer};
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// Every status, and the steps that lead to it from `placed`.
const STATUSES: [(&str, &[&str]); 5] = [
    ("placed", &[]),
    ("paid", &["pay"]),
    ("shipped", &["pay", "ship"]),
    ("delivered", &["pay", "ship", "deliver"]),
    ("cancelled", &["cancel"]),
];

/// Every action, and the status that it leads to. Nothing leads back to `placed`.
const ACTIONS: [(&str, &str); 4] = [
    ("pay", "paid"),
    ("ship", "shipped"),
    ("deliver", "delivered"),
    ("cancel", "cancelled"),
];

/// The steps that exist.
const ALLOWED: [(&str, &str); 5] = [
    ("placed", "paid"),
    ("paid", "shipped"),
    ("shipped", "delivered"),
    ("placed", "cancelled"),
    ("paid", "cancelled"),
];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Nobody,
    Stranger,
    Owner,
    Operator,
}

/// Everybody who may ask.
struct Cast {
    owner: Account,
    stranger: Account,
    operator: Account,
}

impl Cast {
    async fn of(app: &TestApp) -> Self {
        Self {
            owner: app.register("owner@example.com").await,
            stranger: app.register("stranger@example.com").await,
            operator: app.operator().await,
        }
    }

    fn account(&self, role: Role) -> Option<&Account> {
        match role {
            Role::Nobody => None,
            Role::Stranger => Some(&self.stranger),
            Role::Owner => Some(&self.owner),
            Role::Operator => Some(&self.operator),
        }
    }
}

/// An order of the owner's that stands there.
async fn order_in(app: &TestApp, cast: &Cast, product: &str, steps: &[&str]) -> Value {
    let mut order = place(app, &cast.owner, product).await;
    for action in steps {
        order = step(app, &cast.operator, id(&order), action)
            .await
            .expect(200)
            .json();
    }
    order
}

/// What the table and the roles say of this step: its status and code.
fn ruling(role: Role, from: &str, action: &str, to: &str) -> (u16, &'static str) {
    match role {
        Role::Nobody => (401, "unauthenticated"),
        Role::Stranger | Role::Owner if action != "cancel" => (403, "forbidden"),
        Role::Stranger => (404, "not_found"),
        Role::Owner | Role::Operator if ALLOWED.contains(&(from, to)) => (200, ""),
        Role::Owner | Role::Operator => (409, "invalid_transition"),
    }
}

const ROLES: [Role; 4] = [Role::Nobody, Role::Stranger, Role::Owner, Role::Operator];

on_both!(every_step_from_every_status_is_as_the_table_says_for_everybody);
async fn every_step_from_every_status_is_as_the_table_says_for_everybody(app: TestApp) {
    let cast = Cast::of(&app).await;
    let mug = app.product("MUG", 1000).await;
    for (from, steps) in STATUSES {
        for (action, to) in ACTIONS {
            let allowed = |role: &Role| ruling(*role, from, action, to).0 == 200;
            let (may, may_not): (Vec<Role>, Vec<Role>) = ROLES.into_iter().partition(allowed);
            for role in may {
                let order = order_in(&app, &cast, &mug, steps).await;
                let moved = ask(&app, &cast, role, &order, action).await;
                let moved = moved.expect(200).json();
                assert_eq!(
                    (&order["status"], &moved["status"]),
                    (&json!(from), &json!(to))
                );
                assert_eq!(moved, shown(&app, &cast, &order).await, "{role:?}");
            }
            let order = order_in(&app, &cast, &mug, steps).await;
            let before = Contents::of(app.database());
            for role in may_not {
                let refused = ask(&app, &cast, role, &order, action).await;
                let (status, code) = ruling(role, from, action, to);
                let problem = assert_problem(&refused, status, code);
                if status == 409 {
                    let detail = problem["detail"].as_str().unwrap();
                    assert!(
                        detail.contains(from) && detail.contains(to),
                        "both are named: {detail}"
                    );
                }
                assert_eq!(
                    order,
                    shown(&app, &cast, &order).await,
                    "{role:?}: {from} -> {to}"
                );
            }
            assert_eq!(Contents::of(app.database()), before, "{from} -> {to}");
        }
        let order = order_in(&app, &cast, &mug, steps).await;
        assert_problem(
            &step(&app, &cast.operator, id(&order), "place").await,
            404,
            "not_found",
        );
    }
}

/// Somebody asks for a step.
async fn ask(app: &TestApp, cast: &Cast, role: Role, order: &Value, action: &str) -> Answer {
    let call = app.post(&format!("/api/v1/orders/{}/{action}", id(order)));
    match cast.account(role) {
        Some(account) => call.token(account).send().await,
        None => call.send().await,
    }
}

/// The order as its owner sees it now.
async fn shown(app: &TestApp, cast: &Cast, order: &Value) -> Value {
    let path = format!("/api/v1/orders/{}", id(order));
    app.get(&path)
        .token(&cast.owner)
        .send()
        .await
        .expect(200)
        .json()
}

on_both!(each_step_is_in_the_history_with_who_made_it_and_in_the_outbox_with_the_order);
async fn each_step_is_in_the_history_with_who_made_it_and_in_the_outbox_with_the_order(
    app: TestApp,
) {
    let cast = Cast::of(&app).await;
    let (mug, cup) = (app.product("MUG", 5).await, app.product("CUP", 5).await);
    let call = placing(&app, &cast.owner, &basket(&[(&mug, 2), (&cup, 1)]));
    let placed = call.send().await.expect(201).json();
    let mut states = vec![placed.clone()];
    for action in ["pay", "ship", "deliver"] {
        let next = step(&app, &cast.operator, id(&placed), action)
            .await
            .expect(200);
        assert_eq!(next.header("content-type"), Some("application/json"));
        states.push(next.json());
    }
    // Nothing changes but the status and the time of the change, which goes forward.
    for (state, status) in states
        .iter()
        .zip(["placed", "paid", "shipped", "delivered"])
    {
        let mut expected = placed.clone();
        expected["status"] = json!(status);
        expected["updated_at"] = state["updated_at"].clone();
        assert_eq!(*state, expected);
    }
    assert!(
        states.is_sorted_by(|one, next| one["updated_at"].as_str() < next["updated_at"].as_str()),
        "{states:?}"
    );
    assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (3, 4));

    let entry = |from: Value, state: &Value, by: &Account| json!({"from": from, "to": state["status"], "at": state["updated_at"], "by": by.id});
    let expected = json!({"items": [
        entry(json!(null), &states[0], &cast.owner),
        entry(json!("placed"), &states[1], &cast.operator),
        entry(json!("paid"), &states[2], &cast.operator),
        entry(json!("shipped"), &states[3], &cast.operator),
    ]});
    let path = format!("/api/v1/orders/{}/history", id(&placed));
    for reader in [&cast.owner, &cast.operator] {
        assert_eq!(
            app.get(&path).token(reader).send().await.expect(200).json(),
            expected
        );
    }
    assert_events(&app, &states);
}

on_both!(who_cancels_is_in_the_history);
async fn who_cancels_is_in_the_history(app: TestApp) {
    let cast = Cast::of(&app).await;
    let mug = app.product("MUG", 5).await;
    for (steps, who) in [
        (&[][..], &cast.owner),
        (&["pay"], &cast.owner),
        (&[], &cast.operator),
        (&["pay"], &cast.operator),
    ] {
        let order = order_in(&app, &cast, &mug, steps).await;
        assert_eq!(stock(&app, &mug).await, 4);
        let cancelled = step(&app, who, id(&order), "cancel")
            .await
            .expect(200)
            .json();
        assert_eq!(stock(&app, &mug).await, 5);
        let path = format!("/api/v1/orders/{}/history", id(&order));
        let history = app
            .get(&path)
            .token(&cast.owner)
            .send()
            .await
            .expect(200)
            .json();
        let last = json!({"from": order["status"], "to": "cancelled", "at": cancelled["updated_at"], "by": who.id});
        assert_eq!(history["items"].as_array().unwrap().last(), Some(&last));
    }
}

/// Fails unless the outbox tells of the order in exactly these states, in their order.
#[track_caller]
fn assert_events(app: &TestApp, states: &[Value]) {
    let query = |column: &str| {
        let subject = id(&states[0]);
        format!(
            "SELECT {column} AS text FROM outbox_events WHERE subject_id = '{subject}' ORDER BY id"
        )
    };
    let payloads = app.database().texts(&query("payload"));
    let told: Vec<Value> = payloads
        .iter()
        .map(|payload| serde_json::from_str(payload).unwrap())
        .collect();
    let event = |state: &Value| json!({"type": event_type(state), "timestamp": state["updated_at"], "data": state});
    assert_eq!(told, states.iter().map(event).collect::<Vec<_>>());
    assert_eq!(
        app.database().texts(&query("event_type")),
        states.iter().map(event_type).collect::<Vec<_>>()
    );
}

fn event_type(state: &Value) -> String {
    format!("order.{}", state["status"].as_str().unwrap())
}

on_both!(a_cancelled_order_is_told_of_and_its_stock_is_back);
async fn a_cancelled_order_is_told_of_and_its_stock_is_back(app: TestApp) {
    let cast = Cast::of(&app).await;
    let (mug, cup) = (app.product("MUG", 5).await, app.product("CUP", 3).await);
    let call = placing(&app, &cast.owner, &basket(&[(&cup, 3), (&mug, 2)]));
    let mut states = vec![call.send().await.expect(201).json()];
    assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (3, 0));
    for (account, action) in [(&cast.operator, "pay"), (&cast.owner, "cancel")] {
        states.push(
            step(&app, account, id(&states[0]), action)
                .await
                .expect(200)
                .json(),
        );
    }
    assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (5, 3));
    assert_events(&app, &states);
    // What is back can be sold.
    placing(&app, &cast.stranger, &basket(&[(&cup, 3)]))
        .send()
        .await
        .expect(201);
}

on_both!(an_order_that_is_not_there_cannot_be_moved);
async fn an_order_that_is_not_there_cannot_be_moved(app: TestApp) {
    let cast = Cast::of(&app).await;
    let missing = Uuid::now_v7().to_string();
    for (action, _) in ACTIONS {
        assert_problem(
            &step(&app, &cast.operator, &missing, action).await,
            404,
            "not_found",
        );
        let malformed = step(&app, &cast.operator, "17", action).await;
        assert_fields(
            &assert_problem(&malformed, 400, "invalid_parameter"),
            &["id"],
        );
    }
    assert_problem(
        &step(&app, &cast.owner, &missing, "cancel").await,
        404,
        "not_found",
    );
}
