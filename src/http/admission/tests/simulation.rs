//! The gate in front of a service that is simulated on a clock that jumps: four connections, two milliseconds of the only
//! core for each request, a hundredth of that for each refusal, and arrivals that do not care whether there was an answer.

use std::cell::Cell;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep, timeout};

use super::super::class::Class;
use super::super::gate::{Bounds, Gate};
use super::super::metrics::AdmissionMetrics;
use super::super::upkeep::Fitting;
use crate::database::{LaneReading, Pressure};
use crate::telemetry::metrics::Registry;

const WORK: Duration = Duration::from_millis(2);
const REFUSAL: Duration = Duration::from_micros(20);
const WAIT: Duration = Duration::from_millis(500);
/// What the core can do in a second.
const CAPACITY: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Served,
    Refused,
    /// Taken on, and then without a connection for too long.
    Failed,
}

struct Service {
    gate: Gate,
    pressure: Pressure,
    connections: Semaphore,
    core: Semaphore,
    /// Time of the core that refusals have cost, to be paid by who uses it next: its clock is too coarse for less.
    owed: Cell<Duration>,
}

impl Service {
    fn new() -> Self {
        Self::within(Bounds {
            least: 16,
            most: 1024,
            longest_wait: WAIT,
        })
    }

    fn within(bounds: Bounds) -> Self {
        let pressure = Pressure::pretended(4);
        let metrics = AdmissionMetrics::register(&Registry::new()).unwrap();
        Self {
            gate: Gate::new(bounds, pressure.clone(), &metrics),
            pressure,
            connections: Semaphore::new(4),
            core: Semaphore::new(1),
            owed: Cell::default(),
        }
    }

    async fn request(&self, class: Class) -> (Class, End, Duration) {
        let asked = Instant::now();
        let Ok(permit) = self.gate.admit(class).await else {
            self.owed.set(self.owed.get() + REFUSAL);
            return (class, End::Refused, asked.elapsed());
        };
        let waiting = Instant::now();
        let queued = self.pressure.pretend_queue(1);
        let connection = timeout(WAIT, self.connections.acquire()).await;
        drop(queued);
        self.pressure.pretend_read(waiting.elapsed());
        if connection.is_err() {
            return (class, End::Failed, asked.elapsed());
        }
        let held = Instant::now();
        let core = self.core.acquire().await;
        let owed = self.owed.take();
        let whole = Duration::from_millis(u64::try_from(owed.as_millis()).unwrap());
        self.owed.set(owed.saturating_sub(whole));
        sleep(WORK + whole).await;
        self.pressure.pretend_held(held.elapsed());
        drop((core, connection, permit));
        (class, End::Served, asked.elapsed())
    }
}

/// What came of it, in the order of the ends.
struct Ends(Vec<(Class, End, Duration)>);

impl Ends {
    fn of(&self, end: End) -> Vec<Duration> {
        let mut times: Vec<_> = self
            .0
            .iter()
            .filter(|(_, is, _)| *is == end)
            .map(|(_, _, time)| *time)
            .collect();
        times.sort_unstable();
        times
    }

    fn p99(&self, end: End) -> Duration {
        let times = self.of(end);
        times
            .get(times.len() * 99 / 100)
            .copied()
            .unwrap_or_default()
    }

    fn share_served(&self, class: Class) -> f64 {
        let of = |served: bool| {
            let these = self
                .0
                .iter()
                .filter(|(is, end, _)| *is == class && (!served || *end == End::Served));
            f64::from(u32::try_from(these.count()).unwrap())
        };
        of(true) / of(false)
    }
}

/// So many requests a millisecond, of the classes in turn, for so long; to the last answer.
async fn load(service: &Service, times: f64, classes: &[Class], time: Duration) -> Ends {
    let (start, mut fitting) = (Instant::now(), Fitting::new(&service.gate));
    let prompt = LaneReading {
        least_wait: Some(Duration::ZERO),
        waiting: 1,
    };
    let (mut arrivals, mut windows) = (
        interval(Duration::from_millis(1)),
        interval(Duration::from_millis(100)),
    );
    let mut under_way = FuturesUnordered::new();
    let (mut due, mut turn, mut ends) = (0.0, classes.iter().cycle(), Vec::new());
    while start.elapsed() < time || !under_way.is_empty() {
        tokio::select! {
            _ = arrivals.tick(), if start.elapsed() < time => {
                due += times * f64::from(CAPACITY) / 1000.0;
                while due >= 1.0 {
                    due -= 1.0;
                    under_way.extend(turn.next().map(|&class| service.request(class)));
                }
            }
            _ = windows.tick() => fitting.step(&service.gate, prompt),
            Some(end) = under_way.next() => ends.push(end),
        }
    }
    Ends(ends)
}

const TIME: Duration = Duration::from_secs(10);

fn of_capacity(served: usize) -> f64 {
    f64::from(u32::try_from(served).unwrap()) / (f64::from(CAPACITY) * TIME.as_secs_f64())
}

#[tokio::test(start_paused = true)]
async fn below_its_capacity_nobody_is_refused_and_nobody_waits_for_long() {
    let ends = load(&Service::new(), 0.8, &[Class::Read], TIME).await;
    assert_eq!(
        (ends.of(End::Refused).len(), ends.of(End::Failed).len()),
        (0, 0)
    );
    assert!(
        ends.p99(End::Served) < Duration::from_millis(50),
        "{:?}",
        ends.p99(End::Served)
    );
}

#[tokio::test(start_paused = true)]
async fn overload_at_3x_keeps_nine_tenths_of_the_goodput_and_at_10x_seven() {
    for (times, goodput) in [(3.0, 0.9), (10.0, 0.7)] {
        let ends = load(&Service::new(), times, &[Class::Read], TIME).await;
        let in_time = ends
            .of(End::Served)
            .iter()
            .filter(|time| **time <= WAIT)
            .count();
        let kept = of_capacity(in_time);
        assert!(
            kept >= goodput,
            "{kept} of its capacity at {times} times that"
        );
        let (served, refused) = (ends.p99(End::Served), ends.p99(End::Refused));
        assert!(served <= WAIT, "p99 of those served at {times}: {served:?}");
        assert!(
            refused <= Duration::from_millis(20),
            "p99 of refusals at {times}: {refused:?}"
        );
    }
}

/// What the gate is for: the same without one.
#[tokio::test(start_paused = true)]
async fn without_a_gate_overload_makes_everybody_wait_until_it_is_too_late() {
    let open = Service::within(Bounds {
        least: 1_000_000,
        most: 1_000_000,
        longest_wait: Duration::from_hours(1),
    });
    let ends = load(&open, 3.0, &[Class::Read], TIME).await;
    assert!(ends.p99(End::Served) > WAIT, "{:?}", ends.p99(End::Served));
}

#[tokio::test(start_paused = true)]
async fn in_overload_logins_are_refused_first_and_then_writes() {
    let classes = [Class::Read, Class::Write, Class::Login];
    let ends = load(&Service::new(), 3.0, &classes, TIME).await;
    let [read, write, login] = classes.map(|class| ends.share_served(class));
    assert!(read > write && write > login, "{read} {write} {login}");
    assert!(read > 0.7, "{read} of the reads, for which there was room");
    assert!(login > 0.0, "nobody starves");
}

#[tokio::test(start_paused = true)]
async fn after_overload_it_is_normal_again_within_two_seconds() {
    let service = Service::new();
    load(&service, 10.0, &[Class::Read], TIME).await;
    let settling = Duration::from_secs(2);
    load(&service, 0.8, &[Class::Read], settling).await;
    let ends = load(&service, 0.8, &[Class::Read], TIME).await;
    assert_eq!(
        (ends.of(End::Refused).len(), ends.of(End::Failed).len()),
        (0, 0)
    );
}
