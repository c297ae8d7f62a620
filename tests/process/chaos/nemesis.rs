//! The nemesis: draws faults and quiet times from a seed, one series for the service and one for the database, side by side. So
//! faults meet faults, and the order of each series is the same whenever the seed is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::Nemesis;

/// What can go wrong. Each is repaired before the next one of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// `kill -9`, and another start.
    Kill,
    /// The service is stopped in its tracks for up to three seconds.
    Pause,
    /// Somebody else writes to the SQLite file for up to four seconds.
    Lock,
    /// PostgreSQL is stopped in its tracks.
    PausePostgres,
    /// PostgreSQL ends in order, and starts again.
    RestartFast,
    /// PostgreSQL crashes, and recovers.
    RestartImmediate,
    /// PostgreSQL is away for a while: connections are refused.
    ShutDown,
    /// New connections are reset, old ones go on.
    TurnAway,
    /// All connections are reset, for a while.
    Reset,
    /// Nothing passes, and no connection ends.
    BlackHole,
    /// What is sent arrives and what is answered does not; then the connections are reset.
    Mute,
    /// Nothing passes, then the connections are reset: what was on its way is lost.
    Sever,
    /// Every connection is reset after some bytes.
    CutAfter,
}

/// What faults are done to.
pub(crate) trait Victim {
    /// The shortest and the longest time between two faults, in milliseconds.
    const QUIET: (u64, u64);

    /// The time until the next fault.
    fn quiet(&self, rng: &mut fastrand::Rng) -> Duration {
        millis(rng, Self::QUIET.0..Self::QUIET.1)
    }

    /// What can be done to it. All of it is done, in an order that is drawn, before anything is done again.
    fn faults(&self) -> &'static [Fault];

    /// Does it, and repairs it.
    async fn suffer(&mut self, fault: Fault, rng: &mut fastrand::Rng);
}

/// How often each fault was done.
pub(crate) type Tally = BTreeMap<Fault, usize>;

/// Does one fault after the other until that moment.
pub(super) async fn torment(
    victim: &mut impl Victim,
    nemesis: Nemesis,
    seed: u64,
    until: Instant,
) -> Tally {
    let mut tally = Tally::new();
    if nemesis == Nemesis::Away {
        tokio::time::sleep_until(until.into()).await;
        return tally;
    }
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut deck = Vec::new();
    let is_complete = |tally: &Tally, faults: &[Fault]| {
        nemesis == Nemesis::Hasty || faults.iter().all(|fault| tally.contains_key(fault))
    };
    while Instant::now() < until || !is_complete(&tally, victim.faults()) {
        tokio::time::sleep(victim.quiet(&mut rng)).await;
        if deck.is_empty() {
            deck = victim.faults().to_vec();
            rng.shuffle(&mut deck);
        }
        if let Some(fault) = deck.pop() {
            victim.suffer(fault, &mut rng).await;
            *tally.entry(fault).or_default() += 1;
        }
    }
    tally
}

/// A time of so many milliseconds.
pub(crate) fn millis(rng: &mut fastrand::Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}
