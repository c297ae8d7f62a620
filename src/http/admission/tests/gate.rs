//! The gate with nobody behind it: whom it takes on, whom it lets wait, whom it refuses, and what it says of that.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::super::class::Class;
use super::super::gate::{Bounds, Gate, Permit};
use super::super::metrics::{AdmissionMetrics, Reason};
use super::super::queue::{PATIENCE, PATIENCE_IN_OVERLOAD};
use super::super::upkeep::Fitting;
use crate::database::{LaneReading, Pressure};
use crate::telemetry::metrics::Registry;

const WAIT: Duration = Duration::from_millis(500);

/// Nothing is late.
const PROMPT: LaneReading = LaneReading {
    least_wait: Some(Duration::ZERO),
    waiting: 1,
};

struct World {
    gate: Gate,
    pressure: Pressure,
    metrics: AdmissionMetrics,
    registry: Registry,
}

fn world(least: u32, most: u32) -> World {
    let registry = Registry::new();
    let metrics = AdmissionMetrics::register(&registry).unwrap();
    let pressure = Pressure::pretended(4);
    let bounds = Bounds {
        least,
        most,
        longest_wait: WAIT,
    };
    World {
        gate: Gate::new(bounds, pressure.clone(), &metrics),
        pressure,
        metrics,
        registry,
    }
}

impl World {
    fn refused(&self, class: Class, reason: Reason) -> u64 {
        self.metrics.refused.with((class, reason)).get()
    }

    async fn take(&self, class: Class, count: usize) -> Vec<Permit> {
        let mut permits = Vec::new();
        for _ in 0..count {
            permits.push(self.gate.admit(class).await.expect("a free slot"));
        }
        permits
    }

    fn shows(&self, line: &str) -> bool {
        self.registry.encode().unwrap().contains(line)
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_slot_waits_for_a_moment_and_is_then_refused() {
    let world = world(1, 2);
    let permits = world.take(Class::Read, 2).await;
    let asked = Instant::now();
    let reason = world.gate.admit(Class::Read).await.unwrap_err();
    assert_eq!((reason, asked.elapsed()), (Reason::Late, PATIENCE));
    assert_eq!(world.refused(Class::Read, Reason::Late), 1);
    drop(permits);
    assert!(world.gate.admit(Class::Read).now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_given_back_goes_to_the_most_important_that_waits() {
    let world = world(1, 4);
    let mut permits = world.take(Class::Read, 4).await;
    let mut login = Box::pin(world.gate.admit(Class::Login));
    let mut write = Box::pin(world.gate.admit(Class::Write));
    let mut read = Box::pin(world.gate.admit(Class::Read));
    for waiting in [&mut login, &mut write, &mut read] {
        assert!(waiting.now_or_never().is_none());
    }
    assert!(world.shows("http_admission_queued{class=\"login\"} 1"));
    assert!(world.shows("http_admission_in_use{class=\"read\"} 4"));
    permits.pop();
    assert!((&mut login).now_or_never().is_none());
    assert!((&mut write).now_or_never().is_none());
    let read = (&mut read).now_or_never().expect("its turn").unwrap();
    // A write may fill 85 percent of four, which is three: the next slot but one is for it.
    permits.pop();
    assert!((&mut write).now_or_never().is_none());
    permits.pop();
    assert!((&mut write).now_or_never().expect("its turn").is_ok());
    drop((read, permits));
    assert!((&mut login).now_or_never().expect("its turn").is_ok());
    assert!(world.shows("http_admission_queued{class=\"login\"} 0"));
    assert!(world.shows("http_admission_in_use{class=\"read\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_displaces_the_less_important() {
    let world = world(1, 2);
    let _held = world.take(Class::Read, 2).await;
    let mut login = Box::pin(world.gate.admit(Class::Login));
    let mut write = Box::pin(world.gate.admit(Class::Write));
    assert!((&mut login).now_or_never().is_none());
    assert!((&mut write).now_or_never().is_none());
    let refused = |class| world.gate.admit(class).now_or_never().expect("at once");
    assert_eq!(refused(Class::Login).unwrap_err(), Reason::Full);
    let mut read = Box::pin(world.gate.admit(Class::Read));
    assert!((&mut read).now_or_never().is_none());
    assert_eq!(login.await.unwrap_err(), Reason::Displaced);
    assert_eq!(world.refused(Class::Login, Reason::Displaced), 1);
    assert_eq!(world.refused(Class::Login, Reason::Full), 1);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_while_it_waits_takes_no_slot_along() {
    let world = world(1, 1);
    let held = world.take(Class::Read, 1).await;
    let mut gone = Box::pin(world.gate.admit(Class::Read));
    assert!((&mut gone).now_or_never().is_none());
    // Its turn comes, and it is not there to see it.
    drop(held);
    assert!(world.shows("http_admission_in_use{class=\"read\"} 1"));
    drop(gone);
    assert!(world.shows("http_admission_in_use{class=\"read\"} 0"));
    let _held = world.take(Class::Read, 1).await;
    let mut gone = Box::pin(world.gate.admit(Class::Read));
    assert!((&mut gone).now_or_never().is_none());
    drop(gone);
    assert!(world.shows("http_admission_queued{class=\"read\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn while_the_queue_stands_a_refusal_comes_after_a_few_milliseconds() {
    let world = world(1, 4);
    let _held = world.take(Class::Read, 4).await;
    let mut first = Box::pin(world.gate.admit(Class::Read));
    assert!((&mut first).now_or_never().is_none());
    tokio::time::advance(PATIENCE / 2).await;
    let mut second = Box::pin(world.gate.admit(Class::Read));
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(first.await.unwrap_err(), Reason::Late);
    tokio::time::advance(Duration::from_millis(1)).await;
    let asked = Instant::now();
    let third = world.gate.admit(Class::Read).await.unwrap_err();
    assert_eq!(
        (third, asked.elapsed()),
        (Reason::Full, Duration::ZERO),
        "one waits already"
    );
    assert_eq!(second.await.unwrap_err(), Reason::Late);
    let asked = Instant::now();
    let fourth = world.gate.admit(Class::Read).await.unwrap_err();
    assert_eq!(
        (fourth, asked.elapsed()),
        (Reason::Late, PATIENCE_IN_OVERLOAD)
    );
}

#[tokio::test(start_paused = true)]
async fn who_would_get_no_connection_in_time_is_refused_at_once_and_nobody_else() {
    let world = world(1, 1000);
    world.pressure.pretend_held(Duration::from_millis(100));
    let waiting = world.pressure.pretend_queue(24);
    for class in Class::BY_IMPORTANCE {
        let refused = world.gate.admit(class).now_or_never().expect("at once");
        assert_eq!(refused.unwrap_err(), Reason::Pool, "{class:?}");
    }
    let needs_none = world.gate.admit_without_database(Class::Read);
    assert!(needs_none.now_or_never().expect("at once").is_ok());
    drop(waiting);
    // As many as four connections serve within the half second.
    let waiting = world.pressure.pretend_queue(23);
    assert!(world.gate.admit(Class::Read).await.is_ok());
    drop(waiting);
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_writers_lowers_their_limit_and_nobody_elses() {
    let world = world(2, 100);
    let writes = world.take(Class::Write, 60).await;
    let mut fitting = Fitting::new(&world.gate);
    assert!(world.shows("http_admission_limit{class=\"read\"} 16"));
    for _ in 0..30 {
        world.pressure.pretend_write(WAIT / 5);
        world.pressure.pretend_read(Duration::ZERO);
        fitting.step(&world.gate, PROMPT);
    }
    assert!(world.shows("http_admission_limit{class=\"write\"} 2"));
    assert!(world.shows("http_admission_limit{class=\"read\"} 16"));
    drop(writes);
}

#[tokio::test(start_paused = true)]
async fn late_workers_and_a_queue_of_readers_lower_the_limit_of_all() {
    let late = LaneReading {
        least_wait: Some(Duration::from_millis(30)),
        waiting: 1,
    };
    for (lag, wait) in [(late, Duration::ZERO), (PROMPT, WAIT / 5)] {
        let world = world(4, 100);
        let _held = world.take(Class::Read, 60).await;
        let mut fitting = Fitting::new(&world.gate);
        for _ in 0..30 {
            world.pressure.pretend_read(wait);
            fitting.step(&world.gate, lag);
        }
        assert!(world.shows("http_admission_limit{class=\"read\"} 4"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_lent_is_had_by_another_and_taken_back_whatever_the_limit() {
    let world = world(1, 1);
    let permit = world.take(Class::Read, 1).await.remove(0);
    permit.lend();
    permit.lend();
    assert!(world.shows("http_admission_in_use{class=\"read\"} 0"));
    let other = world.take(Class::Write, 1).await;
    permit.take_back();
    permit.take_back();
    assert!(world.shows("http_admission_in_use{class=\"read\"} 1"));
    assert!(world.gate.admit(Class::Read).await.is_err(), "two of one");
    drop(other);
    assert!(world.gate.admit(Class::Read).await.is_err(), "one of one");
    permit.lend();
    drop(permit);
    assert!(world.shows("http_admission_in_use{class=\"read\"} 0"));
    world.take(Class::Read, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_lent_goes_to_who_waits_for_one() {
    let world = world(1, 1);
    let permit = world.take(Class::Read, 1).await.remove(0);
    let mut waiting = Box::pin(world.gate.admit(Class::Read));
    assert!((&mut waiting).now_or_never().is_none());
    permit.lend();
    assert!(
        waiting
            .now_or_never()
            .is_some_and(|admitted| admitted.is_ok())
    );
}

/// Clients that come, wait, go away while they wait or while they are served, and handlers that panic, all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_slot_is_lost_whatever_becomes_of_those_who_have_one_or_wait_for_one() {
    let world = world(1, 3);
    let mut clients = JoinSet::new();
    for client in 0..48_u64 {
        let gate = world.gate.clone();
        clients.spawn(async move {
            let mut random = fastrand::Rng::with_seed(client);
            let class = Class::BY_IMPORTANCE[random.usize(0..Class::COUNT)];
            let mut served = 0_u32;
            for _ in 0..40 {
                let patience = Duration::from_micros(random.u64(0..3_000));
                let work = async {
                    let _permit = gate.admit(class).await?;
                    tokio::time::sleep(Duration::from_micros(random.u64(0..500))).await;
                    assert!(random.u8(..) > 0, "a handler panics");
                    Ok::<_, Reason>(())
                };
                let ended = AssertUnwindSafe(timeout(patience, work)).catch_unwind();
                served += u32::from(matches!(ended.await, Ok(Ok(Ok(())))));
            }
            served
        });
    }
    let served: u32 = clients.join_all().await.iter().sum();
    assert!(served > 0, "some are served");
    for class in Class::BY_IMPORTANCE.map(Class::as_str) {
        assert!(world.shows(&format!("http_admission_in_use{{class=\"{class}\"}} 0")));
        assert!(world.shows(&format!("http_admission_queued{{class=\"{class}\"}} 0")));
    }
    let _all = world.take(Class::Read, 3).await;
}
