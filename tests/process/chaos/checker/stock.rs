//! Stock: what a product began with and what was delivered is what is there and what orders hold that were not cancelled.

use std::collections::BTreeMap;

use super::{Evidence, Findings, Kind};
use crate::chaos::contents::StoredProduct;
use crate::chaos::history::{Delivery, Reply, Status};

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    let mut sold: BTreeMap<&str, i64> = BTreeMap::new();
    for order in evidence.contents.orders.values() {
        if order.status != Status::Cancelled.name() {
            for line in &order.lines {
                *sold.entry(&line.product).or_default() += line.quantity;
            }
        }
    }
    let mut delivered: BTreeMap<&str, i64> = BTreeMap::new();
    let histories = evidence.histories.iter();
    for delivery in histories.flat_map(|history| &history.deliveries) {
        let product = evidence.contents.products.get(&delivery.product);
        if product.is_some_and(|product| arrived(delivery, product)) {
            *delivered.entry(&delivery.product).or_default() += delivery.pieces;
        }
    }
    for product in &evidence.products {
        let of = |pieces: &BTreeMap<&str, i64>| pieces.get(product.id.as_str()).copied();
        let (sold, delivered) = (of(&sold).unwrap_or(0), of(&delivered).unwrap_or(0));
        let expected = product.pieces + delivered - sold;
        let stored = evidence.contents.products.get(&product.id);
        let there = stored.map(|product| product.stock);
        if there != Some(expected) || expected < 0 {
            let sentence = format!(
                "product {}: began with {}, {delivered} delivered, {sold} sold, {there:?} there: {expected} expected",
                product.id, product.pieces
            );
            findings.add(Kind::Stock, sentence);
        }
    }
}

/// Whether pieces came in: where nobody knew, it was the last delivery to the product, and its name tells.
fn arrived(delivery: &Delivery, product: &StoredProduct) -> bool {
    match delivery.reply {
        Reply::Told(()) => true,
        _ => product.name == delivery.name,
    }
}
