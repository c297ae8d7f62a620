//! Whether the machine kept time. Under a hypervisor that gives a processor to others, or in a control group that has used up
//! its share, everything stops for a while, the service and who measures it: what a test takes for the service's time is
//! then the machine's. On each processor a thread looks at the clock and at nothing else, and where that is late, the
//! machine stood still.
//!
//! `tools/arrivals` measures with it too, so it is written for more than tests.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Between two looks.
const TICK: Duration = Duration::from_millis(5);

/// Less may be a processor that is busy with what is tested.
const STILL: Duration = Duration::from_millis(20);

/// From when to when.
type Stretch = (Instant, Instant);

/// The watch, while it is kept.
pub(crate) struct Watch {
    since: Instant,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<Vec<Stretch>>>>,
}

impl Watch {
    /// From now on, on each processor that there is for us.
    pub(crate) fn start() -> io::Result<Self> {
        let ours = sched_getaffinity(None)?;
        let ours = (0..CpuSet::MAX_CPU).filter(|processor| ours.is_set(*processor));
        Ok(Self::on(ours))
    }

    /// From now on, on these processors.
    pub(crate) fn on(processors: impl IntoIterator<Item = usize>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = processors.into_iter().map(|processor| {
            let stop = Arc::clone(&stop);
            #[expect(clippy::disallowed_methods, reason = "it is joined by `stop`")]
            std::thread::spawn(move || look(processor, &stop))
        });
        Self {
            since: Instant::now(),
            threads: threads.collect(),
            stop,
        }
    }

    /// Ends it; when the machine stood still. An error is a processor that could not be watched.
    pub(crate) fn stop(self) -> io::Result<Stalls> {
        self.stop.store(true, Relaxed);
        let mut all = Vec::new();
        for thread in self.threads {
            let seen = thread.join();
            all.extend(seen.map_err(|_panic| io::Error::other("the watch panicked"))??);
        }
        Ok(Stalls::of(self.since, all))
    }
}

fn look(processor: usize, stop: &AtomicBool) -> io::Result<Vec<Stretch>> {
    let mut here = CpuSet::new();
    here.set(processor);
    sched_setaffinity(None, &here)?;
    let mut stalls = Vec::new();
    while !stop.load(Relaxed) {
        let due = Instant::now() + TICK;
        #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
        std::thread::sleep(TICK);
        let woken = Instant::now();
        if woken - due > STILL {
            stalls.push((due, woken));
        }
    }
    Ok(stalls)
}

/// When at least one processor stood still.
#[derive(Debug)]
pub(crate) struct Stalls {
    /// From when to when it was watched.
    watched: Stretch,
    /// In order, without overlap.
    all: Vec<Stretch>,
}

impl Stalls {
    fn of(since: Instant, mut all: Vec<Stretch>) -> Self {
        all.sort_unstable();
        let mut merged: Vec<Stretch> = Vec::new();
        for (from, to) in all {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        Self {
            watched: (since, Instant::now()),
            all: merged,
        }
    }

    /// How long of that time the machine stood still.
    pub(crate) fn within(&self, from: Instant, to: Instant) -> Duration {
        let common = |stall: &Stretch| stall.1.min(to).saturating_duration_since(stall.0.max(from));
        self.all.iter().map(common).sum()
    }

    /// Whether it stood still at that moment.
    pub(crate) fn holds(&self, moment: Instant) -> bool {
        let behind = self.all.partition_point(|(from, _)| *from <= moment);
        let before = behind.checked_sub(1).and_then(|at| self.all.get(at));
        before.is_some_and(|(_, to)| moment < *to)
    }

    /// How long between two moments the machine ran.
    pub(crate) fn running(&self, from: Instant, to: Instant) -> Duration {
        to.saturating_duration_since(from)
            .saturating_sub(self.within(from, to))
    }

    /// The same with so much before and behind each: what happens there is not as it would have been without.
    pub(crate) fn with_margins(self, margin: Duration) -> Self {
        let (since, _) = self.watched;
        let wider = |(from, to): Stretch| (from.checked_sub(margin).unwrap_or(from), to + margin);
        Self::of(since, self.all.into_iter().map(wider).collect())
    }

    /// For people.
    pub(crate) fn summary(&self) -> String {
        let all = self.within(self.watched.0, self.watched.1);
        format!(
            "the machine stood still {} times, {all:.1?} in all",
            self.all.len()
        )
    }
}

#[test]
fn what_a_stall_and_a_measurement_have_in_common_is_not_counted() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let stalls = Stalls::of(
        start,
        vec![(at(50), at(80)), (at(10), at(40)), (at(30), at(60))],
    );
    for (from, to, still) in [
        (0, 10, 0),
        (0, 100, 70),
        (20, 30, 10),
        (70, 90, 10),
        (90, 99, 0),
    ] {
        let (still, ran) = [still, to - from - still].map(Duration::from_millis).into();
        assert_eq!(stalls.within(at(from), at(to)), still);
        assert_eq!(stalls.running(at(from), at(to)), ran);
    }
    assert_eq!(
        [9, 10, 79, 80].map(|millis| stalls.holds(at(millis))),
        [false, true, true, false]
    );
    let wider = stalls.with_margins(Duration::from_millis(5));
    assert_eq!(wider.within(at(0), at(100)), Duration::from_millis(80));
}
