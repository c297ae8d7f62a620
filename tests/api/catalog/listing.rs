//! `GET /api/v1/products`: pages in the order in which the products came, of one type or of all; and what is not there.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{added, items, mug};
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

const TYPES: [&str; 4] = ["physical", "digital", "service", "subscription"];

/// Puts so many products in, of the four types in turn.
async fn fill(app: &TestApp, products: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for (number, kind) in (0..products).zip(TYPES.into_iter().cycle()) {
        let mut body = mug(&format!("SKU-{number}"));
        body["product_type"] = json!(kind);
        all.push(added(app, &body).await);
    }
    all
}

async fn page(app: &TestApp, query: &str) -> Value {
    let path = format!("/api/v1/products?{query}");
    let page = app.get(&path).send().await.expect(200).json();
    assert_eq!(page.as_object().unwrap().len(), 2, "{page}");
    page
}

/// All pages, one after the other; each but the last is full.
async fn walk(app: &TestApp, query: &str, limit: usize) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = page(app, &format!("{query}limit={limit}{cursor}")).await;
        seen.extend_from_slice(items(&page));
        let Some(next) = page["next_cursor"].as_str() else {
            assert!(items(&page).len() <= limit, "{page}");
            return seen;
        };
        assert_eq!(items(&page).len(), limit, "{page}");
        cursor = format!("&cursor={next}");
    }
}

on_both!(a_list_shows_products_in_the_order_in_which_they_came);
async fn a_list_shows_products_in_the_order_in_which_they_came(app: TestApp) {
    let empty = json!({"items": [], "next_cursor": null});
    assert_eq!(page(&app, "").await, empty);
    let all = fill(&app, 21).await;
    // 20 in a page unless asked otherwise.
    let first = page(&app, "").await;
    assert_eq!(items(&first), &all[..20]);
    let cursor = first["next_cursor"].as_str().expect("there is one more");
    let rest = page(&app, &format!("cursor={cursor}")).await;
    assert_eq!(rest, json!({"items": [all[20]], "next_cursor": null}));
    for limit in [1, 7, 20, 21, 100] {
        assert_eq!(walk(&app, "", limit).await, all, "{limit} in a page");
    }
    // A page that ends with the last product leads nowhere.
    assert_eq!(page(&app, "limit=21").await["next_cursor"], Value::Null);
}

on_both!(a_list_is_narrowed_to_one_type_on_every_page);
async fn a_list_is_narrowed_to_one_type_on_every_page(app: TestApp) {
    assert!(items(&page(&app, "type=digital").await).is_empty());
    let all = fill(&app, 11).await;
    for kind in TYPES {
        let of_it: Vec<Value> = all
            .iter()
            .filter(|product| product["product_type"] == kind)
            .cloned()
            .collect();
        assert!(of_it.len() >= 2);
        assert_eq!(items(&page(&app, &format!("type={kind}")).await), of_it);
        for limit in [1, 2] {
            let seen = walk(&app, &format!("type={kind}&"), limit).await;
            assert_eq!(seen, of_it, "{kind}, {limit} in a page");
        }
    }
    for kind in ["", "Digital", "virtual", "digital,service"] {
        let path = format!("/api/v1/products?type={kind}");
        let answer = app.get(&path).send().await;
        let problem = assert_problem(&answer, 400, "invalid_parameter");
        assert_fields(&problem, &["type"]);
    }
}

on_both!(a_page_that_cannot_be_is_refused_with_the_parameter_named);
async fn a_page_that_cannot_be_is_refused_with_the_parameter_named(app: TestApp) {
    fill(&app, 2).await;
    let first = page(&app, "limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let altered = format!("B{}", &cursor[1..]);
    let cut = &cursor[..cursor.len() - 1];
    let id = Uuid::now_v7();
    for (query, fields) in [
        ("limit=0".to_owned(), &["limit"][..]),
        ("limit=101".to_owned(), &["limit"]),
        ("limit=-1".to_owned(), &["limit"]),
        ("limit=1.5".to_owned(), &["limit"]),
        ("limit=".to_owned(), &["limit"]),
        ("limit=99999999999999999999".to_owned(), &["limit"]),
        ("cursor=".to_owned(), &["cursor"]),
        (format!("cursor={altered}"), &["cursor"]),
        (format!("cursor={cut}"), &["cursor"]),
        (format!("cursor={id}"), &["cursor"]),
        ("limit=0&cursor=x".to_owned(), &["cursor", "limit"]),
    ] {
        let path = format!("/api/v1/products?{query}");
        let answer = app.get(&path).send().await;
        let problem = assert_problem(&answer, 400, "invalid_parameter");
        assert_fields(&problem, fields);
    }
}

on_both!(a_product_that_is_not_there_is_not_found_whoever_asks);
async fn a_product_that_is_not_there_is_not_found_whoever_asks(app: TestApp) {
    let operator = app.operator().await;
    let path = format!("/api/v1/products/{}", Uuid::now_v7());
    for call in [
        app.get(&path),
        app.get(&path).token(&operator),
        // Nothing has no version either.
        app.get(&path).header("if-none-match", "*"),
    ] {
        let answer = call.send().await;
        assert_problem(&answer, 404, "not_found");
        assert_eq!(answer.header("etag"), None);
    }
    let nonsense = app.get("/api/v1/products/MUG-1").send().await;
    let problem = assert_problem(&nonsense, 400, "invalid_parameter");
    assert_fields(&problem, &["id"]);
}
