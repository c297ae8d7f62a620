//! The checker itself: a clean world passes, and for each invariant a violation that is planted in it is found, that kind and
//! no other.

mod world;

use std::collections::BTreeSet;

use self::world::{LATE, World, span};
use super::Kind;
use crate::chaos::contents::{Event, StoredKey};
use crate::chaos::history::{Decision, Moved, Reply, Sighting, Status, Step};

/// Fails unless exactly these kinds are found in the world, once it was tampered with.
#[track_caller]
fn found(kinds: &[Kind], tamper: impl FnOnce(&mut World)) {
    let mut world = World::clean();
    tamper(&mut world);
    let violations = world.0.violations();
    let found: BTreeSet<_> = violations.iter().map(|violation| violation.kind).collect();
    assert_eq!(found, kinds.iter().copied().collect(), "{violations:#?}");
}

#[test]
fn a_clean_world_passes() {
    found(&[], |_| {});
    // Nor is it wrong that what nobody knew of was not done.
    found(&[], |world| {
        let delivery = &mut world.0.histories[2].deliveries[1];
        let pieces = std::mem::replace(&mut delivery.pieces, 1_000);
        world.product("q").name = "As it was made".to_owned();
        world.product("q").stock -= pieces;
    });
}

#[test]
fn an_acknowledged_order_that_is_gone_is_lost() {
    found(&[Kind::Lost, Kind::Stock], |world| {
        world.0.contents.orders.remove("o3");
    });
    found(&[Kind::Lost, Kind::Inconsistent], |world| {
        world.0.contents.orders.remove("o3");
        world.0.contents.keys.retain(|key| key.key != "b-1");
        world.product("p").stock += 3;
    });
}

#[test]
fn an_order_that_is_another_one_is_altered() {
    found(&[Kind::Altered], |world| {
        world.order("o1").account = "b".to_owned();
    });
    found(&[Kind::Altered, Kind::Stock], |world| {
        world.order("o1").lines[0].quantity += 1;
        world.order("o1").lines[0].total_cents += 100;
        world.order("o1").lines[1].price_cents = 250;
        world.order("o1").total_cents += 100;
        for event in &mut world.order("o1").events {
            event.total_cents = Some(550);
        }
    });
    found(&[Kind::Altered], |world| {
        world.purchase(0, 0).wanted[0].1 = 3;
    });
    found(&[Kind::Altered], |world| {
        world.purchase(0, 0).wanted.reverse();
    });
}

#[test]
fn an_order_without_a_key_of_its_own_is_invented() {
    found(&[Kind::Invented], |world| {
        let mut twin = world.order("o3").clone();
        for event in &mut twin.events {
            "o9".clone_into(&mut event.order);
        }
        world.0.contents.orders.insert("o9".to_owned(), twin);
        world.product("p").stock -= 3;
    });
    found(&[Kind::Invented], |world| {
        world.0.contents.keys.push(StoredKey {
            account: "b".to_owned(),
            key: "b-9".to_owned(),
            order: None,
        });
    });
    found(&[Kind::Invented], |world| {
        world.0.contents.keys.push(StoredKey {
            account: "a".to_owned(),
            key: "b-1".to_owned(),
            order: Some("o3".to_owned()),
        });
    });
}

#[test]
fn a_key_that_is_answered_in_two_ways_is_inconsistent() {
    found(&[Kind::Inconsistent], |world| {
        let replies = &mut world.purchase(0, 1).replies;
        let Reply::Told(Decision::Placed { body, .. }) = &mut replies[2].1 else {
            panic!("it was replayed")
        };
        body.push(' ');
    });
    found(&[Kind::Inconsistent], |world| {
        let replies = &mut world.purchase(1, 1).replies;
        replies.push((span(LATE), Reply::Told(Decision::OutOfStock)));
    });
    // Twice said to be new.
    found(&[Kind::Inconsistent], |world| {
        let replies = &mut world.purchase(1, 1).replies;
        replies.push(replies[0].clone());
    });
    // Remembered as something else than was answered.
    found(&[Kind::Inconsistent, Kind::Invented], |world| {
        for key in &mut world.0.contents.keys {
            key.order.take_if(|order| order == "o3");
        }
    });
}

#[test]
fn a_request_of_which_nobody_knows_in_the_end_is_unsettled() {
    found(&[Kind::Unsettled], |world| {
        world.purchase(1, 0).replies =
            vec![(span(3), Reply::Lost), (span(LATE), Reply::Failed(503))];
    });
    found(&[Kind::Unsettled], |world| {
        world.0.histories[0].steps.push(Step {
            order: "o1".to_owned(),
            to: Status::Cancelled,
            replies: vec![(span(LATE), Reply::Lost)],
        });
    });
}

#[test]
fn a_wrong_sum_is_found_where_everybody_agrees_on_it() {
    found(&[Kind::Sum], |world| {
        world.agree_on("o3", |order| order.total_cents += 1);
    });
    found(&[Kind::Sum], |world| {
        world.agree_on("o3", |order| {
            order.lines[0].total_cents += 1;
            order.total_cents += 1;
        });
    });
    // Its price is not that of the product.
    found(&[Kind::Sum], |world| {
        world.agree_on("o3", |order| {
            order.lines[0].price_cents += 1;
            order.lines[0].total_cents += 3;
            order.total_cents += 3;
        });
    });
    found(&[Kind::Sum, Kind::Altered, Kind::Stock], |world| {
        world.order("o3").lines.clear();
    });
}

#[test]
fn a_history_that_is_no_legal_path_is_found() {
    let step = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    found(&[Kind::History], |world| {
        "paid".clone_into(&mut world.order("o3").status);
    });
    found(&[Kind::History], |world| {
        world.order("o1").steps[1].0 = "cancelled".to_owned();
    });
    found(&[Kind::History, Kind::Events], |world| {
        world.order("o3").steps.clear();
    });
    found(
        &[Kind::History, Kind::Events, Kind::StepInvented],
        |world| {
            world.order("o2").steps.push(step("cancelled", "placed"));
            world.order("o2").steps.push(step("placed", "paid"));
            world.order("o2").steps.push(step("paid", "cancelled"));
        },
    );
    found(&[Kind::History, Kind::Events], |world| {
        world.order("o2").steps.push(step("cancelled", "cancelled"));
    });
}

#[test]
fn events_that_are_not_those_of_the_steps_are_found() {
    let spoil: [fn(&mut Vec<Event>); 6] = [
        |events| drop(events.pop()),
        |events| events.reverse(),
        |events| events.push(events[1].clone()),
        |events| events[1].status = Some(Status::Placed),
        |events| events[0].total_cents = Some(1),
        |events| "o3".clone_into(&mut events[0].order),
    ];
    for spoil in spoil {
        found(&[Kind::Events], |world| {
            spoil(&mut world.order("o1").events);
        });
    }
    found(&[Kind::Events], |world| {
        world.0.contents.strays.push("o9 order.placed".to_owned());
    });
}

#[test]
fn pieces_that_appear_or_vanish_are_found() {
    // Such as a cancelled order's piece that is put back twice.
    found(&[Kind::Stock], |world| world.product("p").stock += 1);
    found(&[Kind::Stock], |world| world.product("q").stock -= 1);
    // A delivery that was acknowledged, and one that was not and says so.
    found(&[Kind::Stock], |world| world.product("p").stock -= 10);
    found(&[Kind::Stock], |world| {
        world.product("q").name = "As it was made".to_owned();
    });
    found(&[Kind::Stock], |world| {
        world.0.products[0].pieces -= 100;
        world.product("p").stock -= 100;
    });
    found(&[Kind::Stock], |world| {
        world.0.contents.products.remove("q");
    });
}

#[test]
fn an_acknowledged_step_that_is_gone_is_lost() {
    found(&[Kind::StepLost], |world| {
        let order = world.order("o1");
        order.steps.pop();
        order.events.pop();
        "paid".clone_into(&mut order.status);
    });
    found(&[Kind::StepLost], |world| {
        let step = Step {
            order: "o9".to_owned(),
            to: Status::Paid,
            replies: vec![(span(LATE), Reply::Told(Moved::Made))],
        };
        world.0.histories[2].steps.push(step);
    });
}

#[test]
fn a_step_that_nobody_asked_for_is_found() {
    found(&[Kind::StepInvented], |world| {
        let order = world.order("o3");
        order.steps.push(("placed".to_owned(), "paid".to_owned()));
        order.events.push(Event {
            kind: "order.paid".to_owned(),
            status: Some(Status::Paid),
            ..order.events[0].clone()
        });
        "paid".clone_into(&mut order.status);
    });
}

#[test]
fn an_order_that_somebody_saw_go_backwards_or_vanish_is_found() {
    let sighting = |order: &str, status| Sighting {
        order: order.to_owned(),
        status,
        span: span(LATE),
    };
    // Also when it was somebody else who had seen it further on.
    for history in [0, 2] {
        found(&[Kind::Backwards], |world| {
            let sighting = sighting("o1", Some(Status::Placed));
            world.0.histories[history].sightings.push(sighting);
        });
    }
    found(&[Kind::Backwards], |world| {
        let sighting = sighting("o3", None);
        world.0.histories[1].sightings.push(sighting);
    });
    // Who asked before the other one was answered may see less.
    found(&[], |world| {
        let mut sighting = sighting("o1", Some(Status::Placed));
        sighting.span.asked = span(2).asked;
        world.0.histories[0].sightings.push(sighting);
    });
}

#[test]
fn a_list_that_lacks_a_known_order_is_found() {
    found(&[Kind::Unlisted], |world| {
        world.0.histories[0].listings[0].orders.pop();
    });
    found(&[Kind::Unlisted], |world| {
        world.0.histories[0].listings[0].orders.reverse();
    });
    // A page goes down to its last order only.
    found(&[], |world| {
        let listing = &mut world.0.histories[0].listings[0];
        listing.orders.pop();
        listing.whole = false;
    });
    found(&[Kind::Unlisted], |world| {
        let listing = &mut world.0.histories[0].listings[0];
        listing.orders.remove(0);
        listing.whole = false;
    });
}

#[test]
fn an_answer_that_the_api_does_not_have_is_found() {
    found(&[Kind::Odd], |world| {
        let odd = "buyer 0 asked for /: 500".to_owned();
        world.0.histories[0].oddities.push(odd);
    });
}

#[test]
fn a_status_leads_to_those_after_it_only() {
    use Status::{Cancelled, Delivered, Paid, Placed, Shipped};
    let onwards = [
        (Placed, vec![Placed, Paid, Shipped, Delivered, Cancelled]),
        (Paid, vec![Paid, Shipped, Delivered, Cancelled]),
        (Shipped, vec![Shipped, Delivered]),
        (Delivered, vec![Delivered]),
        (Cancelled, vec![Cancelled]),
    ];
    for (from, later) in onwards {
        for to in [Placed, Paid, Shipped, Delivered, Cancelled] {
            assert_eq!(from.leads_to(to), later.contains(&to), "{from:?} {to:?}");
        }
    }
}
