//! Whether the machine kept time. Under a hypervisor that gives a processor to others, or in a control group that has used up
//! its share, everything stops for a while, the service and who measures it: what a test takes for the service's time is
//! then the machine's. On each processor a thread looks at the clock and at nothing else, and where that is late, the
//! machine stood still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{JoinHandle, available_parallelism};
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
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Stretch>>>,
}

impl Watch {
    /// From now on, on each processor that there is for us.
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ours = sched_getaffinity(None).expect("a set of processors");
        let count = available_parallelism().expect("at least one").get();
        let processors = (0..CpuSet::MAX_CPU).filter(|processor| ours.is_set(*processor));
        let threads = processors.take(count).map(|processor| {
            let stop = Arc::clone(&stop);
            #[expect(clippy::disallowed_methods, reason = "it is joined by `stop`")]
            std::thread::spawn(move || look(processor, &stop))
        });
        Self {
            threads: threads.collect(),
            stop,
        }
    }

    /// Ends it; when the machine stood still.
    pub(crate) fn stop(self) -> Stalls {
        self.stop.store(true, Relaxed);
        let seen = self.threads.into_iter().map(JoinHandle::join);
        let seen = seen.flat_map(|seen| seen.expect("it does not panic"));
        Stalls::of(seen.collect())
    }
}

fn look(processor: usize, stop: &AtomicBool) -> Vec<Stretch> {
    let mut here = CpuSet::new();
    here.set(processor);
    sched_setaffinity(None, &here).expect("one of those that are ours");
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
    stalls
}

/// When at least one processor stood still; in order, without overlap.
#[derive(Debug, Default)]
pub(crate) struct Stalls(Vec<Stretch>);

impl Stalls {
    fn of(mut all: Vec<Stretch>) -> Self {
        all.sort_unstable();
        let mut merged: Vec<Stretch> = Vec::new();
        for (from, to) in all {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// How long of that time the machine stood still.
    pub(crate) fn within(&self, from: Instant, to: Instant) -> Duration {
        let common = |stall: &Stretch| stall.1.min(to).saturating_duration_since(stall.0.max(from));
        self.0.iter().map(common).sum()
    }

    /// How long between two moments the machine ran.
    pub(crate) fn running(&self, from: Instant, to: Instant) -> Duration {
        to.saturating_duration_since(from)
            .saturating_sub(self.within(from, to))
    }

    /// For people.
    pub(crate) fn summary(&self) -> String {
        let all: Duration = self.0.iter().map(|(from, to)| *to - *from).sum();
        format!(
            "the machine stood still {} times, {all:.1?} in all",
            self.0.len()
        )
    }
}

#[test]
fn what_a_stall_and_a_measurement_have_in_common_is_not_counted() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let stalls = Stalls::of(vec![(at(50), at(80)), (at(10), at(40)), (at(30), at(60))]);
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
}
