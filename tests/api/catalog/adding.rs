//! `POST /api/v1/products`: the product and where it is, or every field at fault and nothing added.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{HIGHEST_PRICE, MOST_PIECES, add, added, count, mug, mug_with, path, shown, tag};
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

on_both!(a_product_is_put_into_the_catalog_and_is_where_the_answer_says);
async fn a_product_is_put_into_the_catalog_and_is_where_the_answer_says(app: TestApp) {
    let answer = add(&app, &mug("MUG-1")).await.expect(201);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    // It was asked for with a token.
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let product = answer.json();
    for (field, value) in mug("MUG-1").as_object().unwrap() {
        assert_eq!(&product[field], value, "{field}");
    }
    assert_eq!(product.as_object().unwrap().len(), 8, "{product}");
    assert_eq!(product["created_at"], product["updated_at"]);
    assert_eq!(answer.header("location"), Some(&*path(&product)));
    // What is found there is what was answered, to the byte, and so is its tag.
    let found = shown(&app, &product).await;
    assert_eq!(found.text(), answer.text());
    assert_eq!(tag(&found), tag(&answer));
    let list = app.get("/api/v1/products").send().await.expect(200).json();
    assert_eq!(list, json!({"items": [product], "next_cursor": null}));
}

on_both!(a_taken_sku_is_refused_and_nothing_is_added);
async fn a_taken_sku_is_refused_and_nothing_is_added(app: TestApp) {
    let first = added(&app, &mug("MUG-1")).await;
    let mut other = mug("MUG-1");
    other["name"] = json!("Another mug");
    let problem = assert_problem(&add(&app, &other).await, 409, "sku_taken");
    assert_fields(&problem, &["sku"]);
    assert_eq!(shown(&app, &first).await.json(), first);
    assert_eq!(count(&app), 1);
    // Letter case tells SKUs apart.
    added(&app, &mug("mug-1")).await;
    assert_eq!(count(&app), 2);
}

on_both!(of_several_who_add_one_sku_at_once_one_does);
async fn of_several_who_add_one_sku_at_once_one_does(app: TestApp) {
    app.operator().await;
    let body = mug("MUG-1");
    let answers = join_all((0..5).map(|_| add(&app, &body))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((done.len(), refused.len()), (1, 4));
    for answer in refused {
        assert_problem(answer, 409, "sku_taken");
    }
    assert_eq!(count(&app), 1);
}

on_both!(every_field_keeps_its_rule);
async fn every_field_keeps_its_rule(app: TestApp) {
    let refused: [(&str, Vec<Value>); 5] = [
        (
            "sku",
            vec![
                json!(""),
                json!("a b"),
                json!("a/b"),
                json!("ä"),
                json!("a\u{0}"),
                json!("x".repeat(65)),
                json!(1),
                Value::Null,
            ],
        ),
        (
            "name",
            vec![
                json!(""),
                json!(" mug"),
                json!("mug\u{a0}"),
                json!("a\tb"),
                json!("a\u{0}b"),
                json!("ü".repeat(201)),
                json!(["mug"]),
                Value::Null,
            ],
        ),
        (
            "product_type",
            vec![
                json!("virtual"),
                json!("Physical"),
                json!(""),
                json!(0),
                Value::Null,
            ],
        ),
        (
            "unit_price_cents",
            vec![
                json!(-1),
                json!(HIGHEST_PRICE + 1),
                json!(12.5),
                json!(1490.0),
                json!("1490"),
                json!(u64::MAX),
                Value::Null,
            ],
        ),
        (
            "stock",
            vec![
                json!(-1),
                json!(MOST_PIECES + 1),
                json!(0.5),
                json!("3"),
                json!(true),
                Value::Null,
            ],
        ),
    ];
    for (field, values) in refused {
        for value in values {
            let answer = add(&app, &mug_with(field, value)).await;
            let problem = assert_problem(&answer, 422, "invalid_body");
            assert_fields(&problem, &[field]);
        }
        let mut without = mug("MUG-1");
        without.as_object_mut().unwrap().remove(field);
        let problem = assert_problem(&add(&app, &without).await, 422, "invalid_body");
        assert_fields(&problem, &[field]);
    }
    assert_eq!(count(&app), 0);
}

on_both!(what_is_just_within_the_rules_is_kept_as_it_was_sent);
async fn what_is_just_within_the_rules_is_kept_as_it_was_sent(app: TestApp) {
    let longest_name = "ü".repeat(200);
    for (number, (name, kind, cents, pieces)) in [
        ("A", "physical", 0, 0),
        (&*longest_name, "digital", HIGHEST_PRICE, MOST_PIECES),
        ("名前 🫖", "service", 1, 1),
        ("a \u{a0} b", "subscription", 1490, 3),
    ]
    .into_iter()
    .enumerate()
    {
        let sku = format!("{number}._-{}", "x".repeat(60));
        assert_eq!(sku.len(), 64);
        let body = json!({
            "sku": sku, "name": name, "product_type": kind, "unit_price_cents": cents, "stock": pieces,
        });
        let product = added(&app, &body).await;
        let found = shown(&app, &product).await.json();
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&found[field], value, "{field}");
        }
    }
}

on_both!(every_field_at_fault_is_named_at_once_and_unknown_ones_are_refused);
async fn every_field_at_fault_is_named_at_once_and_unknown_ones_are_refused(app: TestApp) {
    let body = json!({"sku": "a b", "name": " ", "product_type": "digital", "unit_price_cents": -1, "stock": -1});
    let problem = assert_problem(&add(&app, &body).await, 422, "invalid_body");
    assert_fields(&problem, &["sku", "name", "unit_price_cents", "stock"]);
    // What only the service decides, and what nobody knows.
    for field in ["id", "created_at", "updated_at", "colour", "unit_price"] {
        let answer = add(&app, &mug_with(field, json!("canary"))).await;
        let problem = assert_problem(&answer, 422, "invalid_body");
        assert_fields(&problem, &[field]);
        assert!(!answer.text().contains("canary"), "{}", answer.text());
    }
    let operator = app.operator().await;
    let twice = format!(r#"{{"sku":"A","sku":"B",{}"#, &mug("X").to_string()[1..]);
    let call = app.post("/api/v1/products").token(&operator);
    let answer = call.body("application/json", twice).send().await;
    let problem = assert_problem(&answer, 422, "invalid_body");
    assert_fields(&problem, &["sku"]);
    assert_eq!(count(&app), 0);
}
