//! The limit from one window to the next.

use std::time::Duration;

use proptest::prelude::*;

use super::super::control::{Aimd, Standing, Window};
use crate::database::LaneReading;

const CALM: Window = Window {
    standing: false,
    queued: false,
    pressed: false,
    peak: 100,
};

fn standing(peak: u32) -> Window {
    Window {
        standing: true,
        peak,
        ..CALM
    }
}

fn pressed() -> Window {
    Window {
        pressed: true,
        ..CALM
    }
}

/// One that has been hit often, and behind which no queue has stood.
fn risen(least: u32, most: u32) -> Aimd {
    let mut limit = Aimd::new(least, most);
    for _ in 0..20 {
        limit.next(pressed());
    }
    assert_eq!(limit.now(), most);
    limit
}

#[test]
fn it_begins_low_and_doubles_until_somebody_has_to_wait() {
    let mut limit = Aimd::new(16, 1000);
    assert_eq!(limit.now(), 128);
    assert_eq!(limit.next(CALM), 128);
    assert_eq!(limit.next(pressed()), 256);
    let queued = Window {
        queued: true,
        ..pressed()
    };
    assert_eq!(limit.next(queued), 272);
    assert_eq!(limit.next(pressed()), 288);
    assert_eq!(limit.next(standing(125)), 100);
    assert_eq!(limit.next(pressed()), 110);
    assert_eq!(Aimd::new(16, 32).now(), 32, "not above the most");
}

#[test]
fn a_standing_queue_lowers_the_limit_from_what_was_in_work() {
    let mut limit = risen(16, 1000);
    assert_eq!(limit.next(CALM), 1000);
    assert_eq!(limit.next(standing(100)), 80);
    assert_eq!(limit.next(standing(100)), 64);
    for _ in 0..20 {
        limit.next(standing(100));
    }
    assert_eq!(limit.now(), 16, "not below the least");
}

#[test]
fn a_limit_that_was_hit_is_raised_when_no_queue_stands_and_else_it_stays() {
    let mut limit = risen(16, 1000);
    limit.next(standing(125));
    assert_eq!(limit.now(), 100);
    assert_eq!(limit.next(CALM), 100);
    assert_eq!(limit.next(pressed()), 110);
    for _ in 0..200 {
        limit.next(pressed());
    }
    assert_eq!(limit.now(), 1000, "not above the most");
}

#[test]
fn it_takes_less_than_two_seconds_from_the_most_to_a_few_and_less_than_ten_back() {
    let mut limit = risen(16, 1024);
    let down = (0..1_000)
        .take_while(|_| {
            let peak = limit.now();
            limit.next(standing(peak)) > 16
        })
        .count();
    assert!(down < 20, "{down} windows");
    let up = (0..1_000)
        .take_while(|_| limit.next(pressed()) < 1024)
        .count();
    assert!(up < 100, "{up} windows");
}

#[test]
fn what_stands_while_few_are_in_work_lowers_nothing() {
    let mut limit = risen(16, 1000);
    assert_eq!(limit.next(standing(16)), 1000);
}

#[test]
fn a_least_above_the_most_makes_the_limit_a_fixed_one() {
    let mut limit = Aimd::new(64, 8);
    assert_eq!(limit.next(standing(8)), 8);
    assert_eq!(limit.next(pressed()), 8);
}

#[test]
fn a_queue_stands_when_nobody_got_through_sooner_than_the_target() {
    let ms = Duration::from_millis;
    let reading = |least_wait, waiting| LaneReading {
        least_wait,
        waiting,
    };
    let mut queue = Standing::above(ms(50));
    assert!(!queue.in_window(reading(None, 0)));
    assert!(!queue.in_window(reading(Some(ms(50)), 9)));
    assert!(queue.in_window(reading(Some(ms(51)), 0)));
    // One that has just come is no queue; one that is still there a window later is.
    assert!(!queue.in_window(reading(None, 1)));
    assert!(queue.in_window(reading(None, 1)));
    assert!(!queue.in_window(reading(None, 0)));
}

proptest! {
    #[test]
    fn whatever_is_seen_the_limit_stays_between_its_bounds(
        (least, most) in (1_u32..2_000).prop_flat_map(|least| (Just(least), least..1_000_001)),
        windows in prop::collection::vec((any::<[bool; 3]>(), 0_u32..1_200_000), 0..200),
    ) {
        let mut limit = Aimd::new(least, most);
        for ([standing, queued, pressed], peak) in windows {
            let before = limit.now();
            let after = limit.next(Window { standing, queued, pressed, peak });
            prop_assert!((least..=most).contains(&after), "{after}");
            if standing {
                prop_assert!(after <= before, "{before} to {after} while a queue stands");
            } else {
                prop_assert!(after >= before, "{before} to {after} while none stands");
                prop_assert!(pressed || after == before, "{before} to {after} for no reason");
            }
        }
    }
}
