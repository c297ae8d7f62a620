//! Steps of orders, as the clients know of them: what was acknowledged is there, what is there was wished for, and nothing
//! is left open.

use std::collections::BTreeSet;

use super::{Evidence, Findings, Kind};
use crate::chaos::history::Status;

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    let orders = &evidence.contents.orders;
    let mut wished = BTreeSet::new();
    for history in &evidence.histories {
        for step in &history.steps {
            let to = step.to.name();
            wished.insert((step.order.as_str(), to));
            if step.replies.iter().all(|(_, reply)| reply.told().is_none()) {
                let sentence = format!(
                    "{}: nobody ever said whether order {} was {to}",
                    history.client, step.order
                );
                findings.add(Kind::Unsettled, sentence);
            }
            if !step.was_made() {
                continue;
            }
            let Some(order) = orders.get(&step.order) else {
                let sentence = format!(
                    "{}: order {} was {to} and is not there",
                    history.client, step.order
                );
                findings.add(Kind::StepLost, sentence);
                continue;
            };
            let told = order.steps.iter().any(|(_, made)| made == to);
            let stands = Status::named(&order.status);
            if !told || !stands.is_some_and(|stands| step.to.leads_to(stands)) {
                let sentence = format!(
                    "{}: order {} was said to be {to}; it is {} by way of {:?}",
                    history.client, step.order, order.status, order.steps
                );
                findings.add(Kind::StepLost, sentence);
            }
        }
    }
    for (id, order) in orders {
        for (_, to) in &order.steps {
            if to != Status::Placed.name() && !wished.contains(&(id.as_str(), to.as_str())) {
                let sentence = format!("order {id} became {to}, which nobody asked for");
                findings.add(Kind::StepInvented, sentence);
            }
        }
    }
}
