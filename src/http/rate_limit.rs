//! Rate limits in this process's memory: registering, logging in, and the API as a whole.
//!
//! The algorithm is governor's (GCRA). Keys are held in a table that is swept each minute and never grows past a bound:
//! past it, keys share buckets, so that a flood of made-up keys costs no memory and only its like a chance.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::settings::{LimitSettings, RateLimitSettings};

use super::metrics::{Decision, HttpMetrics, Policy, Rejection};
use super::problem::Problem;
use super::problem::kinds::RATE_LIMITED;

/// The most keys in one table; about 100 bytes each.
const MAX_KEYS: usize = 100_000;
/// Buckets that keys share once the table is full.
const SHARED: u64 = 1_024;
/// How often keys that have recovered are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// The three limits.
#[derive(Debug)]
pub struct RateLimits {
    /// `rate_limit.register`: by address.
    pub register: Limiter,
    /// `rate_limit.login`: by account and by address, each for itself.
    pub login: Limiter,
    /// `rate_limit.api`: by account, else by address.
    pub api: Limiter,
}

impl RateLimits {
    /// From the settings.
    pub fn new(settings: &RateLimitSettings, metrics: &HttpMetrics) -> Self {
        Self {
            register: Limiter::new(Policy::Register, &settings.register, metrics),
            login: Limiter::new(Policy::Login, &settings.login, metrics),
            api: Limiter::new(Policy::Api, &settings.api, metrics),
        }
    }

    /// Forgets keys that have recovered, again and again. For a background task.
    pub async fn keep_swept(&self) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            self.sweep();
        }
    }

    fn sweep(&self) {
        for limiter in [&self.register, &self.login, &self.api] {
            limiter.sweep();
        }
    }
}

/// One limit. Without a rate it lets everything through.
#[derive(Debug)]
pub struct Limiter {
    policy: Policy,
    active: Option<Active>,
    metrics: HttpMetrics,
    hasher: RandomState,
}

#[derive(Debug)]
struct Active {
    limiter: DefaultKeyedRateLimiter<u64>,
    header: HeaderValue,
    clock: DefaultClock,
}

impl Limiter {
    fn new(policy: Policy, settings: &LimitSettings, metrics: &HttpMetrics) -> Self {
        let active = settings.rate.and_then(|rate| {
            let period = rate.per.checked_div(rate.count)?;
            let burst = NonZeroU32::new(settings.burst)?;
            let quota = Quota::with_period(period)?.allow_burst(burst);
            let text = format!(
                "\"{}\";q={};w={}",
                policy.as_str(),
                rate.count,
                rate.per.as_secs()
            );
            Some(Active {
                limiter: RateLimiter::keyed(quota),
                header: HeaderValue::from_str(&text).ok()?,
                clock: DefaultClock::default(),
            })
        });
        Self {
            policy,
            active,
            metrics: metrics.clone(),
            hasher: RandomState::new(),
        }
    }

    /// Whether it limits anything.
    pub fn is_on(&self) -> bool {
        self.active.is_some()
    }

    /// Takes one request of this key, or refuses it with 429 and the time to wait.
    pub fn check(&self, key: &str) -> Result<(), Problem> {
        self.check_all(&[key])
    }

    /// Takes one request that has several keys, each with a bucket of its own. It is one request in the metrics too.
    pub fn check_all(&self, keys: &[&str]) -> Result<(), Problem> {
        let Some(active) = &self.active else {
            return Ok(());
        };
        let decision = keys.iter().try_for_each(|key| {
            let mut bucket = self.hasher.hash_one(key);
            if active.limiter.len() >= MAX_KEYS {
                bucket %= SHARED;
            }
            active.limiter.check_key(&bucket)
        });
        let label = if decision.is_ok() {
            Decision::Allowed
        } else {
            Decision::Rejected
        };
        self.metrics.rate_limited.with((self.policy, label)).inc();
        decision.map_err(|refused| {
            let wait = refused.wait_time_from(active.clock.now());
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let mut problem = Problem::new(&RATE_LIMITED)
                .retry_after(wait)
                .rejected(Rejection::RateLimit)
                .header(
                    HeaderName::from_static("ratelimit-policy"),
                    active.header.clone(),
                );
            if let Ok(state) =
                HeaderValue::from_str(&format!("\"{}\";r=0;t={seconds}", self.policy.as_str()))
            {
                problem = problem.header(HeaderName::from_static("ratelimit"), state);
            }
            problem
        })
    }

    fn sweep(&self) {
        if let Some(active) = &self.active {
            active.limiter.retain_recent();
            active.limiter.shrink_to_fit();
        }
    }
}
