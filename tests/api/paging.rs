//! Lists in pages: nothing twice, nothing left out, whatever others insert meanwhile.

use serde_json::Value;

use crate::support::on_both;
use crate::support::test_app::TestApp;

async fn walk(app: &TestApp, first: &str) -> Vec<String> {
    let (mut seen, mut path) = (Vec::new(), first.to_owned());
    loop {
        let page = app.get(&path).send().await.expect(200).json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return seen,
        }
    }
}

on_both!(pages_show_everything_once_while_others_insert);
async fn pages_show_everything_once_while_others_insert(app: TestApp) {
    let mut before = Vec::new();
    for number in 0..25 {
        before.push(app.product(&format!("PAGE-{number}"), 1).await);
    }
    let operator = app.operator().await;
    let inserting = async {
        for number in 0..20 {
            app.create_product(&operator, &format!("LATE-{number}"), 1)
                .await;
        }
    };
    let (seen, ()) = tokio::join!(walk(&app, "/api/v1/products?limit=3"), inserting);
    let mut once = seen.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "something twice");
    assert!(
        before.iter().all(|id| seen.contains(id)),
        "something missing"
    );
    let exact = app
        .get("/api/v1/products?limit=45")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            exact["items"].as_array().unwrap().len(),
            &exact["next_cursor"]
        ),
        (45, &Value::Null)
    );
}
