//! Each order in the database by itself: its sums, its history, and the events that tell of it.

use std::collections::BTreeMap;

use super::{Evidence, Findings, Kind};
use crate::chaos::contents::StoredOrder;
use crate::chaos::history::Status;

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    let products = evidence.products.iter();
    let prices: BTreeMap<_, _> = products
        .map(|product| (product.id.as_str(), product.price_cents))
        .collect();
    for (id, order) in &evidence.contents.orders {
        sums(id, order, &prices, findings);
        history(id, order, findings);
        events(id, order, findings);
    }
    for stray in &evidence.contents.strays {
        let sentence = format!("an event is about an order that is not there: {stray}");
        findings.add(Kind::Events, sentence);
    }
}

fn sums(id: &str, order: &StoredOrder, prices: &BTreeMap<&str, i64>, findings: &mut Findings) {
    for (number, line) in order.lines.iter().enumerate() {
        let as_priced = prices.get(line.product.as_str()) == Some(&line.price_cents);
        if !as_priced || line.total_cents != line.price_cents * line.quantity {
            let sentence = format!("order {id}, line {number}: {line:?}");
            findings.add(Kind::Sum, sentence);
        }
    }
    let sum: i64 = order.lines.iter().map(|line| line.total_cents).sum();
    if order.lines.is_empty() || order.total_cents != sum {
        let sentence = format!(
            "order {id}: a total of {}, {} lines of {sum} in all",
            order.total_cents,
            order.lines.len()
        );
        findings.add(Kind::Sum, sentence);
    }
}

/// It begins with being placed, each step begins where the one before it ended and is an allowed one, and the last one ends
/// where the order stands.
fn history(id: &str, order: &StoredOrder, findings: &mut Findings) {
    let allowed = |(from, to): &(String, String)| match (Status::named(from), Status::named(to)) {
        (Some(from), Some(to)) => from.may_become(to),
        (None, Some(to)) => from.is_empty() && to == Status::Placed,
        _ => false,
    };
    let mut stands = "";
    let mut legal = true;
    for step in &order.steps {
        legal &= step.0 == stands && allowed(step);
        stands = &step.1;
    }
    if !legal || stands != order.status {
        let sentence = format!("order {id} is {} by way of {:?}", order.status, order.steps);
        findings.add(Kind::History, sentence);
    }
}

/// One event a step, in their order, each about this order as it then was.
fn events(id: &str, order: &StoredOrder, findings: &mut Findings) {
    let told = order.events.iter().map(|event| event.kind.as_str());
    let expected = order.steps.iter().map(|(_, to)| format!("order.{to}"));
    if !told.eq(expected) {
        let kinds: Vec<_> = order.events.iter().map(|event| &event.kind).collect();
        let sentence = format!("order {id}: steps {:?}, events {kinds:?}", order.steps);
        findings.add(Kind::Events, sentence);
    }
    for event in &order.events {
        let status = event.kind.strip_prefix("order.").and_then(Status::named);
        let is_right = event.order == id
            && event.total_cents == Some(order.total_cents)
            && event.status.is_some()
            && event.status == status;
        if !is_right {
            let sentence = format!("order {id} of {}: {event:?}", order.total_cents);
            findings.add(Kind::Events, sentence);
        }
    }
}
