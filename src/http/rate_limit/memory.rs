//! Buckets in this process's memory.
//!
//! The algorithm is governor's (GCRA). Keys are held in a table that is swept each minute and never grows past a bound:
//! past it, keys share buckets, so that a flood of made-up keys costs no memory and only its like a chance.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// The most keys in one table; about 100 bytes each.
const MAX_KEYS: usize = 100_000;
/// Buckets that keys share once the table is full.
const SHARED: u64 = 1_024;

#[derive(Debug)]
pub(super) struct Memory {
    buckets: DefaultKeyedRateLimiter<u64>,
    clock: DefaultClock,
    hasher: RandomState,
}

impl Memory {
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            buckets: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            hasher: RandomState::new(),
        }
    }

    /// Takes one request from the bucket of each key, up to the first that is empty: then how long to wait for it.
    pub(super) fn take(&self, keys: &[&str]) -> Result<(), Duration> {
        keys.iter()
            .try_for_each(|key| {
                let mut bucket = self.hasher.hash_one(key);
                if self.buckets.len() >= MAX_KEYS {
                    bucket %= SHARED;
                }
                self.buckets.check_key(&bucket)
            })
            .map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Forgets keys that have recovered.
    pub(super) fn sweep(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}
