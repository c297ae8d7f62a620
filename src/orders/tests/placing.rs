//! Placing: once whatever is repeated, as a whole or not at all, never more than there is.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{Fixture, request};
use crate::catalog::ProductType;
use crate::database::DatabaseError;
use crate::database::types::now;
use crate::orders::OrderError;
use crate::orders::idempotency::IdempotencyKey;
use crate::orders::metrics::{KeyOutcome, OrderKind, Outcome, Rejection};
use crate::orders::placing::{Answer, Placement};
use crate::orders::status::Status;
use crate::orders::store::{self, Record};

#[tokio::test]
async fn an_order_is_stored_with_everything_that_belongs_to_it() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    let song = fixture
        .product_of(ProductType::Digital, "SONG", 99, 100)
        .await;
    let placed = fixture
        .place(fixture.account, &[(song.id, 3), (mug.id, 2)], None)
        .await
        .unwrap();
    let Placement::Created { order, kind, body } = placed else {
        panic!("{placed:?}")
    };

    assert_eq!(
        (order.status, order.total_cents, kind),
        (Status::Placed, 3 * 99 + 2 * 1999, OrderKind::Mixed)
    );
    assert_eq!(
        order
            .items
            .iter()
            .map(|line| line.sku.as_str())
            .collect::<Vec<_>>(),
        ["SONG", "MUG"]
    );
    assert_eq!(
        (fixture.stock(&mug).await, fixture.stock(&song).await),
        (3, 97)
    );
    let stored = fixture.orders.find(fixture.own(), order.id).await.unwrap();
    assert_eq!(
        serde_json::to_string(&crate::orders::representation::OrderView::from(stored)).unwrap(),
        body
    );

    let history = fixture
        .orders
        .history(fixture.own(), order.id)
        .await
        .unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(
        (history[0].from, history[0].to, history[0].by),
        (None, Status::Placed, fixture.account)
    );
    let events = fixture.events(order.id).await;
    assert_eq!(events.len(), 1);
    let event: Value = serde_json::from_str(&events[0].1).unwrap();
    let data: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        event,
        json!({"type": "order.placed", "timestamp": data["created_at"], "data": data})
    );
    assert_eq!(fixture.metrics.created.with(OrderKind::Mixed).get(), 1);
    assert_eq!(
        fixture
            .metrics
            .creation_duration
            .with(Outcome::Created)
            .count(),
        1
    );
    assert_eq!(fixture.metrics.keys.with(KeyOutcome::New).get(), 0);
}

#[tokio::test]
async fn a_repeated_key_replays_the_first_answer_to_the_byte() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    let items = [(mug.id, 2)];
    let first = fixture
        .place(fixture.account, &items, Some("k"))
        .await
        .unwrap();
    let Placement::Created { order, body, .. } = first else {
        panic!("{first:?}")
    };
    fixture.step(order.id, Status::Paid).await.unwrap();

    let again = fixture
        .place(fixture.account, &items, Some("\"k\""))
        .await
        .unwrap();
    let Placement::Replayed(Answer::Created {
        order_id,
        body: replayed,
    }) = again
    else {
        panic!("{again:?}")
    };
    assert_eq!((order_id, replayed), (order.id, body));
    assert_eq!(fixture.stock(&mug).await, 3);
    assert_eq!(fixture.metrics.created.with(OrderKind::Physical).get(), 1);
    assert_eq!(fixture.metrics.keys.with(KeyOutcome::Replayed).get(), 1);
}

#[tokio::test]
async fn a_repeated_key_with_another_body_is_refused() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    fixture
        .place(fixture.account, &[(mug.id, 2)], Some("k"))
        .await
        .unwrap();
    let refused = fixture
        .place(fixture.account, &[(mug.id, 1)], Some("k"))
        .await;
    assert!(matches!(refused, Err(OrderError::KeyReused)), "{refused:?}");
    assert_eq!(fixture.stock(&mug).await, 3);
    assert_eq!(fixture.metrics.keys.with(KeyOutcome::Reused).get(), 1);
    assert_eq!(fixture.metrics.rejected.with(Rejection::KeyReuse).get(), 1);

    let other = fixture.another_account().await;
    let placed = fixture
        .place(other, &[(mug.id, 1)], Some("k"))
        .await
        .unwrap();
    assert!(
        matches!(placed, Placement::Created { .. }),
        "a key is its account's own: {placed:?}"
    );
}

#[tokio::test]
async fn of_64_requests_with_one_key_one_places_the_order() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 1000).await;
    let items = [(mug.id, 1)];
    let all = join_all((0..64).map(|_| fixture.place(fixture.account, &items, Some("k")))).await;
    let (mut created, mut replayed) = (0, 0);
    for ended in &all {
        match ended {
            Ok(Placement::Created { .. }) => created += 1,
            Ok(Placement::Replayed(Answer::Created { .. })) => replayed += 1,
            Err(OrderError::KeyInProgress) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(created, 1);
    assert_eq!(fixture.stock(&mug).await, 999);
    assert_eq!(
        fixture
            .orders
            .list(fixture.account, None, None, 100)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(fixture.metrics.keys.with(KeyOutcome::New).get(), 1);
    assert_eq!(
        fixture.metrics.keys.with(KeyOutcome::Replayed).get(),
        replayed
    );
}

#[tokio::test]
async fn too_little_stock_is_refused_naming_the_product_and_remembered_with_the_key() {
    let fixture = Fixture::new().await;
    let (mug, cup) = (
        fixture.product("MUG", 1999, 2).await,
        fixture.product("CUP", 999, 9).await,
    );
    let items = [(cup.id, 9), (mug.id, 3)];
    let refused = fixture
        .place(fixture.account, &items, Some("k"))
        .await
        .unwrap();
    let Placement::OutOfStock(refusal) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refusal.detail, "3 of MUG were ordered, 2 are left.");
    assert_eq!(refusal.errors[0].field, "items[1].quantity");
    assert_eq!(
        (fixture.stock(&mug).await, fixture.stock(&cup).await),
        (2, 9)
    );

    fixture.product("OTHER", 1, 1).await;
    let again = fixture
        .place(fixture.account, &items, Some("k"))
        .await
        .unwrap();
    assert!(matches!(again, Placement::Replayed(Answer::OutOfStock(same)) if same == refusal));
    let without = fixture.place(fixture.account, &items, None).await.unwrap();
    assert!(matches!(without, Placement::OutOfStock(_)));
    assert_eq!(fixture.records().await, 1);
    assert_eq!(
        fixture.metrics.rejected.with(Rejection::OutOfStock).get(),
        2
    );
    assert_eq!(
        fixture
            .metrics
            .creation_duration
            .with(Outcome::Replayed)
            .count(),
        1
    );
}

#[tokio::test]
async fn other_refusals_are_not_remembered() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 2).await;
    let refused = fixture
        .place(
            fixture.account,
            &[(mug.id, 1), (Uuid::now_v7(), 1)],
            Some("k"),
        )
        .await;
    assert!(
        matches!(&refused, Err(OrderError::UnknownProduct(unknown)) if unknown.positions == [1]),
        "{refused:?}"
    );
    let nobody = fixture
        .place(Uuid::now_v7(), &[(mug.id, 1)], Some("k"))
        .await;
    assert!(matches!(nobody, Err(OrderError::AccountGone)), "{nobody:?}");
    let nobody = fixture
        .place(Uuid::now_v7(), &[(mug.id, 9)], Some("k"))
        .await;
    assert!(matches!(nobody, Err(OrderError::AccountGone)), "{nobody:?}");
    assert_eq!((fixture.records().await, fixture.stock(&mug).await), (0, 2));

    let placed = fixture
        .place(fixture.account, &[(mug.id, 1)], Some("k"))
        .await
        .unwrap();
    assert!(matches!(placed, Placement::Created { .. }), "{placed:?}");
    assert_eq!(
        fixture
            .metrics
            .rejected
            .with(Rejection::UnknownProduct)
            .get(),
        1
    );
    assert_eq!(fixture.metrics.keys.with(KeyOutcome::New).get(), 1);
}

#[tokio::test]
async fn after_a_day_a_key_is_free_again() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    fixture
        .place(fixture.account, &[(mug.id, 1)], Some("k"))
        .await
        .unwrap();
    fixture
        .age_records(TimeDelta::hours(24) + TimeDelta::seconds(1))
        .await;
    let another_body = [(mug.id, 2)];
    let placed = fixture
        .place(fixture.account, &another_body, Some("k"))
        .await
        .unwrap();
    assert!(matches!(placed, Placement::Created { .. }), "{placed:?}");
    let again = fixture
        .place(fixture.account, &another_body, Some("k"))
        .await
        .unwrap();
    assert!(
        matches!(again, Placement::Replayed(_)),
        "the new record counts: {again:?}"
    );
    assert_eq!((fixture.records().await, fixture.stock(&mug).await), (1, 2));
}

#[tokio::test]
async fn of_many_buyers_as_many_succeed_as_there_are_pieces() {
    let fixture = Fixture::new().await;
    let (mug, cup) = (
        fixture.product("MUG", 1, 10).await,
        fixture.product("CUP", 1, 100).await,
    );
    let (one, other) = ([(mug.id, 1), (cup.id, 1)], [(cup.id, 1), (mug.id, 1)]);
    let buyers = (0..40).map(|n| {
        fixture.place(
            fixture.account,
            if n % 2 == 0 { &one } else { &other },
            None,
        )
    });
    let ended = join_all(buyers).await;
    let sold = ended
        .iter()
        .filter(|ended| matches!(ended, Ok(Placement::Created { .. })))
        .count();
    let refused = ended
        .iter()
        .filter(|ended| matches!(ended, Ok(Placement::OutOfStock(_))))
        .count();
    assert_eq!((sold, refused), (10, 30));
    assert_eq!(
        (fixture.stock(&mug).await, fixture.stock(&cup).await),
        (0, 90)
    );
    assert_eq!(fixture.metrics.created.with(OrderKind::Physical).get(), 10);
    assert_eq!(
        fixture.metrics.rejected.with(Rejection::OutOfStock).get(),
        30
    );
}

#[tokio::test]
async fn an_order_whose_client_went_away_is_counted_all_the_same() {
    let fixture = Fixture::new().await;
    let mug = fixture.product("MUG", 1999, 5).await;
    // An idle connection is there, so the first poll already hands the work to its thread. There is no second one. It goes
    // only when the work is done, because what has not begun by then would be taken back.
    let mut place = Box::pin(fixture.orders.place(
        fixture.orders.attempt(),
        request(fixture.account, &[(mug.id, 1)], None),
    ));
    assert!((&mut place).now_or_never().is_none());
    let created = || {
        fixture
            .metrics
            .creation_duration
            .with(Outcome::Created)
            .count()
    };
    let counted = async {
        while created() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), counted)
        .await
        .unwrap();
    drop(place);
    assert_eq!(fixture.stock(&mug).await, 4);
    assert_eq!(fixture.metrics.created.with(OrderKind::Physical).get(), 1);
    assert_eq!(
        fixture
            .metrics
            .creation_duration
            .with(Outcome::Failed)
            .count(),
        0
    );
}

/// What settles the race in which the first request commits between the second one's look and its claim.
#[tokio::test]
async fn a_record_is_replaced_when_it_has_expired_and_never_before() {
    let fixture = Fixture::new().await;
    let account = fixture.account;
    let remember = |body: &'static str, cutoff| {
        let record = Record {
            request_hash: vec![0; 32],
            response_status: 201,
            response_body: body.to_owned(),
            order_id: None,
            created_at: now(),
        };
        fixture.write(move |conn| {
            let key = IdempotencyKey::parse(b"k").map_err(DatabaseError::unreadable)?;
            let stored = store::remember(conn, account, &key, &record, cutoff)?;
            let found = store::claim(conn, account, &key)?.record;
            Ok((stored, found.map(|record| record.response_body)))
        })
    };
    let present = now();
    let (yesterday, tomorrow) = (present - TimeDelta::days(1), present + TimeDelta::days(1));
    assert_eq!(
        remember("first", yesterday).await,
        (true, Some("first".to_owned()))
    );
    assert_eq!(
        remember("second", yesterday).await,
        (false, Some("first".to_owned()))
    );
    assert_eq!(
        remember("third", tomorrow).await,
        (true, Some("third".to_owned()))
    );
}
