//! `PATCH /api/v1/products/{id}`: name, price and stock, all that was asked or nothing; stock never below zero.

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{HIGHEST_PRICE, MOST_PIECES, added, change, mug, mug_with, shown, tag};
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

on_both!(each_field_changes_alone_and_all_of_them_together);
async fn each_field_changes_alone_and_all_of_them_together(app: TestApp) {
    let mut product = added(&app, &mug("MUG-1")).await;
    let mut tags = vec![tag(&shown(&app, &product).await)];
    for (body, changed) in [
        (json!({"name": "Mug, blue"}), json!({"name": "Mug, blue"})),
        (
            json!({"unit_price_cents": 0}),
            json!({"unit_price_cents": 0}),
        ),
        (json!({"stock_delta": 7}), json!({"stock": 10})),
        (json!({"stock_delta": -10}), json!({"stock": 0})),
        (
            json!({"name": "ü".repeat(200), "unit_price_cents": HIGHEST_PRICE, "stock_delta": 5}),
            json!({"name": "ü".repeat(200), "unit_price_cents": HIGHEST_PRICE, "stock": 5}),
        ),
    ] {
        let answer = change(&app, &product, &body).await.expect(200);
        let after = answer.json();
        for (field, value) in product.as_object().unwrap() {
            let expected = changed.get(field).unwrap_or(value);
            if field == "updated_at" {
                assert!(after[field].as_str() >= value.as_str(), "{after}");
            } else {
                assert_eq!(&after[field], expected, "{field} after {body}");
            }
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let found = shown(&app, &product).await;
        assert_eq!(
            (found.text(), tag(&found)),
            (answer.text(), tag(&answer)),
            "it is found as it was answered"
        );
        assert!(
            !tags.contains(&tag(&answer)),
            "each version has its own tag"
        );
        tags.push(tag(&answer));
        product = after;
    }
}

on_both!(a_change_of_nothing_or_of_what_cannot_change_is_refused);
async fn a_change_of_nothing_or_of_what_cannot_change_is_refused(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    for (body, field) in [
        (json!({}), ""),
        (json!({"name": null}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "mug "}), "name"),
        (json!({"name": "ü".repeat(201)}), "name"),
        (json!({"unit_price_cents": null}), "unit_price_cents"),
        (json!({"unit_price_cents": -1}), "unit_price_cents"),
        (
            json!({"unit_price_cents": HIGHEST_PRICE + 1}),
            "unit_price_cents",
        ),
        (json!({"unit_price_cents": 0.5}), "unit_price_cents"),
        (json!({"stock_delta": null}), "stock_delta"),
        (json!({"stock_delta": "5"}), "stock_delta"),
        (json!({"stock_delta": MOST_PIECES + 1}), "stock_delta"),
        (json!({"stock_delta": -MOST_PIECES - 1}), "stock_delta"),
        (json!({"name": "Mug, blue", "stock": 5}), "stock"),
        (json!({"name": "Mug, blue", "sku": "MUG-2"}), "sku"),
        (
            json!({"name": "Mug, blue", "product_type": "digital"}),
            "product_type",
        ),
        (json!({"name": "Mug, blue", "id": Uuid::nil()}), "id"),
        (json!({"name": "Mug, blue", "colour": "blue"}), "colour"),
    ] {
        let answer = change(&app, &product, &body).await;
        let problem = assert_problem(&answer, 422, "invalid_body");
        assert_fields(&problem, &[field]);
    }
    assert_eq!(shown(&app, &product).await.json(), product);
}

on_both!(stock_falls_to_zero_and_never_below);
async fn stock_falls_to_zero_and_never_below(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    // Neither does the name change with what is refused.
    let body = json!({"name": "Mug, blue", "stock_delta": -4});
    let refused = change(&app, &product, &body).await;
    let problem = assert_problem(&refused, 409, "insufficient_stock");
    assert_fields(&problem, &["stock_delta"]);
    assert!(
        problem["detail"].as_str().unwrap().contains('3'),
        "{problem}"
    );
    assert_eq!(shown(&app, &product).await.json(), product);
    let empty = change(&app, &product, &json!({"stock_delta": -3})).await;
    assert_eq!(empty.expect(200).json()["stock"], 0);
    for pieces in [-1, -MOST_PIECES] {
        let refused = change(&app, &product, &json!({"stock_delta": pieces})).await;
        assert_problem(&refused, 409, "insufficient_stock");
    }
    assert_eq!(shown(&app, &product).await.json()["stock"], 0);
}

on_both!(stock_does_not_rise_above_what_can_be_counted);
async fn stock_does_not_rise_above_what_can_be_counted(app: TestApp) {
    let product = added(&app, &mug_with("stock", json!(MOST_PIECES - 1))).await;
    let full = change(&app, &product, &json!({"stock_delta": 1})).await;
    assert_eq!(full.expect(200).json()["stock"], MOST_PIECES);
    for pieces in [1, MOST_PIECES] {
        let refused = change(&app, &product, &json!({"stock_delta": pieces})).await;
        let problem = assert_problem(&refused, 422, "invalid_body");
        assert_fields(&problem, &["stock_delta"]);
    }
    assert_eq!(shown(&app, &product).await.json()["stock"], MOST_PIECES);
}

on_both!(
    of_many_who_take_at_once_only_as_many_succeed_as_there_are_pieces,
    |settings| {
        let patience = std::time::Duration::from_secs(20);
        settings.database.wait_timeout = patience;
        settings.database.statement_timeout = patience;
        settings.database.deadline = patience;
    }
);
async fn of_many_who_take_at_once_only_as_many_succeed_as_there_are_pieces(app: TestApp) {
    let product = added(&app, &mug_with("stock", json!(5))).await;
    let one = json!({"stock_delta": -1});
    let answers = join_all((0..20).map(|_| change(&app, &product, &one))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), refused.len()), (5, 15));
    for answer in refused {
        assert_problem(answer, 409, "insufficient_stock");
    }
    // Each saw the stock as its own change left it.
    let mut left: Vec<_> = done
        .iter()
        .map(|answer| answer.json()["stock"].as_i64().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    assert_eq!(shown(&app, &product).await.json()["stock"], 0);
}

on_both!(a_product_that_is_not_there_cannot_be_changed);
async fn a_product_that_is_not_there_cannot_be_changed(app: TestApp) {
    let missing = json!({"id": Uuid::now_v7()});
    for body in [json!({"name": "Mug"}), json!({"stock_delta": -1})] {
        assert_problem(&change(&app, &missing, &body).await, 404, "not_found");
    }
    // The body is looked at first: what is wrong with it is so wherever it is sent.
    let refused = change(&app, &missing, &json!({"colour": "blue"})).await;
    assert_problem(&refused, 422, "invalid_body");
    let nonsense: Value = json!({"id": "nonsense"});
    let refused = change(&app, &nonsense, &json!({"name": "Mug"})).await;
    let problem = assert_problem(&refused, 400, "invalid_parameter");
    assert_fields(&problem, &["id"]);
}
