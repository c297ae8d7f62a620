//! Moving orders: along the table, once, with stock put back once.

use futures_util::future::join_all;
use uuid::Uuid;

use super::fixture::Fixture;
use crate::orders::OrderError;
use crate::orders::model::Access;
use crate::orders::status::{InvalidTransition, Status};

#[tokio::test]
async fn every_step_leaves_a_history_entry_an_event_and_a_count() {
    use Status::{Delivered, Paid, Placed, Shipped};
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    let placed = fixture.order(&[(mug.id, 2)]).await;
    for to in [Status::Paid, Status::Shipped, Status::Delivered] {
        let order = fixture.step(placed.id, to).await.unwrap();
        assert_eq!(
            (order.status, order.items.len(), order.created_at),
            (to, 1, placed.created_at)
        );
        assert!(order.updated_at > placed.updated_at);
    }
    let history = fixture
        .orders
        .history(fixture.own(), placed.id)
        .await
        .unwrap();
    let steps: Vec<_> = history.iter().map(|entry| (entry.from, entry.to)).collect();
    assert_eq!(
        steps,
        [
            (None, Placed),
            (Some(Placed), Paid),
            (Some(Paid), Shipped),
            (Some(Shipped), Delivered)
        ]
    );
    assert!(history.is_sorted_by(|one, next| one.at < next.at));
    let events: Vec<_> = fixture
        .events(placed.id)
        .await
        .into_iter()
        .map(|(event, _)| event)
        .collect();
    assert_eq!(
        events,
        [
            "order.placed",
            "order.paid",
            "order.shipped",
            "order.delivered"
        ]
    );
    for (from, to) in [(Placed, Paid), (Paid, Shipped), (Shipped, Delivered)] {
        assert_eq!(
            fixture.metrics.transitions.with(from.to(to).unwrap()).get(),
            1
        );
    }
    assert_eq!(fixture.stock(&mug).await, 3);
}

#[tokio::test]
async fn a_step_that_is_not_allowed_changes_nothing() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    let order = fixture.order(&[(mug.id, 2)]).await;
    let refused = fixture.step(order.id, Status::Shipped).await;
    let expected = InvalidTransition {
        from: Status::Placed,
        to: Status::Shipped,
    };
    assert!(matches!(refused, Err(OrderError::InvalidTransition(refusal)) if refusal == expected));
    assert_eq!(
        fixture
            .orders
            .history(fixture.own(), order.id)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(fixture.events(order.id).await.len(), 1);
    let missing = fixture.step(Uuid::now_v7(), Status::Paid).await;
    assert!(matches!(missing, Err(OrderError::NotFound)));
}

#[tokio::test]
async fn cancelling_puts_the_stock_back_once_however_often_it_is_asked_for() {
    let fixture = Fixture::new().await;
    let (mug, cup) = (
        fixture.product("MUG", 1999, 5).await,
        fixture.product("CUP", 999, 5).await,
    );
    let order = fixture.order(&[(mug.id, 2), (cup.id, 1)]).await;
    assert_eq!(
        (fixture.stock(&mug).await, fixture.stock(&cup).await),
        (3, 4)
    );
    let all = join_all((0..8).map(|_| {
        fixture
            .orders
            .transition(fixture.own(), order.id, Status::Cancelled)
    }))
    .await;
    assert_eq!(all.iter().filter(|ended| ended.is_ok()).count(), 1);
    for refused in all.iter().filter_map(|ended| ended.as_ref().err()) {
        assert!(
            matches!(refused, OrderError::InvalidTransition(_)),
            "{refused:?}"
        );
    }
    assert_eq!(
        (fixture.stock(&mug).await, fixture.stock(&cup).await),
        (5, 5)
    );
    let step = Status::Placed.to(Status::Cancelled).unwrap();
    assert_eq!(fixture.metrics.transitions.with(step).get(), 1);

    let paid = fixture.order(&[(mug.id, 1)]).await;
    fixture.step(paid.id, Status::Paid).await.unwrap();
    fixture.step(paid.id, Status::Cancelled).await.unwrap();
    assert_eq!(fixture.stock(&mug).await, 5);
}

#[tokio::test]
async fn a_foreign_order_is_as_good_as_missing_but_for_operators() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    let order = fixture.order(&[(mug.id, 2)]).await;
    let stranger = Access {
        account: fixture.another_account().await,
        any_order: false,
    };
    assert!(matches!(
        fixture.orders.find(stranger, order.id).await,
        Err(OrderError::NotFound)
    ));
    assert!(matches!(
        fixture.orders.history(stranger, order.id).await,
        Err(OrderError::NotFound)
    ));
    let refused = fixture
        .orders
        .transition(stranger, order.id, Status::Cancelled)
        .await;
    assert!(matches!(refused, Err(OrderError::NotFound)));
    assert_eq!(fixture.stock(&mug).await, 3);

    let operator = Access {
        any_order: true,
        ..stranger
    };
    assert_eq!(
        fixture
            .orders
            .find(operator, order.id)
            .await
            .unwrap()
            .account_id,
        fixture.account
    );
    assert_eq!(
        fixture
            .orders
            .history(operator, order.id)
            .await
            .unwrap()
            .len(),
        1
    );
    fixture
        .orders
        .transition(operator, order.id, Status::Cancelled)
        .await
        .unwrap();
    let history = fixture
        .orders
        .history(fixture.own(), order.id)
        .await
        .unwrap();
    assert_eq!(history[1].by, operator.account);
}
