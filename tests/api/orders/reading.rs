//! Reading orders: the own ones page by page, single ones, and that another's order is as good as missing.

use std::cell::{Cell, RefCell};

use futures_util::future::join;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PATIENT, basket, id, place, placing, step};
use crate::support::client::Account;
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

async fn page(app: &TestApp, account: &Account, query: &str) -> Value {
    let page = app
        .get(&format!("/api/v1/orders?{query}"))
        .token(account)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        page.as_object().unwrap().len(),
        2,
        "items and next_cursor: {page}"
    );
    page
}

fn ids(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| id(order).to_owned())
        .collect()
}

/// What to ask for to get the page after this one.
fn next(page: &Value, query: &str) -> Option<String> {
    assert!(
        page["next_cursor"].is_string() || page["next_cursor"].is_null(),
        "{page}"
    );
    page["next_cursor"]
        .as_str()
        .map(|cursor| format!("{query}&cursor={cursor}"))
}

/// All pages, one after the other.
async fn walk(app: &TestApp, account: &Account, query: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut asked = Some(query.to_owned());
    while let Some(query_of_page) = asked {
        let page = page(app, account, &query_of_page).await;
        asked = next(&page, query);
        assert!(
            asked.is_none() || !ids(&page).is_empty(),
            "a page that only leads on: {page}"
        );
        seen.extend(ids(&page));
    }
    seen
}

on_both!(own_orders_are_listed_the_newest_first_as_they_are_shown);
async fn own_orders_are_listed_the_newest_first_as_they_are_shown(app: TestApp) {
    let (buyer, other) = (
        app.register("buyer@example.com").await,
        app.register("other@example.com").await,
    );
    let (mug, cup) = (app.product("MUG", 100).await, app.product("CUP", 100).await);
    assert_eq!(
        page(&app, &buyer, "").await,
        json!({"items": [], "next_cursor": null})
    );
    let mut orders = Vec::new();
    for quantity in 1..=25 {
        let call = placing(
            &app,
            &buyer,
            &basket(&[(&cup, quantity % 4 + 1), (&mug, 1)]),
        );
        orders.insert(0, call.send().await.expect(201).json());
        place(&app, &other, &mug).await;
    }
    step(&app, &app.operator().await, id(&orders[0]), "pay")
        .await
        .expect(200);
    let path = format!("/api/v1/orders/{}", id(&orders[0]));
    orders[0] = app.get(&path).token(&buyer).send().await.expect(200).json();

    let first = page(&app, &buyer, "").await;
    assert_eq!(
        first["items"],
        json!(orders[..20]),
        "20 when nothing is said"
    );
    let second = page(&app, &buyer, &next(&first, "").expect("more")).await;
    assert_eq!(
        (&second["items"], &second["next_cursor"]),
        (&json!(orders[20..]), &json!(null))
    );
    let all: Vec<_> = orders.iter().map(|order| id(order).to_owned()).collect();
    for limit in [1, 5, 7, 24, 25, 26, 100] {
        assert_eq!(
            walk(&app, &buyer, &format!("limit={limit}")).await,
            all,
            "in pages of {limit}"
        );
    }
    // An operator's own list is that of its own orders.
    assert_eq!(
        page(&app, &app.operator().await, "").await,
        json!({"items": [], "next_cursor": null})
    );
}

on_both!(a_status_narrows_the_list);
async fn a_status_narrows_the_list(app: TestApp) {
    let (buyer, operator) = (
        app.register("buyer@example.com").await,
        app.operator().await,
    );
    let mug = app.product("MUG", 100).await;
    let ways: [(&str, &[&str]); 5] = [
        ("placed", &[]),
        ("paid", &["pay"]),
        ("shipped", &["pay", "ship"]),
        ("delivered", &["pay", "ship", "deliver"]),
        ("cancelled", &["cancel"]),
    ];
    let mut standing: [Vec<String>; 5] = Default::default();
    for number in 0..15 {
        let order = place(&app, &buyer, &mug).await;
        for action in ways[number % 5].1 {
            step(&app, &operator, id(&order), action).await.expect(200);
        }
        standing[number % 5].insert(0, id(&order).to_owned());
    }
    for ((status, _), expected) in ways.iter().zip(&standing) {
        assert_eq!(
            &ids(&page(&app, &buyer, &format!("status={status}")).await),
            expected
        );
        assert_eq!(
            &walk(&app, &buyer, &format!("status={status}&limit=2")).await,
            expected
        );
    }
    assert_eq!(ids(&page(&app, &buyer, "").await).len(), 15);
}

on_both!(parameters_that_make_no_sense_are_refused_by_name);
async fn parameters_that_make_no_sense_are_refused_by_name(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 5).await;
    let order = place(&app, &buyer, &mug).await;
    for (query, field) in [
        ("status=", "status"),
        ("status=Paid", "status"),
        ("status=paid,placed", "status"),
        ("status=lost%00", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=", "limit"),
        ("cursor=", "cursor"),
        ("cursor=x", "cursor"),
        ("cursor=%FF", "cursor"),
    ] {
        let answer = app
            .get(&format!("/api/v1/orders?{query}"))
            .token(&buyer)
            .send()
            .await;
        let problem = assert_problem(&answer, 400, "invalid_parameter");
        assert_fields(&problem, &[field]);
    }
    // A cursor is what was given out, not the id that it stands for.
    let cursor = format!("/api/v1/orders?cursor={}", id(&order));
    assert_problem(
        &app.get(&cursor).token(&buyer).send().await,
        400,
        "invalid_parameter",
    );
    for path in ["/api/v1/orders/17", "/api/v1/orders/17/history"] {
        let answer = app.get(path).token(&buyer).send().await;
        assert_fields(&assert_problem(&answer, 400, "invalid_parameter"), &["id"]);
    }
}

on_both!(a_page_goes_on_where_the_one_before_ended_whatever_was_placed_since);
async fn a_page_goes_on_where_the_one_before_ended_whatever_was_placed_since(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 1000).await;
    let mut before = Vec::new();
    for _ in 0..10 {
        before.insert(0, id(&place(&app, &buyer, &mug).await).to_owned());
    }
    let mut seen = Vec::new();
    let mut asked = Some("limit=3".to_owned());
    while let Some(query) = asked {
        let page = page(&app, &buyer, &query).await;
        asked = next(&page, "limit=3");
        seen.extend(ids(&page));
        for _ in 0..4 {
            place(&app, &buyer, &mug).await;
        }
    }
    assert_eq!(seen, before, "every one once, and nothing that came later");
}

on_both!(
    while_others_insert_nothing_is_shown_twice_or_left_out,
    PATIENT
);
async fn while_others_insert_nothing_is_shown_twice_or_left_out(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 1000).await;
    let acknowledged = RefCell::new(Vec::new());
    let still_writing = Cell::new(3);
    let writer = async || {
        for _ in 0..40 {
            let order = place(&app, &buyer, &mug).await;
            acknowledged.borrow_mut().push(id(&order).to_owned());
        }
        still_writing.set(still_writing.get() - 1);
    };
    let reader = async {
        let mut walks = 0;
        while still_writing.get() > 0 {
            let known = acknowledged.borrow().clone();
            let seen = walk(&app, &buyer, "limit=5").await;
            assert!(
                seen.is_sorted_by(|one, next| one > next),
                "the newest first, each once: {seen:?}"
            );
            let missing: Vec<_> = known.iter().filter(|known| !seen.contains(known)).collect();
            assert!(missing.is_empty(), "left out: {missing:?}");
            walks += 1;
        }
        walks
    };
    let writers = futures_util::future::join_all([writer(), writer(), writer()]);
    let (walks, _) = join(reader, writers).await;
    assert!(walks > 2, "read {walks} times while orders were placed");
    assert_eq!(walk(&app, &buyer, "limit=100").await.len(), 120);
}

on_both!(anothers_order_is_answered_to_the_byte_like_a_missing_one);
async fn anothers_order_is_answered_to_the_byte_like_a_missing_one(app: TestApp) {
    let (owner, stranger) = (
        app.register("owner@example.com").await,
        app.register("stranger@example.com").await,
    );
    let mug = app.product("MUG", 5).await;
    let order = place(&app, &owner, &mug).await;
    for (method, tail) in [("GET", ""), ("GET", "/history"), ("POST", "/cancel")] {
        let ask = async |order: &str| {
            let call = app.call(method, &format!("/api/v1/orders/{order}{tail}"));
            call.token(&stranger)
                .header("x-request-id", "the-same")
                .send()
                .await
        };
        let (foreign, missing) = (
            ask(id(&order)).await,
            ask(&Uuid::now_v7().to_string()).await,
        );
        assert_problem(&foreign, 404, "not_found");
        assert_eq!(foreign.text(), missing.text(), "{method} {tail}");
        let headers = |answer: &crate::support::client::Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers
        };
        assert_eq!(headers(&foreign), headers(&missing), "{method} {tail}");
    }
    let path = format!("/api/v1/orders/{}", id(&order));
    assert_eq!(
        app.get(&path).token(&owner).send().await.expect(200).json(),
        order
    );
}

on_both!(an_operator_reads_any_order);
async fn an_operator_reads_any_order(app: TestApp) {
    let (owner, operator) = (
        app.register("owner@example.com").await,
        app.operator().await,
    );
    let mug = app.product("MUG", 5).await;
    let order = place(&app, &owner, &mug).await;
    let path = format!("/api/v1/orders/{}", id(&order));
    for path in [path.clone(), format!("{path}/history")] {
        let (owners, operators) = (
            app.get(&path).token(&owner).send().await,
            app.get(&path).token(&operator).send().await,
        );
        assert_eq!(operators.expect(200).text(), owners.expect(200).text());
        assert_problem(&app.get(&path).send().await, 401, "unauthenticated");
    }
}
