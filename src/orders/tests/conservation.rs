//! Many clients that place, repeat and cancel at once: nothing is lost, doubled or counted wrongly.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use uuid::Uuid;

use super::fixture::Fixture;
use crate::catalog::Product;
use crate::orders::OrderError;
use crate::orders::metrics::{KeyOutcome, OrderKind, Outcome, Rejection};
use crate::orders::model::Order;
use crate::orders::placing::{Answer, Placement};
use crate::orders::status::Status;

const CLIENTS: usize = 12;
const ROUNDS: usize = 12;
const PIECES: i64 = 60;

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    created: Vec<Uuid>,
    replayed: u64,
    cancelled: u64,
    out_of_stock: u64,
    in_progress: u64,
}

/// One client: every order is sent twice at once with one key, every other one is cancelled twice at once.
async fn client(fixture: &Fixture, products: &[Product]) -> Seen {
    let mut seen = Seen::default();
    for round in 0..ROUNDS {
        let mut products = products.to_vec();
        fastrand::shuffle(&mut products);
        let some = products.iter().take(fastrand::usize(1..=3));
        let items: Vec<_> = some
            .map(|product| (product.id, fastrand::i64(1..=3)))
            .collect();
        let key = Uuid::now_v7().to_string();
        let place = || fixture.place(fixture.account, &items, Some(&key));
        let mut order = None;
        for ended in join_all([place(), place()]).await {
            match ended {
                Ok(Placement::Created { order: created, .. }) => order = Some(created.id),
                Ok(Placement::OutOfStock(_)) => seen.out_of_stock += 1,
                Ok(Placement::Replayed(Answer::Created { .. } | Answer::OutOfStock(_))) => {
                    seen.replayed += 1;
                }
                Err(OrderError::KeyInProgress) => seen.in_progress += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        if let Some(order) = order {
            seen.created.push(order);
            if round % 2 == 0 {
                let cancel = || fixture.step(order, Status::Cancelled);
                let ended = join_all([cancel(), cancel()]).await;
                assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
                seen.cancelled += 1;
            }
        }
    }
    seen
}

/// Every order of the account, page by page.
async fn all_orders(fixture: &Fixture) -> Vec<Order> {
    let mut all: Vec<Order> = Vec::new();
    while all.len() <= CLIENTS * ROUNDS {
        let before = all.last().map(|order| order.id);
        let page = fixture
            .orders
            .list(fixture.account, None, before, 50)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_orders_and_numbers_agree_whatever_happens_at_once() {
    let fixture = Fixture::new().await;
    let mut products = Vec::new();
    for number in 0..5 {
        products.push(
            fixture
                .product(&format!("P-{number}"), 10 + number, PIECES)
                .await,
        );
    }
    let seen = join_all((0..CLIENTS).map(|_| client(&fixture, &products))).await;

    let orders = all_orders(&fixture).await;
    let mut created: Vec<Uuid> = seen.iter().flat_map(|seen| seen.created.clone()).collect();
    created.sort_unstable();
    assert!(
        orders.iter().rev().map(|order| order.id).eq(created),
        "acknowledged once each, none invented"
    );
    let mut sold: BTreeMap<Uuid, i64> = BTreeMap::new();
    let live = orders
        .iter()
        .filter(|order| order.status != Status::Cancelled);
    for line in live.flat_map(|order| &order.lines) {
        *sold.entry(line.product_id).or_default() += line.quantity;
    }
    for product in &products {
        let left = fixture.stock(product).await;
        assert_eq!(
            left + sold.get(&product.id).unwrap_or(&0),
            PIECES,
            "stock of {} is conserved",
            product.sku
        );
    }

    let sum = |of: fn(&Seen) -> u64| seen.iter().map(of).sum::<u64>();
    let metrics = &fixture.metrics;
    let placed = orders.len() as u64;
    assert_eq!(metrics.created.with(OrderKind::Physical).get(), placed);
    assert_eq!(
        metrics.creation_duration.with(Outcome::Created).count(),
        placed
    );
    assert_eq!(
        metrics.rejected.with(Rejection::OutOfStock).get(),
        sum(|seen| seen.out_of_stock)
    );
    assert_eq!(
        metrics.rejected.with(Rejection::InProgress).get(),
        sum(|seen| seen.in_progress)
    );
    assert_eq!(
        metrics.keys.with(KeyOutcome::Replayed).get(),
        sum(|seen| seen.replayed)
    );
    assert_eq!(
        metrics.keys.with(KeyOutcome::New).get(),
        placed + sum(|seen| seen.out_of_stock)
    );
    let cancelled = Status::Placed.to(Status::Cancelled).unwrap();
    assert_eq!(
        metrics.transitions.with(cancelled).get(),
        sum(|seen| seen.cancelled)
    );
    let refused = fixture
        .metrics
        .creation_duration
        .with(Outcome::Failed)
        .count();
    assert_eq!(refused, 0);
}
