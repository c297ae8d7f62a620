//! Who gets the next slot.

use std::time::{Duration, Instant};

use super::super::class::Class;
use super::super::queue::{AFTERMATH, Joined, PATIENCE, PATIENCE_IN_OVERLOAD, Queue};

const A_WHILE: Duration = Duration::from_millis(101);

fn joined(queue: &mut Queue<&'static str>, class: Class, who: &'static str, now: Instant) -> u64 {
    match queue.join(class, who, 10, now) {
        Joined::Waits(number, _) => number,
        other => panic!("{who}: {other:?}"),
    }
}

/// Enough for two in overload.
const ROOM: usize = 128;

#[test]
fn the_important_come_first_and_among_equals_who_came_first() {
    let mut queue = Queue::new();
    let now = Instant::now();
    for (class, who) in [
        (Class::Login, "login"),
        (Class::Read, "first"),
        (Class::Read, "second"),
    ] {
        joined(&mut queue, class, who, now);
    }
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.next_of(Class::Read, now), Some("first"));
    assert_eq!(queue.next_of(Class::Read, now), Some("second"));
    assert_eq!(queue.next_of(Class::Read, now), None);
    assert_eq!(queue.next_of(Class::Login, now), Some("login"));
}

#[test]
fn when_it_stands_the_newest_come_first_and_nobody_waits_for_long() {
    let mut queue = Queue::new();
    let start = Instant::now();
    let patience = |joined| match joined {
        Joined::Waits(_, patience) => patience,
        other => panic!("{other:?}"),
    };
    for who in ["old", "new"] {
        assert_eq!(
            patience(queue.join(Class::Read, who, ROOM, start)),
            PATIENCE
        );
    }
    let later = start + A_WHILE;
    assert!(matches!(
        queue.join(Class::Read, "too late", ROOM, later),
        Joined::Full
    ));
    assert_eq!(queue.next_of(Class::Read, later), Some("new"));
    assert_eq!(queue.next_of(Class::Read, later), Some("old"));
    // It was empty in between, but not for long.
    let next = patience(queue.join(Class::Read, "next", ROOM, later));
    assert_eq!(next, PATIENCE_IN_OVERLOAD);
    assert_eq!(queue.next_of(Class::Read, later), Some("next"));
    let calm = later + AFTERMATH + A_WHILE;
    assert_eq!(
        patience(queue.join(Class::Read, "last", ROOM, calm)),
        PATIENCE
    );
}

#[test]
fn in_overload_there_is_one_place_for_each_class() {
    let mut queue = Queue::new();
    queue.set_strained([true; Class::COUNT]);
    let now = Instant::now();
    assert!(matches!(
        queue.join(Class::Write, "who", ROOM, now),
        Joined::Waits(..)
    ));
    assert!(matches!(
        queue.join(Class::Write, "more", ROOM, now),
        Joined::Full
    ));
    assert!(matches!(
        queue.join(Class::Read, "a read", ROOM, now),
        Joined::Waits(..)
    ));
}

#[test]
fn it_is_overload_for_as_long_as_many_are_refused() {
    let mut queue = Queue::new();
    let start = Instant::now();
    joined(&mut queue, Class::Read, "first", start);
    let mut waiting = None;
    for millis in 101..3_000 {
        let now = start + Duration::from_millis(millis);
        // Whoever waits is gone after his three milliseconds, and the queue empty.
        if millis % 4 == 0 {
            queue.next_of(Class::Read, now);
            queue.next_of(Class::Read, now);
        }
        if let Joined::Waits(_, patience) = queue.join(Class::Read, "more", 1, now) {
            waiting = Some(patience);
            assert_eq!(patience, PATIENCE_IN_OVERLOAD, "after {millis} ms");
        }
    }
    assert!(waiting.is_some());
    queue.next_of(Class::Read, start);
    let calm = start + Duration::from_secs(3) + AFTERMATH + A_WHILE;
    match queue.join(Class::Read, "last", 1, calm) {
        Joined::Waits(_, patience) => assert_eq!(patience, PATIENCE),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_queue_behind_the_gate_leaves_no_patience_for_one_in_front_of_it() {
    let mut queue = Queue::new();
    queue.set_strained([false, true, false]);
    let now = Instant::now();
    let mut patience = |class| match queue.join(class, "who", 10, now) {
        Joined::Waits(_, patience) => patience,
        other => panic!("{other:?}"),
    };
    assert_eq!(patience(Class::Write), PATIENCE_IN_OVERLOAD);
    assert_eq!(patience(Class::Read), PATIENCE);
}

#[test]
fn a_full_queue_takes_nobody_but_who_is_more_important_than_somebody_in_it() {
    let mut queue = Queue::new();
    let now = Instant::now();
    let mut join = |class, who| queue.join(class, who, 2, now);
    assert!(matches!(join(Class::Login, "login"), Joined::Waits(..)));
    assert!(matches!(join(Class::Write, "write"), Joined::Waits(..)));
    assert!(matches!(join(Class::Login, "another"), Joined::Full));
    assert!(matches!(
        join(Class::Read, "read"),
        Joined::Displaces(_, _, "login")
    ));
    assert!(matches!(
        join(Class::Read, "one more"),
        Joined::Displaces(_, _, "write")
    ));
    assert!(matches!(join(Class::Read, "too many"), Joined::Full));
    assert_eq!(queue.len(), 2);
}

#[test]
fn who_leaves_gets_no_turn() {
    let mut queue = Queue::new();
    let now = Instant::now();
    let first = joined(&mut queue, Class::Read, "first", now);
    joined(&mut queue, Class::Read, "second", now);
    queue.leave(Class::Read, first);
    queue.leave(Class::Read, first);
    assert_eq!(queue.next_of(Class::Read, now), Some("second"));
    assert_eq!((queue.len(), queue.len_of(Class::Read)), (0, 0));
}
