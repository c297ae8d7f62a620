//! A lane: the way to a connection for one kind of work, reads or writes. It bounds how many connections that kind may
//! hold, and knows how the way is just now: who waits, for how long at least, and how long a connection is held.
//!
//! Reads may hold every connection that there is, writes all but a quarter: what holds up writers (a locked table, a
//! slow disk) holds up as many connections as writers may have, and there is always one left for a reader. SQLite has two
//! pools, which does the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Nobody has waited since the last reading.
const NOBODY: u64 = u64::MAX;
/// One in so many: the weight of the newest in the mean of how long a connection is held.
const WEIGHT: u64 = 8;

/// How many of these connections work that writes may hold.
pub(super) const fn for_writes(connections: usize) -> usize {
    match connections - connections.div_ceil(4) {
        0 => 1,
        most => most,
    }
}

/// How many of these connections are worth having where the database is in this process: twice as many as there are
/// processors, for one may wait for the disk. With more, nothing would be read sooner, and those who answer and refuse would
/// wait for their turn.
pub(super) fn for_readers(connections: usize) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    connections.min(2 * processors)
}

/// The way for one kind of work.
#[derive(Debug)]
pub(super) struct Lane {
    places: usize,
    /// None where the pool as a whole is the bound.
    turns: Option<Arc<Semaphore>>,
    waiting: AtomicUsize,
    least_wait: AtomicU64,
    hold: AtomicU64,
}

/// What a lane was like since it was last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneReading {
    /// The shortest that anybody waited, of those who came to an end with it; none if nobody did.
    pub least_wait: Option<Duration>,
    /// Callers that wait now.
    pub waiting: usize,
}

impl Lane {
    /// A lane over a whole pool.
    pub(super) fn over(places: usize) -> Arc<Self> {
        Self::new(places, None)
    }

    /// A lane that may hold so many connections of a pool that has more.
    pub(super) fn within(places: usize) -> Arc<Self> {
        Self::new(places, Some(Arc::new(Semaphore::new(places))))
    }

    fn new(places: usize, turns: Option<Arc<Semaphore>>) -> Arc<Self> {
        Arc::new(Self {
            places: places.max(1),
            turns,
            waiting: AtomicUsize::new(0),
            least_wait: AtomicU64::new(NOBODY),
            hold: AtomicU64::new(0),
        })
    }

    /// Counts the caller among those who wait, until what it gets is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Relaxed);
        Waiting(self)
    }

    /// Waits for one of the places. To be kept for as long as the connection is.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(self.turns.as_ref()?).acquire_owned().await.ok()
    }

    /// Somebody waited so long, whether in vain or not.
    pub(super) fn waited(&self, time: Duration) {
        self.least_wait.fetch_min(nanos(time), Relaxed);
    }

    /// A connection was held so long. Two at once may lose one of them: it is a mean.
    pub(super) fn held(&self, time: Duration) {
        let (mean, time) = (self.hold.load(Relaxed), nanos(time));
        let next = match mean {
            0 => time,
            mean => mean - mean / WEIGHT + time / WEIGHT,
        };
        self.hold.store(next, Relaxed);
    }

    /// Callers that wait now.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// How long one that comes now is going to wait, if connections are held as long as lately.
    pub(super) fn expected_wait(&self) -> Duration {
        let waiting = self.waiting();
        if waiting == 0 {
            return Duration::ZERO;
        }
        let rounds = waiting as u64 / self.places as u64;
        Duration::from_nanos(self.hold.load(Relaxed).saturating_mul(rounds))
    }

    /// How it was since the last call.
    pub(super) fn read(&self) -> LaneReading {
        let least = self.least_wait.swap(NOBODY, Relaxed);
        LaneReading {
            least_wait: (least != NOBODY).then(|| Duration::from_nanos(least)),
            waiting: self.waiting(),
        }
    }
}

/// One that waits.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Lane);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// The lanes of a database: what decides whether more work is taken on reads them. Clones share them.
#[derive(Debug, Clone)]
pub struct Pressure {
    pub(super) reads: Arc<Lane>,
    pub(super) writes: Arc<Lane>,
}

impl Pressure {
    /// How reads fared since the last call. One caller alone gets to see all of it.
    pub fn of_reads(&self) -> LaneReading {
        self.reads.read()
    }

    /// How writes fared since the last call. One caller alone gets to see all of it.
    pub fn of_writes(&self) -> LaneReading {
        self.writes.read()
    }

    /// How long a read that comes now is going to wait for a connection, going by the last ones.
    pub fn expected_wait_of_reads(&self) -> Duration {
        self.reads.expected_wait()
    }

    /// The same of a write.
    pub fn expected_wait_of_writes(&self) -> Duration {
        self.writes.expected_wait()
    }
}

/// Lanes without a database, for tests of those who read them.
#[cfg(test)]
impl Pressure {
    pub(crate) fn pretended(places: usize) -> Self {
        Self {
            reads: Lane::over(places),
            writes: Lane::within(for_writes(places)),
        }
    }

    pub(crate) fn pretend_read(&self, waited: Duration) {
        self.reads.waited(waited);
    }

    pub(crate) fn pretend_write(&self, waited: Duration) {
        self.writes.waited(waited);
    }

    pub(crate) fn pretend_held(&self, time: Duration) {
        self.reads.held(time);
    }

    /// So many callers that wait to read, for as long as this is kept.
    pub(crate) fn pretend_queue(&self, waiting: usize) -> Vec<impl Drop + '_> {
        (0..waiting).map(|_| self.reads.wait()).collect()
    }
}

/// 584 years fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NOBODY - 1)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn writes_leave_a_quarter_of_the_connections_to_reads_and_have_one_at_least() {
        let most: Vec<_> = [1, 2, 3, 4, 6, 16, 1000].map(for_writes).into();
        assert_eq!(most, [1, 1, 2, 3, 4, 12, 750]);
    }

    #[test]
    fn a_reading_tells_the_shortest_wait_since_the_one_before() {
        let lane = Lane::over(1);
        assert_eq!(lane.read().least_wait, None);
        for wait in [9, 5, 7] {
            lane.waited(wait * MS);
        }
        assert_eq!(lane.read().least_wait, Some(5 * MS));
        assert_eq!(lane.read().least_wait, None);
        lane.waited(8 * MS);
        assert_eq!(lane.read().least_wait, Some(8 * MS));
    }

    #[test]
    fn the_expected_wait_is_what_those_before_will_take() {
        let lane = Lane::over(4);
        lane.held(10 * MS);
        assert_eq!(lane.expected_wait(), Duration::ZERO);
        let waiting: Vec<_> = (0..40).map(|_| lane.wait()).collect();
        assert_eq!(lane.expected_wait(), 100 * MS);
        for _ in 0..100 {
            lane.held(2 * MS);
        }
        let soon = lane.expected_wait();
        assert!(soon >= 19 * MS && soon <= 21 * MS, "{soon:?}");
        drop(waiting);
        assert_eq!(lane.expected_wait(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_lane_within_a_pool_has_so_many_turns_and_one_over_it_needs_none() {
        let lane = Lane::within(2);
        let (first, second) = (lane.turn().await, lane.turn().await);
        assert!(first.is_some() && second.is_some());
        assert!(lane.turn().now_or_never().is_none());
        drop(first);
        assert!(lane.turn().now_or_never().flatten().is_some());
        assert!(Lane::over(1).turn().await.is_none());
    }
}
