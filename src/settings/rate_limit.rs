//! Settings of the rate limits: who may ask how often, and where the counts are kept.

use secrecy::SecretString;

use super::format::{Count, Limit, RedisUrl};
use super::rate::Rate;
use super::section::section;

section! {
    /// The rate limits.
    pub struct RateLimitSettings {
        /// `redis://` or `rediss://` address of a Redis that all replicas count in. Empty counts in each replica's own
        /// memory, and so does every replica while Redis is away.
        pub redis_url: Option<SecretString> = None => RedisUrl;
        /// Registrations, counted per address.
        pub register: LimitSettings = LimitSettings { rate: Some(Rate::per_minute(5)), burst: 5 };
        /// Log-ins, counted per account and per address.
        pub login: LimitSettings = LimitSettings { rate: Some(Rate::per_minute(10)), burst: 10 };
        /// The rest of the API, counted per account, else per address.
        pub api: LimitSettings = LimitSettings { rate: None, burst: 200 };
    }
}

section! {
    /// One limit: a bucket of `burst` requests that fills again at `rate`.
    pub struct LimitSettings {
        /// How fast the bucket fills: `N/s`, `N/m` or `N/h`; empty turns this limit off.
        pub rate: Option<Rate> = None => Limit;
        /// How many requests may come at once.
        pub burst: u32 = 1 => Count(1..=1_000_000);
    }
}
