//! Reading orders page by page, and forgetting old keys.

use chrono::TimeDelta;
use uuid::Uuid;

use super::fixture::Fixture;
use crate::database::types::now;
use crate::orders::status::Status;
use crate::orders::store::testing;

#[tokio::test]
async fn pages_show_every_own_order_once_the_newest_first_with_its_lines() {
    let fixture = Fixture::new().await;
    let (mug, cup) = (
        fixture.product("MUG", 3, 100).await,
        fixture.product("CUP", 5, 100).await,
    );
    let mut placed = Vec::new();
    for quantity in 1..=7 {
        placed.push(fixture.order(&[(cup.id, quantity), (mug.id, 1)]).await.id);
    }
    let other = fixture.another_account().await;
    fixture.place(other, &[(mug.id, 1)], None).await.unwrap();
    placed.reverse();

    let mut seen = Vec::new();
    let mut before = None;
    // One page more than needed: paging that never ends fails instead of hanging.
    for _ in 0..4 {
        let page = fixture
            .orders
            .list(fixture.account, None, before, 3)
            .await
            .unwrap();
        for order in &page {
            let skus: Vec<_> = order.lines.iter().map(|line| line.sku.as_str()).collect();
            assert_eq!(skus, ["CUP", "MUG"]);
            assert_eq!(
                order
                    .lines
                    .iter()
                    .map(|line| line.line_total_cents)
                    .sum::<i64>(),
                order.total_cents
            );
        }
        before = page.last().map(|order| order.id).or(before);
        seen.extend(page.iter().map(|order| order.id));
    }
    assert_eq!(seen, placed);
}

#[tokio::test]
async fn a_status_narrows_the_list() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 3, 100).await;
    let mut paid: Vec<Uuid> = Vec::new();
    for number in 0..6 {
        let order = fixture.order(&[(mug.id, 1)]).await;
        if number % 2 == 0 {
            fixture.step(order.id, Status::Paid).await.unwrap();
            paid.insert(0, order.id);
        }
    }
    let ids = |orders: Vec<crate::orders::model::Order>| {
        orders.iter().map(|order| order.id).collect::<Vec<_>>()
    };
    let list = |status, before| {
        fixture
            .orders
            .list(fixture.account, Some(status), before, 2)
    };
    assert_eq!(ids(list(Status::Paid, None).await.unwrap()), paid[..2]);
    assert_eq!(
        ids(list(Status::Paid, Some(paid[1])).await.unwrap()),
        paid[2..]
    );
    assert!(list(Status::Shipped, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_sweep_forgets_what_is_older_than_a_day_and_nothing_else() {
    let fixture = Fixture::new().await;
    let account = fixture.account;
    let old = now() - TimeDelta::hours(25);
    fixture
        .write(move |conn| testing::insert_records(conn, account, 1_001, old))
        .await;
    let young = now() - TimeDelta::hours(23);
    fixture
        .write(move |conn| testing::insert_records(conn, account, 3, young))
        .await;
    assert_eq!(fixture.orders.sweep().await.unwrap(), 1_001);
    assert_eq!(fixture.records().await, 3);
    assert_eq!(fixture.orders.sweep().await.unwrap(), 0);
}
