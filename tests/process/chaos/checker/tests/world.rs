//! A small world in which all is well, for tests to tamper with.

use std::time::Duration;

use crate::chaos::checker::Evidence;
use crate::chaos::contents::{Contents, Event, StoredKey, StoredOrder, StoredProduct};
use crate::chaos::history::{
    Decision, Delivery, History, Line, Listing, Moved, Order, Purchase, Reply, Sighting, Span,
    Status, Step,
};
use crate::chaos::market::Product;

/// After everything else.
pub(super) const LATE: u64 = 100;

/// All that is known of it.
pub(super) struct World(pub(super) Evidence);

/// A request at that moment, answered right away.
pub(super) const fn span(at: u64) -> Span {
    Span {
        asked: Duration::from_secs(at),
        answered: Duration::from_millis(at * 1_000 + 500),
    }
}

impl World {
    /// Two buyers and somebody who works there; an order that was shipped, one that was cancelled after an answer got lost,
    /// one that just stands there, and one that was refused.
    pub(super) fn clean() -> Self {
        let (first, second, third) = (
            order("o1", &[("p", 2, 100), ("q", 1, 250)]),
            order("o2", &[("p", 1, 100)]),
            order("o3", &[("p", 3, 100)]),
        );
        let products = [("p", 100, 50), ("q", 250, 20)];
        let products = products.map(|(id, price_cents, pieces)| Product {
            id: id.to_owned(),
            price_cents,
            pieces,
        });
        let mut contents = Contents::default();
        store(&mut contents, &first, "a", &["placed", "paid", "shipped"]);
        store(&mut contents, &second, "a", &["placed", "cancelled"]);
        store(&mut contents, &third, "b", &["placed"]);
        for (account, key, order) in [
            ("a", "a-0", Some("o1")),
            ("a", "a-1", Some("o2")),
            ("b", "b-0", None),
            ("b", "b-1", Some("o3")),
        ] {
            contents.keys.push(StoredKey {
                account: account.to_owned(),
                key: key.to_owned(),
                order: order.map(str::to_owned),
            });
        }
        for (id, name, stock) in [("p", "Delivery 0", 55), ("q", "Delivery 1", 24)] {
            let name = name.to_owned();
            let product = StoredProduct { name, stock };
            contents.products.insert(id.to_owned(), product);
        }
        let histories = vec![buyer_a(&first, &second), buyer_b(&third), staff()];
        Self(Evidence {
            products: products.into(),
            histories,
            contents,
        })
    }

    pub(super) fn order(&mut self, id: &str) -> &mut StoredOrder {
        self.0.contents.orders.get_mut(id).unwrap()
    }

    pub(super) fn product(&mut self, id: &str) -> &mut StoredProduct {
        self.0.contents.products.get_mut(id).unwrap()
    }

    pub(super) fn purchase(&mut self, history: usize, number: usize) -> &mut Purchase {
        &mut self.0.histories[history].purchases[number]
    }

    /// Changes an order wherever somebody wrote it down.
    pub(super) fn agree_on(&mut self, id: &str, change: impl Fn(&mut Order)) {
        let histories = self.0.histories.iter_mut();
        let purchases = histories.flat_map(|history| &mut history.purchases);
        let replies = purchases.flat_map(|purchase| &mut purchase.replies);
        let mut changed = None;
        for (_, reply) in replies {
            if let Reply::Told(Decision::Placed { order, .. }) = reply
                && order.id == id
            {
                change(order);
                changed = Some(order.clone());
            }
        }
        let (order, stored) = (changed.unwrap(), self.order(id));
        stored.lines = order.lines;
        stored.total_cents = order.total_cents;
        for event in &mut stored.events {
            event.total_cents = Some(order.total_cents);
        }
    }
}

fn buyer_a(first: &Order, second: &Order) -> History {
    let seen = [(2, "o1", Status::Placed), (20, "o1", Status::Shipped)];
    let listing = Listing {
        span: span(30),
        orders: vec!["o2".to_owned(), "o1".to_owned()],
        whole: true,
    };
    History {
        client: "buyer 0".to_owned(),
        account: "a".to_owned(),
        purchases: vec![
            Purchase {
                key: "a-0".to_owned(),
                wanted: vec![("p".to_owned(), 2), ("q".to_owned(), 1)],
                replies: vec![(span(1), placed(first, false))],
            },
            Purchase {
                key: "a-1".to_owned(),
                wanted: vec![("p".to_owned(), 1)],
                replies: vec![
                    (span(4), Reply::Lost),
                    (span(5), Reply::InProgress),
                    (span(6), placed(second, true)),
                    (span(7), placed(second, true)),
                ],
            },
        ],
        steps: vec![Step {
            order: second.id.clone(),
            to: Status::Cancelled,
            replies: vec![
                (span(8), Reply::Failed(503)),
                (span(9), Reply::Told(Moved::Refused)),
            ],
        }],
        sightings: seen
            .map(|(at, order, status)| sighting(at, order, status))
            .into(),
        listings: vec![listing],
        ..History::default()
    }
}

fn buyer_b(third: &Order) -> History {
    let wish = |key: &str, quantity, reply| Purchase {
        key: key.to_owned(),
        wanted: vec![("p".to_owned(), quantity)],
        replies: vec![reply],
    };
    History {
        client: "buyer 1".to_owned(),
        account: "b".to_owned(),
        purchases: vec![
            wish("b-0", 999, (span(3), Reply::Told(Decision::OutOfStock))),
            wish("b-1", 3, (span(3), placed(third, false))),
        ],
        ..History::default()
    }
}

fn staff() -> History {
    let step = |at, to| Step {
        order: "o1".to_owned(),
        to,
        replies: vec![(span(at), Reply::Told(Moved::Made))],
    };
    let delivery = |product: &str, number, pieces, reply| Delivery {
        product: product.to_owned(),
        pieces,
        name: format!("Delivery {number}"),
        reply,
    };
    History {
        client: "a clerk".to_owned(),
        account: "c".to_owned(),
        steps: vec![step(10, Status::Paid), step(12, Status::Shipped)],
        deliveries: vec![
            delivery("p", 0, 10, Reply::Told(())),
            delivery("q", 1, 5, Reply::Lost),
        ],
        sightings: vec![sighting(10, "o1", Status::Paid)],
        ..History::default()
    }
}

fn sighting(at: u64, order: &str, status: Status) -> Sighting {
    Sighting {
        order: order.to_owned(),
        status: Some(status),
        span: span(at),
    }
}

fn placed(order: &Order, replayed: bool) -> Reply<Decision> {
    Reply::Told(Decision::Placed {
        body: format!("{order:?}"),
        order: order.clone(),
        replayed,
    })
}

fn order(id: &str, lines: &[(&str, i64, i64)]) -> Order {
    let lines: Vec<_> = lines
        .iter()
        .map(|&(product, quantity, price_cents)| Line {
            product: product.to_owned(),
            quantity,
            price_cents,
            total_cents: quantity * price_cents,
        })
        .collect();
    Order {
        id: id.to_owned(),
        status: Status::Placed,
        total_cents: lines.iter().map(|line| line.total_cents).sum(),
        lines,
    }
}

fn store(contents: &mut Contents, order: &Order, account: &str, path: &[&str]) {
    let mut stands = "";
    let mut stored = StoredOrder {
        account: account.to_owned(),
        status: String::new(),
        total_cents: order.total_cents,
        lines: order.lines.clone(),
        steps: Vec::new(),
        events: Vec::new(),
    };
    for next in path {
        stored.steps.push((stands.to_owned(), (*next).to_owned()));
        stored.events.push(Event {
            kind: format!("order.{next}"),
            order: order.id.clone(),
            status: Status::named(next),
            total_cents: Some(order.total_cents),
        });
        stands = next;
    }
    stands.clone_into(&mut stored.status);
    contents.orders.insert(order.id.clone(), stored);
}
