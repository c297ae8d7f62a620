//! Keeps a health check from flapping: slow to say down, quick to say up.
//!
//! Pure: the caller probes and hands in the time. The one rule: a blip shorter than the patience
//! never takes an instance out of rotation, because every replica sees the same blip, and all of
//! them leaving at once turns two slow seconds into an outage.

use std::time::{Duration, Instant};

/// What the probes so far amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The last probe succeeded, or the failures since are too young to count.
    Up,
    /// No probe has ever succeeded, or all have failed for the whole patience.
    Down,
}

/// Down after a stretch of continuous failure, up at the first success.
#[derive(Debug)]
pub struct Hysteresis {
    patience: Duration,
    verdict: Verdict,
    failing_since: Option<Instant>,
}

impl Hysteresis {
    /// How long a dependency may fail without a break before it counts as down.
    ///
    /// With one probe begun each second, which may take a second, this flips readiness 3 to 5 s after
    /// the outage and survives a blip of 2 s.
    pub const PATIENCE: Duration = Duration::from_secs(3);

    /// Starts down: an instance that has never reached its dependency has nothing to lose.
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            verdict: Verdict::Down,
            failing_since: None,
        }
    }

    /// Takes in the outcome of the probe that began at `asked` and ended at `now`, and gives the verdict after it. One
    /// that failed has failed from its beginning.
    pub fn observe(&mut self, succeeded: bool, asked: Instant, now: Instant) -> Verdict {
        if succeeded {
            self.failing_since = None;
            self.verdict = Verdict::Up;
        } else {
            let since = *self.failing_since.get_or_insert(asked);
            if now.saturating_duration_since(since) >= self.patience {
                self.verdict = Verdict::Down;
            }
        }
        self.verdict
    }
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self::new(Self::PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hysteresis, Verdict};
    use std::time::{Duration, Instant};

    /// Runs `(second, succeeded)` probes and returns the verdict after each.
    fn verdicts(probes: &[(u64, bool)]) -> Vec<Verdict> {
        let start = Instant::now();
        let mut hysteresis = Hysteresis::default();
        probes
            .iter()
            .map(|&(at, ok)| {
                let at = start + Duration::from_secs(at);
                hysteresis.observe(ok, at, at)
            })
            .collect()
    }

    use Verdict::{Down, Up};

    #[test]
    fn it_is_down_until_the_first_success() {
        assert_eq!(
            verdicts(&[(0, false), (1, false), (2, true)]),
            [Down, Down, Up]
        );
    }

    #[test]
    fn three_seconds_of_failure_bring_it_down_and_not_less() {
        assert_eq!(
            verdicts(&[(0, true), (1, false), (3, false), (4, false), (5, false)]),
            [Up, Up, Up, Down, Down]
        );
    }

    #[test]
    fn a_probe_that_hangs_counts_from_its_beginning() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut hysteresis = Hysteresis::default();
        let mut hang = |from| hysteresis.observe(false, at(from), at(from + 1));
        assert_eq!([hang(0), hang(1), hang(2)], [Down; 3], "never up");
        assert_eq!(hysteresis.observe(true, at(3), at(3)), Up);
        let mut hang = |from| hysteresis.observe(false, at(from), at(from + 1));
        assert_eq!([hang(4), hang(5), hang(6)], [Up, Up, Down]);
    }

    #[test]
    fn one_success_starts_the_patience_anew() {
        assert_eq!(
            verdicts(&[
                (0, true),
                (1, false),
                (3, false),
                (4, true),
                (5, false),
                (7, false)
            ]),
            [Up; 6]
        );
    }

    #[test]
    fn the_first_success_brings_it_up_again() {
        assert_eq!(
            verdicts(&[(0, true), (1, false), (4, false), (5, true)]),
            [Up, Up, Down, Up]
        );
    }
}
