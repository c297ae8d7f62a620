//! Orders that are placed, moved, restocked and repriced in any order by anybody, next to a model that knows what has to
//! become of it: each answer, each status, each price, each piece.

use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::fixture::Fixture;
use crate::catalog::model::{Price, ProductChange, StockDelta};
use crate::catalog::{CatalogError, Product};
use crate::orders::OrderError;
use crate::orders::model::Access;
use crate::orders::placing::Placement;
use crate::orders::status::Status;

const PRODUCTS: usize = 3;
const PIECES: i64 = 8;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Owner,
    Stranger,
    Operator,
}

#[derive(Debug, Clone)]
enum Action {
    /// Pieces of each product; none of it where there are 0.
    Place([i64; PRODUCTS]),
    Move(Index, Who, Status),
    Restock(usize, i64),
    Reprice(usize, i64),
}

fn action() -> impl Strategy<Value = Action> {
    let pieces = prop_oneof![3 => Just(0_i64), 5 => 1..=3_i64, 1 => 4..=10_i64];
    let who =
        prop_oneof![3 => Just(Who::Owner), 1 => Just(Who::Stranger), 3 => Just(Who::Operator)];
    // What leads on is drawn more often, so that orders also come to their end.
    let to = prop_oneof![
        3 => Just(Status::Paid),
        3 => Just(Status::Shipped),
        2 => Just(Status::Delivered),
        3 => Just(Status::Cancelled),
        1 => Just(Status::Placed),
    ];
    prop_oneof![
        4 => [pieces.clone(), pieces.clone(), pieces].prop_map(Action::Place),
        9 => (any::<Index>(), who, to).prop_map(|(order, who, to)| Action::Move(order, who, to)),
        1 => (0..PRODUCTS, -6..=6_i64).prop_map(|(product, delta)| Action::Restock(product, delta)),
        1 => (0..PRODUCTS, 0..=Price::MAX).prop_map(|(product, cents)| Action::Reprice(product, cents)),
    ]
}

/// The table of the design, spelled out once more.
fn leads(from: Status, to: Status) -> bool {
    matches!(
        (from.as_str(), to.as_str()),
        ("placed", "paid" | "cancelled")
            | ("paid", "shipped" | "cancelled")
            | ("shipped", "delivered")
    )
}

/// An order as it has to be.
struct Known {
    id: Uuid,
    /// Product, pieces, and the price at which they were ordered.
    lines: Vec<(usize, i64, i64)>,
    steps: Vec<Status>,
}

impl Known {
    fn status(&self) -> Status {
        *self.steps.last().unwrap()
    }
}

/// The service and what has to be in it.
struct World {
    fixture: Fixture,
    stranger: Uuid,
    products: Vec<Product>,
    prices: [i64; PRODUCTS],
    stock: [i64; PRODUCTS],
    /// Pieces that came in less those that went out otherwise than by orders.
    supplied: [i64; PRODUCTS],
    orders: Vec<Known>,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let mut products = Vec::new();
        let prices = [0, 1999, Price::MAX];
        for (number, cents) in prices.into_iter().enumerate() {
            let sku = format!("P-{number}");
            products.push(fixture.product(&sku, cents, PIECES).await);
        }
        Self {
            stranger: fixture.another_account().await,
            fixture,
            products,
            prices,
            stock: [PIECES; PRODUCTS],
            supplied: [PIECES; PRODUCTS],
            orders: Vec::new(),
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Place(pieces) => self.place(pieces).await,
            Action::Move(order, who, to) if !self.orders.is_empty() => {
                let order = order.index(self.orders.len());
                self.move_order(order, who, to).await;
            }
            Action::Move(..) => {}
            Action::Restock(product, delta) => self.restock(product, delta).await,
            Action::Reprice(product, cents) => {
                let change = ProductChange {
                    unit_price: Some(Price::parse(cents).unwrap()),
                    ..ProductChange::default()
                };
                let product_id = self.products[product].id;
                self.fixture.change(product_id, change).await.unwrap();
                self.prices[product] = cents;
            }
        }
    }

    async fn place(&mut self, pieces: [i64; PRODUCTS]) {
        let wishes = (0..PRODUCTS).zip(pieces).filter(|(_, pieces)| *pieces > 0);
        let lines: Vec<_> = wishes
            .map(|(product, pieces)| (product, pieces, self.prices[product]))
            .collect();
        if lines.is_empty() {
            return;
        }
        let items: Vec<_> = lines
            .iter()
            .map(|&(product, pieces, _)| (self.products[product].id, pieces))
            .collect();
        let ended = self.fixture.place(self.fixture.account, &items, None).await;
        let short = lines
            .iter()
            .filter(|&&(product, pieces, _)| pieces > self.stock[product]);
        match ended.unwrap() {
            Placement::Created { order, .. } => {
                assert_eq!(short.count(), 0, "more was sold than there is");
                for &(product, pieces, _) in &lines {
                    self.stock[product] -= pieces;
                }
                let steps = vec![Status::Placed];
                let id = order.id;
                self.orders.push(Known { id, lines, steps });
            }
            Placement::OutOfStock(refusal) => {
                assert_eq!(refusal.errors.len(), short.count(), "{refusal:?}");
                assert!(!refusal.errors.is_empty(), "refused without a shortage");
            }
            other @ Placement::Replayed(_) => panic!("{other:?}"),
        }
    }

    async fn move_order(&mut self, order: usize, who: Who, to: Status) {
        let fixture = &self.fixture;
        let account = match who {
            Who::Owner => fixture.account,
            Who::Stranger | Who::Operator => self.stranger,
        };
        let any_order = who == Who::Operator;
        let access = Access { account, any_order };
        let known = &mut self.orders[order];
        let from = known.status();
        let ended = fixture.orders.transition(access, known.id, to).await;
        match ended {
            Ok(moved) => {
                assert!(
                    who != Who::Stranger && leads(from, to),
                    "{who:?}: {from} to {to}"
                );
                assert_eq!(moved.status, to);
                known.steps.push(to);
                if to == Status::Cancelled {
                    for &(product, pieces, _) in &known.lines {
                        self.stock[product] += pieces;
                    }
                }
            }
            Err(OrderError::NotFound) => assert_eq!(who, Who::Stranger),
            Err(OrderError::InvalidTransition(refusal)) => {
                assert_eq!((refusal.from, refusal.to), (from, to));
                assert!(
                    who != Who::Stranger && !leads(from, to),
                    "{who:?}: {refusal}"
                );
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn restock(&mut self, product: usize, delta: i64) {
        let change = ProductChange {
            stock_delta: StockDelta::parse(delta).unwrap(),
            ..ProductChange::default()
        };
        let ended = self.fixture.change(self.products[product].id, change).await;
        match ended {
            Ok(_) => {
                self.stock[product] += delta;
                self.supplied[product] += delta;
            }
            Err(CatalogError::InsufficientStock { stock }) => {
                assert_eq!(stock, self.stock[product]);
                assert!(stock + delta < 0, "{stock} {delta:+} was refused");
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Every piece is in the stock or in an order that stands.
    async fn check_stock(&self) {
        for (number, product) in self.products.iter().enumerate() {
            let there = self.fixture.stock(product).await;
            assert!(there >= 0, "{} of {}", there, product.sku);
            assert_eq!(there, self.stock[number], "{}", product.sku);
            let standing = self
                .orders
                .iter()
                .filter(|order| order.status() != Status::Cancelled);
            let lines = standing.flat_map(|order| &order.lines);
            let ordered = lines
                .filter(|(product, ..)| *product == number)
                .map(|(_, pieces, _)| pieces);
            let all = there + ordered.sum::<i64>();
            assert_eq!(all, self.supplied[number], "{} is conserved", product.sku);
        }
    }

    /// Every order costs what it cost when it was placed, and has made its steps and no others.
    async fn check_orders(&self) {
        for known in &self.orders {
            let own = self.fixture.own();
            let order = self.fixture.orders.find(own, known.id).await.unwrap();
            assert_eq!(order.status, known.status());
            let expected: i64 = known
                .lines
                .iter()
                .map(|(_, pieces, cents)| pieces * cents)
                .sum();
            assert_eq!(order.total_cents, expected);
            let totals = order.lines.iter().map(|line| line.line_total_cents);
            assert_eq!(totals.sum::<i64>(), expected);

            let history = self.fixture.orders.history(own, known.id).await.unwrap();
            let steps: Vec<_> = history.iter().map(|entry| entry.to).collect();
            assert_eq!(steps, known.steps);
            let from = history.iter().skip(1).map(|entry| entry.from);
            assert!(from.eq(steps.iter().copied().map(Some).take(steps.len() - 1)));
            assert!(history.is_sorted_by(|one, next| one.at < next.at));
            assert_eq!(self.fixture.events(known.id).await.len(), steps.len());
        }
    }
}

proptest! {
    // Each has a database of its own.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_done_by_whom_orders_and_stock_are_what_the_table_says(
        actions in prop::collection::vec(action(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for action in actions {
                world.act(action).await;
                world.check_stock().await;
            }
            world.check_orders().await;
        });
    }
}
