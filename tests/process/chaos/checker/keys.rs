//! Keys and the orders placed under them: what was acknowledged is there once, as it was answered; what is there was asked
//! for; and a key has one answer.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Findings, Kind};
use crate::chaos::contents::{Contents, StoredOrder};
use crate::chaos::history::{Decision, History, Order, Purchase};

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    for (history, purchase) in evidence.purchases() {
        let who = format!("{}, key {}", history.client, purchase.key);
        one_answer(&who, purchase, findings);
        if let Some((_, order)) = purchase.acknowledged() {
            as_wished(&who, purchase, order, findings);
            match evidence.contents.orders.get(&order.id) {
                Some(stored) => as_answered(&who, order, stored, &history.account, findings),
                None => findings.add(
                    Kind::Lost,
                    format!(
                        "{who}: order {} was acknowledged and is not there",
                        order.id
                    ),
                ),
            }
        }
    }
    one_key_each(evidence, findings);
    none_invented(evidence, findings);
}

/// All answers to one key that decide anything are one answer, the repeated ones to the byte.
fn one_answer(who: &str, purchase: &Purchase, findings: &mut Findings) {
    let mut decisions = purchase
        .replies
        .iter()
        .filter_map(|(_, reply)| reply.told());
    let Some(first) = decisions.next() else {
        let sentence = format!("{who}: nobody ever said what became of it");
        return findings.add(Kind::Unsettled, sentence);
    };
    let mut new = usize::from(is_new(first));
    for next in decisions {
        new += usize::from(is_new(next));
        if text(first) != text(next) {
            let sentence = format!("{who}: answered {}, and then {}", text(first), text(next));
            findings.add(Kind::Inconsistent, sentence);
        }
    }
    if new > 1 {
        let sentence = format!("{who}: {new} answers say that the order is a new one");
        findings.add(Kind::Inconsistent, sentence);
    }
}

/// Whether it says that an order was placed just now, and not before.
fn is_new(decision: &Decision) -> bool {
    matches!(decision, Decision::Placed { replayed, .. } if !replayed)
}

fn text(decision: &Decision) -> &str {
    match decision {
        Decision::Placed { body, .. } => body,
        Decision::OutOfStock => "that there was too little",
    }
}

fn as_wished(who: &str, purchase: &Purchase, order: &Order, findings: &mut Findings) {
    let lines = order.lines.iter();
    let answered: Vec<_> = lines
        .map(|line| (line.product.clone(), line.quantity))
        .collect();
    if answered != purchase.wanted {
        let sentence = format!(
            "{who}: wished for {:?}, and got order {} for {answered:?}",
            purchase.wanted, order.id
        );
        findings.add(Kind::Altered, sentence);
    }
}

fn as_answered(
    who: &str,
    answered: &Order,
    stored: &StoredOrder,
    account: &str,
    findings: &mut Findings,
) {
    let same = stored.lines == answered.lines
        && stored.total_cents == answered.total_cents
        && stored.account == account;
    if !same {
        let sentence = format!("{who}: was answered {answered:?}, and there is {stored:?}");
        findings.add(Kind::Altered, sentence);
    }
}

/// What the database remembers of each key is what was answered.
fn one_key_each(evidence: &Evidence, findings: &mut Findings) {
    let remembered: BTreeMap<_, _> = remembered(&evidence.contents);
    for (history, purchase) in evidence.purchases() {
        let Some(decision) = purchase.decision() else {
            continue;
        };
        let answered = match decision {
            Decision::Placed { order, .. } => Some(order.id.as_str()),
            Decision::OutOfStock => None,
        };
        let found = remembered.get(&(history.account.as_str(), purchase.key.as_str()));
        if found != Some(&answered) {
            let sentence = format!(
                "{}, key {}: was answered with order {answered:?}, remembered is {found:?}",
                history.client, purchase.key
            );
            findings.add(Kind::Inconsistent, sentence);
        }
    }
}

/// By account and key, the order, if it was no refusal.
fn remembered(contents: &Contents) -> BTreeMap<(&str, &str), Option<&str>> {
    let keys = contents.keys.iter();
    keys.map(|key| {
        (
            (key.account.as_str(), key.key.as_str()),
            key.order.as_deref(),
        )
    })
    .collect()
}

/// Every order belongs to one key, which somebody sent.
fn none_invented(evidence: &Evidence, findings: &mut Findings) {
    let sent: BTreeSet<_> = evidence
        .purchases()
        .map(|(History { account, .. }, purchase)| (account.as_str(), purchase.key.as_str()))
        .collect();
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for key in &evidence.contents.keys {
        if !sent.contains(&(key.account.as_str(), key.key.as_str())) {
            let sentence = format!("nobody sent key {} of account {}", key.key, key.account);
            findings.add(Kind::Invented, sentence);
        }
        if let Some(order) = &key.order {
            *keys.entry(order).or_default() += 1;
            if !evidence.contents.orders.contains_key(order) {
                let sentence = format!(
                    "key {} remembers order {order}, which is not there",
                    key.key
                );
                findings.add(Kind::Lost, sentence);
            }
        }
    }
    for (id, order) in &evidence.contents.orders {
        let keys = keys.get(id.as_str()).copied().unwrap_or_default();
        if keys != 1 {
            let sentence = format!("order {id} of account {} has {keys} keys", order.account);
            findings.add(Kind::Invented, sentence);
        }
    }
}
