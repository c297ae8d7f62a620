//! Entity tags: who names the version that it has is told 304 and sent no body; whoever names another one gets the product.

use serde_json::json;

use super::{added, change, mug, path, shown, tag};
use crate::support::on_both;
use crate::support::test_app::TestApp;

on_both!(who_has_the_version_already_is_told_so_without_a_body);
async fn who_has_the_version_already_is_told_so_without_a_body(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    let (path, tag) = (path(&product), tag(&shown(&app, &product).await));
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"another\", {tag}"),
        format!("W/\"with,comma\",W/{tag} , \"another\""),
        "*".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let call = app.call(method, &path).header("if-none-match", &known);
            let answer = call.send().await.expect(304);
            assert_eq!(answer.header("etag"), Some(&*tag), "{known}");
            assert_eq!(answer.header("content-type"), None, "{known}");
            // It may be kept, as long as one asks each time.
            assert_eq!(answer.header("cache-control"), Some("no-cache"), "{known}");
            assert!(answer.body.is_empty());
        }
    }
    // In two lines of the header, which are one list.
    let call = app.get(&path).header("if-none-match", "\"another\"");
    call.header("if-none-match", &tag).send().await.expect(304);
    let metrics = app.metrics().await;
    let not_modified = [("path", "/api/v1/products/{id}"), ("status", "304")];
    let counted = metrics.sum("http_requests_total", &not_modified);
    assert!((counted - 11.0).abs() < 0.5, "{counted}");
}

on_both!(nothing_comes_after_the_head_of_a_304);
async fn nothing_comes_after_the_head_of_a_304(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    let (path, tag) = (path(&product), tag(&shown(&app, &product).await));
    // The second answer begins where the first one ends: a body between them would be taken for it.
    let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\n\r\n");
    let last = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut raw = app.raw().await;
    raw.send(ask + &last).await;
    let first = raw.response().await.expect("an answer");
    assert_eq!(first.status, 304);
    assert_eq!(first.header("etag"), Some(&*tag));
    let second = raw.response().await.expect("another answer");
    assert_eq!(second.status, 200);
    assert_eq!(second.header("etag"), Some(&*tag));
    assert!(second.text().contains("\"MUG-1\""), "{}", second.text());
}

on_both!(whoever_has_another_version_gets_the_product);
async fn whoever_has_another_version_gets_the_product(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    let first = shown(&app, &product).await;
    let tag = tag(&first);
    let bare = tag.trim_matches('"');
    for known in [
        "\"another\"".to_owned(),
        String::new(),
        bare.to_owned(),
        format!("w/{tag}"),
        format!("\"{bare}x\""),
        format!("\"another\" {tag}"),
        format!("{tag}x"),
        "\"another\", *".to_owned(),
    ] {
        let call = app.get(&path(&product)).header("if-none-match", &known);
        let answer = call.send().await.expect(200);
        assert_eq!(answer.header("etag"), Some(&*tag), "{known:?}");
        assert_eq!(answer.text(), first.text(), "{known:?}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
}

on_both!(a_version_ends_with_any_change_stock_that_is_sold_included);
async fn a_version_ends_with_any_change_stock_that_is_sold_included(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    let buyer = app.register("buyer@example.com").await;
    let path = path(&product);
    let with = async |known: &str| {
        let call = app.get(&path).header("if-none-match", known);
        call.send().await
    };
    let mut known = tag(&shown(&app, &product).await);
    for step in ["renamed", "sold", "read"] {
        with(&known).await.expect(304);
        match step {
            "renamed" => {
                let body = json!({"name": "Mug, blue"});
                change(&app, &product, &body).await.expect(200);
            }
            "sold" => {
                let id = product["id"].as_str().unwrap();
                app.place_order(&buyer, id, 1).await.expect(201);
            }
            _ => {
                // Reading changes nothing.
                shown(&app, &product).await;
                with(&known).await.expect(304);
                break;
            }
        }
        let answer = with(&known).await.expect(200);
        assert_ne!(tag(&answer), known, "{step}");
        known = tag(&answer);
    }
}

on_both!(what_is_asked_for_with_a_token_is_kept_by_no_cache);
async fn what_is_asked_for_with_a_token_is_kept_by_no_cache(app: TestApp) {
    let product = added(&app, &mug("MUG-1")).await;
    let buyer = app.register("buyer@example.com").await;
    let (path, tag) = (path(&product), tag(&shown(&app, &product).await));
    let call = app.get(&path).token(&buyer);
    let answer = call.send().await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let call = app.get(&path).token(&buyer).header("if-none-match", &tag);
    let answer = call.send().await.expect(304);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("etag"), Some(&*tag));
}
