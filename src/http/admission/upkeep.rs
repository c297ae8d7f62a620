//! What keeps the limits fitting: a look at the queues ten times a second, by one task of the background, and the lag of
//! every worker, sampled where it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::database::LaneReading;

use super::class::Class;
use super::control::{Aimd, Standing, Window};
use super::gate::Gate;
use super::slots::Seen;

/// How often the limits are looked at. What lasts for less is a burst, and none of their business.
const WINDOW: Duration = Duration::from_millis(100);
/// Between two samples of a worker's lag: several in a window, for there is always a late one.
const LAG_INTERVAL: Duration = Duration::from_millis(20);
/// A worker that is never less late than this has more to do than it can. A timer counts whole milliseconds.
const LAG_TARGET: Duration = Duration::from_millis(5);
/// The part of `database.wait_timeout` that callers may have to wait for a connection, whenever they come.
const PART_OF_WAIT: u32 = 10;

/// For so many windows after the last in which a queue stood there is little patience for another one.
const STRAIN: u8 = 10;

/// No sample.
const NONE: u64 = u64::MAX;

/// What the workers' lag was at least since it was last read. Clones share it.
#[derive(Debug, Clone)]
struct Lag(Arc<AtomicU64>);

impl Lag {
    fn note(&self, lag: Duration) {
        let nanos = u64::try_from(lag.as_nanos()).unwrap_or(NONE - 1);
        self.0.fetch_min(nanos, Ordering::Relaxed);
    }

    /// As if it were a lane on which somebody always waits: no sample at all is a worker that does not come round to it.
    fn read(&self) -> LaneReading {
        let least = self.0.swap(NONE, Ordering::Relaxed);
        LaneReading {
            least_wait: (least != NONE).then(|| Duration::from_nanos(least)),
            waiting: 1,
        }
    }
}

/// The gate's upkeep: the composition root runs it in the background.
#[derive(Debug, Clone)]
pub struct Admission {
    gate: Gate,
    lag: Lag,
}

impl Admission {
    pub(in crate::http) fn over(gate: Gate) -> Self {
        Self {
            gate,
            lag: Lag(Arc::new(AtomicU64::new(NONE))),
        }
    }

    /// Samples the lag of the runtime that polls it, for as long as it is polled.
    pub(in crate::http) async fn sample_lag(self) {
        loop {
            let asleep = Instant::now();
            tokio::time::sleep(LAG_INTERVAL).await;
            self.lag.note(asleep.elapsed().saturating_sub(LAG_INTERVAL));
        }
    }

    /// Keeps the limits fitting, for as long as it is polled.
    pub async fn keep_fitting(self) {
        let mut limits = Fitting::new(&self.gate);
        loop {
            tokio::time::sleep(WINDOW).await;
            limits.step(&self.gate, self.lag.read());
        }
    }
}

/// The limits, and what they were lowered for.
#[derive(Debug)]
pub(super) struct Fitting {
    all: Aimd,
    writes: Aimd,
    workers: Standing,
    reading: Standing,
    writing: Standing,
    strain: Strain,
    strain_of_writes: Strain,
}

/// Windows that are left of a strain.
#[derive(Debug, Default)]
struct Strain(u8);

impl Strain {
    fn is_on(&mut self, standing: bool) -> bool {
        self.0 = if standing {
            STRAIN
        } else {
            self.0.saturating_sub(1)
        };
        self.0 > 0
    }
}

impl Fitting {
    pub(super) fn new(gate: &Gate) -> Self {
        let bounds = gate.bounds();
        let of_lane = || Standing::above(bounds.longest_wait / PART_OF_WAIT);
        let limit = Aimd::new(bounds.least, bounds.most);
        gate.set_limits(limit.now(), limit.now(), [false; Class::COUNT]);
        Self {
            all: limit.clone(),
            writes: limit,
            workers: Standing::above(LAG_TARGET),
            reading: of_lane(),
            writing: of_lane(),
            strain: Strain::default(),
            strain_of_writes: Strain::default(),
        }
    }

    /// One window has passed. A queue of writers is theirs alone: reads do not wait in it, and are not refused for it.
    pub(super) fn step(&mut self, gate: &Gate, lag: LaneReading) {
        let (reads, writes) = (gate.pressure().of_reads(), gate.pressure().of_writes());
        let workers = self.workers.in_window(lag);
        let reading = self.reading.in_window(reads);
        let writing = self.writing.in_window(writes);
        let of_all = window(workers || reading, reads, gate.slots().seen());
        let of_writes = window(writing, writes, gate.slots().seen_of_writes());
        let strained = self.strain.is_on(workers || reading);
        let strained_writes = self.strain_of_writes.is_on(writing) || strained;
        let strained_by_class = Class::BY_IMPORTANCE.map(|class| match class {
            Class::Write => strained_writes,
            Class::Read | Class::Login => strained,
        });
        let (all, writes) = (self.all.next(of_all), self.writes.next(of_writes));
        gate.set_limits(all, writes, strained_by_class);
    }
}

fn window(standing: bool, lane: LaneReading, seen: Seen) -> Window {
    Window {
        standing,
        queued: lane.waiting > 0,
        pressed: seen.kept_out,
        peak: seen.peak,
    }
}
