//! What became of the requests of a phase.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::machine::Stalls;
use crate::plan::Phase;

/// Later than this an answer is of no use to anybody.
const IN_TIME: Duration = Duration::from_millis(500);

/// What a processor that stands still disturbs before and behind: requests that are on their way, and a queue that is left
/// when it goes on.
pub(crate) const AROUND: Duration = IN_TIME;

/// A run.
#[derive(Serialize)]
pub(crate) struct Tally {
    phases: Vec<Summary>,
}

impl Tally {
    pub(crate) fn of(phases: impl Iterator<Item = Summary>) -> Self {
        Self {
            phases: phases.collect(),
        }
    }
}

/// A phase, for whoever reads it. All numbers are of what should have been sent in the seconds that were calm.
#[derive(Serialize)]
pub(crate) struct Summary {
    name: String,
    rate: f64,
    seconds: f64,
    /// In which, and half a second around which, no processor stood still.
    calm_seconds: f64,
    /// Whatever was taken on and answered, in time or late.
    admitted: Times,
    served: Times,
    late: Times,
    refused: Times,
    failed: Times,
    /// Too many were on their way.
    not_sent: usize,
    /// How much later than they should have been they were sent, in ms: 99 of 100 less than this.
    sent_late_p99_ms: f64,
}

#[derive(Serialize)]
struct Times {
    count: usize,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// A phase that is under way.
pub(crate) struct TallyOfPhase {
    name: String,
    rate: f64,
    seconds: f64,
    start: Instant,
    sent: Vec<Sent>,
    /// When they should have been.
    not_sent: Vec<Instant>,
}

/// A request, and what became of it.
struct Sent {
    due: Instant,
    late: Duration,
    end: End,
    took: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Served,
    Late,
    Refused,
    Failed,
}

impl TallyOfPhase {
    /// From now on.
    pub(crate) fn of(phase: &Phase) -> Self {
        Self {
            name: phase.name.clone(),
            rate: phase.rate,
            seconds: phase.seconds,
            start: Instant::now(),
            sent: Vec::new(),
            not_sent: Vec::new(),
        }
    }

    pub(crate) fn not_sent(&mut self, due: Instant) {
        self.not_sent.push(due);
    }

    /// Of an answer with this status, or of none.
    pub(crate) fn answered(
        &mut self,
        due: Instant,
        late: Duration,
        status: Option<u16>,
        took: Duration,
    ) {
        let end = match status {
            Some(200 | 201) if took <= IN_TIME => End::Served,
            Some(200 | 201) => End::Late,
            Some(503) => End::Refused,
            // Out of stock and the like is an answer, but none that this counts on.
            _ => End::Failed,
        };
        self.sent.push(Sent {
            due,
            late,
            end,
            took,
        });
    }

    /// Without what should have been sent in `disturbed` times.
    pub(crate) fn summary(&self, disturbed: &Stalls) -> Summary {
        let calm = |due: Instant| !disturbed.holds(due);
        let end = self.start + Duration::from_secs_f64(self.seconds);
        let calm_seconds = disturbed.running(self.start, end).as_secs_f64();
        let sent: Vec<&Sent> = self.sent.iter().filter(|sent| calm(sent.due)).collect();
        let times = |ends: &[End]| {
            let of = sent.iter().filter(|sent| ends.contains(&sent.end));
            let times: Vec<_> = of.map(|sent| sent.took).collect();
            Times {
                count: times.len(),
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                per_second: times.len() as f64 / calm_seconds.max(0.001),
                p50_ms: quantile(times.clone(), 50),
                p99_ms: quantile(times, 99),
            }
        };
        Summary {
            name: self.name.clone(),
            rate: self.rate,
            seconds: self.seconds,
            calm_seconds,
            admitted: times(&[End::Served, End::Late]),
            served: times(&[End::Served]),
            late: times(&[End::Late]),
            refused: times(&[End::Refused]),
            failed: times(&[End::Failed]),
            not_sent: self.not_sent.iter().filter(|due| calm(**due)).count(),
            sent_late_p99_ms: quantile(sent.iter().map(|sent| sent.late).collect(), 99),
        }
    }
}

/// So many of a hundred took no longer, in ms; 0 of none.
fn quantile(mut times: Vec<Duration>, percent: usize) -> f64 {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times
        .get(rank)
        .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
