//! Who may be in work beside whom.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::super::class::Class;
use super::super::slots::{Limits, Slots};

const CLASSES: [Class; 3] = Class::BY_IMPORTANCE;

fn fill(slots: &Slots, class: Class) -> u32 {
    (0..5_000)
        .find(|_| !slots.take(class))
        .expect("an end to the slots")
}

#[test]
fn the_less_important_is_shut_out_sooner_and_leaves_room_for_the_more_important() {
    let slots = Slots::new(1000);
    slots.set_limits(100, 100);
    assert_eq!(fill(&slots, Class::Login), 50);
    assert_eq!(fill(&slots, Class::Write), 35);
    assert_eq!(fill(&slots, Class::Read), 15);
    let full = CLASSES.map(|class| slots.limits().of(class));
    assert_eq!(full, [100, 85, 50]);
}

#[test]
fn nobody_starves_for_the_sake_of_the_more_important() {
    let slots = Slots::new(1000);
    slots.set_limits(80, 80);
    assert_eq!(fill(&slots, Class::Read), 80);
    assert_eq!(fill(&slots, Class::Write), 10);
    assert_eq!(fill(&slots, Class::Login), 10);
}

#[test]
fn the_setting_is_never_passed() {
    let slots = Slots::new(80);
    assert_eq!(fill(&slots, Class::Read), 80);
    assert_eq!(fill(&slots, Class::Write) + fill(&slots, Class::Login), 0);
}

#[test]
fn a_queue_of_writers_shuts_out_writers_alone() {
    let slots = Slots::new(1000);
    slots.set_limits(1000, 20);
    assert_eq!(fill(&slots, Class::Write), 20);
    assert!(slots.take(Class::Read) && slots.take(Class::Login));
    assert!(slots.seen_of_writes().kept_out);
    assert!(
        !slots.seen().kept_out,
        "the limit of all kept nobody out, and need not be raised"
    );
}

#[test]
fn a_limit_of_one_lets_each_class_in() {
    for class in CLASSES {
        let slots = Slots::new(1);
        assert_eq!(fill(&slots, class), 1, "{class:?}");
        slots.give_back(class);
        assert_eq!(fill(&slots, Class::Read), 1, "{class:?}");
    }
}

#[test]
fn what_was_seen_is_told_once() {
    let slots = Slots::new(3);
    assert_eq!(fill(&slots, Class::Read), 3);
    slots.give_back(Class::Read);
    let seen = slots.seen();
    assert_eq!((seen.peak, seen.kept_out), (3, true));
    let seen = slots.seen();
    assert_eq!((seen.peak, seen.kept_out), (2, false));
}

/// Threads take and give back as they come; what each thread has is counted beside the slots, in the order in which it can
/// never be more than what they count.
#[test]
fn threads_never_hold_more_slots_than_there_are() {
    let slots = Slots::new(5);
    let in_work = AtomicU32::new(0);
    let most = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for class in [CLASSES, CLASSES].concat() {
            let (slots, in_work, most) = (&slots, &in_work, &most);
            scope.spawn(move || {
                for _ in 0..20_000 {
                    if slots.take(class) {
                        let now = in_work.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        in_work.fetch_sub(1, Ordering::SeqCst);
                        slots.give_back(class);
                    }
                }
            });
        }
    });
    assert!((1..=5).contains(&most.into_inner()));
    assert_eq!(slots.counts().all(), 0, "each was given back");
}

proptest! {
    #[test]
    fn whoever_is_in_work_the_bounds_hold(
        (all, most) in (1_u32..300).prop_flat_map(|all| (Just(all), all..400)),
        writes in 1_u32..400,
        steps in prop::collection::vec((0_usize..3, any::<bool>()), 0..600),
    ) {
        let slots = Slots::new(most);
        slots.set_limits(all, writes);
        let limits = Limits { all, writes, most };
        let mut held = [0_u32; 3];
        for (which, take) in steps {
            let class = CLASSES[which];
            if !take {
                if held[which] > 0 {
                    held[which] -= 1;
                    slots.give_back(class);
                }
                continue;
            }
            let allowed = limits.admit(slots.counts(), class).is_ok();
            let more_important = CLASSES[..which].iter().copied().filter(|&class| class != Class::Write);
            for more_important in more_important {
                prop_assert!(
                    !allowed || held[which] < Class::own(all)
                        || limits.admit(slots.counts(), more_important).is_ok(),
                    "{class:?} gets in where {more_important:?} does not"
                );
            }
            prop_assert_eq!(slots.take(class), allowed);
            held[which] += u32::from(allowed);
            prop_assert_eq!(CLASSES.map(|class| slots.counts().of(class)), held);
            prop_assert!(slots.counts().all() <= most);
            prop_assert!(held[Class::Write as usize] <= writes);
        }
    }
}
