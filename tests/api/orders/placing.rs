//! Placing: what is answered and stored for an order that is good, and that everything else changes nothing at all.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Contents, basket, id, placing, product, stock};
use crate::support::client::Answer;
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// Whether it is RFC 3339 in UTC with exactly three decimals.
fn is_time(value: &Value) -> bool {
    let shape = |text: &str| text.replace(|sign: char| sign.is_ascii_digit(), "0");
    value
        .as_str()
        .is_some_and(|text| shape(text) == "0000-00-00T00:00:00.000Z")
}

on_both!(an_order_is_answered_with_its_place_and_all_its_members);
async fn an_order_is_answered_with_its_place_and_all_its_members(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = product(&app, "MUG-BLUE", "physical", 1999, 5).await;
    let song = product(&app, "SONG", "digital", 99, 1000).await;
    let answer = placing(&app, &buyer, &basket(&[(&song, 3), (&mug, 2)]))
        .send()
        .await
        .expect(201);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("idempotency-replayed"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let order = answer.json();
    let path = format!("/api/v1/orders/{}", id(&order));
    assert_eq!(answer.header("location"), Some(path.as_str()));
    assert_eq!(Uuid::try_parse(id(&order)).unwrap().get_version_num(), 7);
    assert!(
        is_time(&order["created_at"]) && order["created_at"] == order["updated_at"],
        "{order}"
    );
    let expected = json!({
        "id": order["id"], "status": "placed", "total_cents": 3 * 99 + 2 * 1999,
        "items": [
            {"product_id": song, "sku": "SONG", "name": "The SONG", "quantity": 3, "unit_price_cents": 99, "line_total_cents": 297},
            {"product_id": mug, "sku": "MUG-BLUE", "name": "The MUG-BLUE", "quantity": 2, "unit_price_cents": 1999, "line_total_cents": 3998},
        ],
        "created_at": order["created_at"], "updated_at": order["created_at"],
    });
    assert_eq!(order, expected);
    let shown = app.get(&path).token(&buyer).send().await.expect(200);
    assert_eq!(shown.json(), order);
    assert_eq!(shown.text(), answer.text(), "an order is written one way");
}

on_both!(an_order_is_stored_with_all_that_belongs_to_it);
async fn an_order_is_stored_with_all_that_belongs_to_it(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 5).await, app.product("CUP", 7).await);
    let before = Contents::of(app.database());
    let call = placing(&app, &buyer, &basket(&[(&mug, 2), (&cup, 7)])).key("k");
    let order = call.send().await.expect(201).json();
    let after = Contents {
        orders: 1,
        lines: 2,
        steps: 1,
        events: 1,
        keys: 1,
        pieces: before.pieces - 9,
    };
    assert_eq!(Contents::of(app.database()), after);
    assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (3, 0));

    let history = app
        .get(&format!("/api/v1/orders/{}/history", id(&order)))
        .token(&buyer)
        .send()
        .await;
    let step = json!({"from": null, "to": "placed", "at": order["created_at"], "by": buyer.id});
    assert_eq!(history.expect(200).json(), json!({"items": [step]}));

    let database = app.database();
    let of_order = format!("FROM outbox_events WHERE subject_id = '{}'", id(&order));
    assert_eq!(
        database.texts(&format!("SELECT event_type AS text {of_order}")),
        ["order.placed"]
    );
    let payloads = database.texts(&format!("SELECT payload AS text {of_order}"));
    let payload: Value = serde_json::from_str(&payloads[0]).unwrap();
    let event = json!({"type": "order.placed", "timestamp": order["created_at"], "data": order});
    assert_eq!(payload, event);
}

on_both!(prices_and_names_are_those_of_the_moment);
async fn prices_and_names_are_those_of_the_moment(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 10).await;
    let first = placing(&app, &buyer, &basket(&[(&mug, 2)]))
        .send()
        .await
        .expect(201)
        .json();
    let change = json!({"name": "Another name", "unit_price_cents": 1});
    let path = format!("/api/v1/products/{mug}");
    let change = app.patch(&path).token(&app.operator().await).json(&change);
    change.send().await.expect(200);
    let path = format!("/api/v1/orders/{}", id(&first));
    assert_eq!(
        app.get(&path).token(&buyer).send().await.expect(200).json(),
        first
    );
    let listed = app
        .get("/api/v1/orders")
        .token(&buyer)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(listed["items"][0], first);
    let second = placing(&app, &buyer, &basket(&[(&mug, 2)]))
        .send()
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&second["total_cents"], &second["items"][0]["name"]),
        (&json!(2), &json!("Another name"))
    );
    assert_eq!(first["total_cents"], 2500);
}

on_both!(one_to_fifty_items_of_one_to_a_thousand_pieces_are_taken);
async fn one_to_fifty_items_of_one_to_a_thousand_pieces_are_taken(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mut products = Vec::new();
    for number in 0..51 {
        products.push((app.product(&format!("P-{number}"), 1000).await, 1000));
    }
    let before = Contents::of(app.database());
    let refused = placing(&app, &buyer, &basket(&products))
        .key("k")
        .send()
        .await;
    assert_fields(&assert_problem(&refused, 422, "invalid_body"), &["items"]);
    let none: [(&str, u32); 0] = [];
    let refused = placing(&app, &buyer, &basket(&none)).key("k").send().await;
    assert_fields(&assert_problem(&refused, 422, "invalid_body"), &["items"]);
    assert_eq!(Contents::of(app.database()), before);

    // In the opposite order of the locks.
    products.reverse();
    let order = placing(&app, &buyer, &basket(&products[..50]))
        .send()
        .await
        .expect(201)
        .json();
    let asked: Vec<_> = products[..50].iter().map(|(id, _)| id.as_str()).collect();
    let answered = order["items"].as_array().unwrap().iter();
    assert!(
        answered
            .map(|line| line["product_id"].as_str().unwrap())
            .eq(asked),
        "lines keep their order"
    );
    assert_eq!(order["total_cents"], 50 * 1000 * 1250);
    assert_eq!(Contents::of(app.database()).pieces, before.pieces - 50_000);
}

on_both!(quantities_out_of_bounds_are_refused_by_name);
async fn quantities_out_of_bounds_are_refused_by_name(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (
        app.product("MUG", 2000).await,
        app.product("CUP", 2000).await,
    );
    let before = Contents::of(app.database());
    for quantity in [
        json!(0),
        json!(1001),
        json!(-1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5),
        json!("1"),
        json!(null),
        json!([1]),
    ] {
        let body = json!({"items": [{"product_id": cup, "quantity": 1}, {"product_id": mug, "quantity": quantity}]});
        let refused = placing(&app, &buyer, &body).key("k").send().await;
        assert_fields(
            &assert_problem(&refused, 422, "invalid_body"),
            &["items[1].quantity"],
        );
    }
    let both = json!({"items": [{"product_id": cup, "quantity": 0}, {"product_id": mug, "quantity": 1001}]});
    let refused = placing(&app, &buyer, &both).send().await;
    assert_fields(
        &assert_problem(&refused, 422, "invalid_body"),
        &["items[0].quantity", "items[1].quantity"],
    );
    assert_eq!(Contents::of(app.database()), before);
}

on_both!(members_that_are_missing_unknown_or_no_id_are_refused_by_name);
async fn members_that_are_missing_unknown_or_no_id_are_refused_by_name(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 10).await;
    let before = Contents::of(app.database());
    for (body, field) in [
        (json!({}), "items"),
        (json!({"items": null}), "items"),
        (json!({"items": {}}), "items"),
        (json!({"items": [], "total_cents": 1}), "total_cents"),
        (json!({"items": [{"quantity": 1}]}), "items[0].product_id"),
        (json!({"items": [{"product_id": mug}]}), "items[0].quantity"),
        (
            json!({"items": [{"product_id": "mug", "quantity": 1}]}),
            "items[0].product_id",
        ),
        (
            json!({"items": [{"product_id": mug, "quantity": 1, "unit_price_cents": 1}]}),
            "items[0].unit_price_cents",
        ),
    ] {
        let refused = placing(&app, &buyer, &body).key("k").send().await;
        assert_fields(&assert_problem(&refused, 422, "invalid_body"), &[field]);
    }
    for body in ["", "{", "items", "{\"items\": []} {}"] {
        let call = app
            .post("/api/v1/orders")
            .token(&buyer)
            .key("k")
            .body("application/json", body);
        assert_problem(&call.send().await, 400, "malformed_request");
    }
    assert_eq!(Contents::of(app.database()), before);
}

on_both!(an_unknown_product_is_refused_by_name_and_nothing_is_done);
async fn an_unknown_product_is_refused_by_name_and_nothing_is_done(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let mug = app.product("MUG", 10).await;
    let before = Contents::of(app.database());
    let body = basket(&[
        (Uuid::now_v7().to_string(), 1),
        (mug.clone(), 1),
        (Uuid::nil().to_string(), 2),
    ]);
    let refused = placing(&app, &buyer, &body).key("k").send().await;
    assert_fields(
        &assert_problem(&refused, 422, "unknown_product"),
        &["items[0].product_id", "items[2].product_id"],
    );
    assert_eq!(Contents::of(app.database()), before);
}

on_both!(a_product_listed_twice_is_refused_by_name_and_nothing_is_done);
async fn a_product_listed_twice_is_refused_by_name_and_nothing_is_done(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup) = (app.product("MUG", 10).await, app.product("CUP", 10).await);
    let before = Contents::of(app.database());
    // Another spelling of an id is the same product.
    let body = basket(&[
        (mug.clone(), 6),
        (cup, 1),
        (mug.to_uppercase(), 6),
        (mug.replace('-', ""), 1),
    ]);
    let refused = placing(&app, &buyer, &body).key("k").send().await;
    assert_fields(
        &assert_problem(&refused, 422, "duplicate_product"),
        &["items[2].product_id", "items[3].product_id"],
    );
    assert_eq!(Contents::of(app.database()), before);
}

on_both!(a_total_that_cannot_be_counted_is_refused_by_name_and_nothing_is_done);
async fn a_total_that_cannot_be_counted_is_refused_by_name_and_nothing_is_done(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let gold = product(&app, "GOLD", "physical", 1, 1000).await;
    let cup = app.product("CUP", 10).await;
    // As dear as the database can hold: the API may draw its line earlier.
    let dearest = format!(
        "UPDATE products SET unit_price_cents = {} WHERE id = '{gold}'",
        i64::MAX
    );
    app.database().execute(&dearest);
    let before = Contents::of(app.database());
    for (body, field) in [
        (basket(&[(&cup, 1), (&gold, 2)]), "items[1].quantity"),
        (basket(&[(&gold, 1), (&cup, 1)]), "items[1].quantity"),
        (basket(&[(&gold, 1000), (&cup, 1)]), "items[0].quantity"),
    ] {
        let refused = placing(&app, &buyer, &body).key("k").send().await;
        assert_fields(&assert_problem(&refused, 422, "total_overflow"), &[field]);
    }
    assert_eq!(Contents::of(app.database()), before);
    let order = placing(&app, &buyer, &basket(&[(&gold, 1)]))
        .send()
        .await
        .expect(201)
        .json();
    assert_eq!(order["total_cents"], i64::MAX);
}

#[track_caller]
fn assert_out_of_stock(answer: &Answer, fields: &[&str], named: &[&str]) {
    let problem = assert_problem(answer, 409, "out_of_stock");
    assert_fields(&problem, fields);
    assert_eq!(
        answer.header("retry-after"),
        None,
        "it will not be better in a second"
    );
    for product in named {
        assert!(
            problem["detail"].as_str().unwrap().contains(product),
            "{problem}"
        );
        assert!(problem["errors"].to_string().contains(product), "{problem}");
    }
}

on_both!(too_little_stock_is_refused_by_name_and_nothing_is_taken);
async fn too_little_stock_is_refused_by_name_and_nothing_is_taken(app: TestApp) {
    let buyer = app.register("buyer@example.com").await;
    let (mug, cup, jar) = (
        app.product("MUG", 5).await,
        app.product("CUP", 3).await,
        app.product("JAR", 0).await,
    );
    let before = Contents::of(app.database());
    let refused = placing(&app, &buyer, &basket(&[(&mug, 5), (&cup, 4), (&jar, 1)]))
        .send()
        .await;
    assert_out_of_stock(
        &refused,
        &["items[1].quantity", "items[2].quantity"],
        &["CUP", "JAR"],
    );
    assert!(
        !refused.text().contains("MUG"),
        "there are enough of it: {}",
        refused.text()
    );
    assert_eq!(Contents::of(app.database()), before);

    placing(&app, &buyer, &basket(&[(&mug, 5), (&cup, 3)]))
        .send()
        .await
        .expect(201);
    let refused = placing(&app, &buyer, &basket(&[(&mug, 1)])).send().await;
    assert_out_of_stock(&refused, &["items[0].quantity"], &["MUG"]);
    assert_eq!((stock(&app, &mug).await, stock(&app, &cup).await), (0, 0));
}

on_both!(without_an_account_nothing_is_placed);
async fn without_an_account_nothing_is_placed(app: TestApp) {
    let mug = app.product("MUG", 5).await;
    let before = Contents::of(app.database());
    let call = || {
        app.post("/api/v1/orders")
            .key("k")
            .json(&basket(&[(&mug, 1)]))
    };
    let nobody = call().send().await;
    assert_problem(&nobody, 401, "unauthenticated");
    assert!(nobody.header("www-authenticate").is_some());
    assert_problem(&call().bearer("a.b.c").send().await, 401, "unauthenticated");

    // Its token lives on for a while when an account is gone.
    let gone = app.register("gone@example.com").await;
    app.database().execute(&format!(
        "DELETE FROM refresh_tokens; DELETE FROM accounts WHERE id = '{}'",
        gone.id
    ));
    assert_problem(&call().token(&gone).send().await, 401, "unauthenticated");
    let too_many = placing(&app, &gone, &basket(&[(&mug, 6)]))
        .key("k")
        .send()
        .await;
    assert_problem(&too_many, 401, "unauthenticated");
    assert_eq!(Contents::of(app.database()), before);
}
