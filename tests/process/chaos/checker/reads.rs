//! What clients saw while it went on: whoever asks after somebody has been answered sees no less than that one did.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Evidence, Findings, Kind};
use crate::chaos::history::{History, Listing, Sighting};

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    // Who knew of which order since when.
    let mut known: BTreeMap<&str, Duration> = BTreeMap::new();
    for (_, purchase) in evidence.purchases() {
        if let Some((since, order)) = purchase.acknowledged() {
            known.insert(&order.id, since);
        }
    }
    let mut seen: BTreeMap<&str, Vec<(&History, &Sighting)>> = BTreeMap::new();
    for history in &evidence.histories {
        for sighting in &history.sightings {
            let of_order = seen.entry(&sighting.order).or_default();
            of_order.push((history, sighting));
        }
        for listing in &history.listings {
            listed(history, listing, findings);
        }
    }
    for (id, mut sightings) in seen {
        sightings.sort_by_key(|(_, sighting)| sighting.span.asked);
        for (at, (who, later)) in sightings.iter().enumerate() {
            let Some(stands) = later.status else {
                if known.get(id).is_some_and(|since| *since < later.span.asked) {
                    let sentence = format!("{} did not find order {id}", who.client);
                    findings.add(Kind::Backwards, sentence);
                }
                continue;
            };
            for (whom, earlier) in &sightings[..at] {
                let came_first = earlier.span.answered < later.span.asked;
                let agrees = earlier.status.is_none_or(|status| status.leads_to(stands));
                if came_first && !agrees {
                    let sentence = format!(
                        "{} saw order {id} {}, after {} had seen it {:?}",
                        who.client,
                        stands.name(),
                        whom.client,
                        earlier.status
                    );
                    findings.add(Kind::Backwards, sentence);
                    break;
                }
            }
        }
    }
}

/// Every order that the client knew of when it asked, and that is not older than the page goes down to, is on it, once.
fn listed(history: &History, listing: &Listing, findings: &mut Findings) {
    let ordered = listing.orders.is_sorted_by(|newer, older| newer > older);
    if !ordered {
        let sentence = format!("{} saw a list out of order: {listing:?}", history.client);
        findings.add(Kind::Unlisted, sentence);
    }
    let oldest = match listing.orders.last() {
        Some(oldest) if !listing.whole => oldest.as_str(),
        _ => "",
    };
    for purchase in &history.purchases {
        let Some((since, order)) = purchase.acknowledged() else {
            continue;
        };
        let belongs = since < listing.span.asked && order.id.as_str() >= oldest;
        if belongs
            && listing
                .orders
                .binary_search_by(|id| order.id.cmp(id))
                .is_err()
        {
            let sentence = format!(
                "{} knew of order {} and did not find it in a list of {}",
                history.client,
                order.id,
                listing.orders.len()
            );
            findings.add(Kind::Unlisted, sentence);
        }
    }
}
