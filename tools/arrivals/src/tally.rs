//! What became of the requests of a phase.

use std::time::Duration;

use serde::Serialize;

use crate::plan::Phase;

/// Later than this an answer is of no use to anybody.
const IN_TIME: Duration = Duration::from_millis(500);

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

/// A phase, for whoever reads it.
#[derive(Serialize)]
pub(crate) struct Summary {
    name: String,
    rate: f64,
    seconds: f64,
    /// Whatever was taken on and answered, in time or late.
    admitted: Times,
    served: Times,
    late: Times,
    refused: Times,
    failed: Times,
    /// Too many were on their way.
    not_sent: u32,
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
    served: Vec<Duration>,
    late: Vec<Duration>,
    refused: Vec<Duration>,
    failed: Vec<Duration>,
    sent_late: Vec<Duration>,
    not_sent: u32,
}

impl TallyOfPhase {
    pub(crate) fn of(phase: &Phase) -> Self {
        Self {
            name: phase.name.clone(),
            rate: phase.rate,
            seconds: phase.seconds,
            served: Vec::new(),
            late: Vec::new(),
            refused: Vec::new(),
            failed: Vec::new(),
            sent_late: Vec::new(),
            not_sent: 0,
        }
    }

    pub(crate) fn not_sent(&mut self) {
        self.not_sent += 1;
    }

    pub(crate) fn sent(&mut self, late: Duration) {
        self.sent_late.push(late);
    }

    /// Of an answer with this status, or of none.
    pub(crate) fn answered(&mut self, status: Option<u16>, took: Duration) {
        let end = match status {
            Some(200 | 201) if took <= IN_TIME => &mut self.served,
            Some(200 | 201) => &mut self.late,
            Some(503) => &mut self.refused,
            // Out of stock and the like is an answer, but none that this counts on.
            _ => &mut self.failed,
        };
        end.push(took);
    }

    pub(crate) fn summary(&self) -> Summary {
        let times = |times: &[Duration]| Times {
            count: times.len(),
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            per_second: times.len() as f64 / self.seconds,
            p50_ms: quantile(times, 50),
            p99_ms: quantile(times, 99),
        };
        Summary {
            name: self.name.clone(),
            rate: self.rate,
            seconds: self.seconds,
            admitted: times(&[self.served.as_slice(), &self.late].concat()),
            served: times(&self.served),
            late: times(&self.late),
            refused: times(&self.refused),
            failed: times(&self.failed),
            not_sent: self.not_sent,
            sent_late_p99_ms: quantile(&self.sent_late, 99),
        }
    }
}

/// So many of a hundred took no longer, in ms; 0 of none.
fn quantile(times: &[Duration], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times
        .get(rank)
        .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
