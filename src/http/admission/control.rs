//! The limit on what is in work, from one window of time to the next: additive increase, multiplicative decrease.
//!
//! Nothing here knows what time it is or asks anybody: what was seen in a window is handed in, so that a simulation can
//! stand in for the service (`tests/simulation.rs`).

use std::time::Duration;

use crate::database::LaneReading;

/// What is left of the limit when a queue stands. Not a half, as on a network: the signal is not a packet that was lost,
/// and comes ten times a second for as long as it takes.
const DECREASE: f64 = 0.8;

/// What the limit begins with, in times the least: enough for a burst at a fresh instance. Not with the most: a limit that was
/// never tried lets in a thousand at the first onset of overload, and it takes seconds until they are gone.
const FIRST: f64 = 8.0;

/// What was seen in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// A queue stood all the time.
    pub(super) standing: bool,
    /// Somebody waited behind the gate when it ended.
    pub(super) queued: bool,
    /// The limit kept somebody out.
    pub(super) pressed: bool,
    /// The most that was in work at once.
    pub(super) peak: u32,
}

/// One limit.
#[derive(Debug, Clone)]
pub(super) struct Aimd {
    least: f64,
    most: f64,
    limit: f64,
    /// Nobody has had to wait behind the gate yet.
    untried: bool,
}

impl Aimd {
    /// Begins low, and doubles whenever it is hit until somebody has to wait behind it for the first time.
    pub(super) fn new(least: u32, most: u32) -> Self {
        let (least, most) = (f64::from(least.min(most)), f64::from(most));
        Self {
            least,
            most,
            limit: (least * FIRST).min(most),
            untried: true,
        }
    }

    /// The limit for the next window.
    ///
    /// It is lowered from what was in work, if that is less: a limit of a thousand that is lowered to eight hundred while
    /// a hundred are too many changes nothing. And it is not lowered while fewer are in work than it will ever be lowered
    /// to: whatever stands then does not stand because of them.
    pub(super) fn next(&mut self, window: Window) -> u32 {
        let peak = f64::from(window.peak);
        self.untried &= !window.standing && !window.queued;
        if window.standing {
            if peak > self.least {
                self.limit = (self.limit.min(peak) * DECREASE).max(self.least);
            }
        } else if window.pressed {
            let more = if self.untried {
                self.limit
            } else {
                self.limit.sqrt()
            };
            self.limit = (self.limit + more).min(self.most);
        }
        self.now()
    }

    /// The limit.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two limits that are of that type"
    )]
    pub(super) fn now(&self) -> u32 {
        self.limit as u32
    }
}

/// Whether a queue stands, by the shortest wait of a window.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    target: Duration,
    waiting_before: usize,
}

impl Standing {
    /// Stands when nobody got through with a shorter wait than this.
    pub(super) fn above(target: Duration) -> Self {
        Self {
            target,
            waiting_before: 0,
        }
    }

    /// Whether it stood in the window that ends now. Where nobody got through, it did if somebody waited at both ends.
    pub(super) fn in_window(&mut self, reading: LaneReading) -> bool {
        let waited_on = self.waiting_before > 0 && reading.waiting > 0;
        self.waiting_before = reading.waiting;
        match reading.least_wait {
            Some(least) => least > self.target,
            None => waited_on,
        }
    }
}
