//! Rate limits: registering, logging in, and the API as a whole.
//!
//! # Layout
//! - `memory`: buckets in this process's memory
//! - `redis_buckets`: buckets in a Redis that all replicas share, when `rate_limit.redis_url` names one. While it is away, each
//!   replica counts in its own memory
//!
//! The two never hold the same requests: each keeps its own buckets, which fill while the other counts.

mod memory;
mod redis_buckets;

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use governor::Quota;
use redis::RedisError;

use crate::lifecycle::Check;
use crate::settings::{LimitSettings, RateLimitSettings};
use crate::telemetry::metrics::HistogramHandle;

use self::memory::Memory;
use self::redis_buckets::RedisBuckets;
use super::metrics::{Decision, HttpMetrics, Policy, Rejection};
use super::problem::Problem;
use super::problem::kinds::RATE_LIMITED;

/// How often keys that have recovered are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// The three limits.
#[derive(Debug)]
pub struct RateLimits {
    /// `rate_limit.register`: by address.
    pub register: Limiter,
    /// `rate_limit.login`: by account and by address.
    pub login: Limiter,
    /// `rate_limit.api`: by account, else by address.
    pub api: Limiter,
    shared: Option<RedisBuckets>,
}

impl RateLimits {
    /// From the settings. Connects to nothing yet.
    ///
    /// # Errors
    /// `rate_limit.redis_url` is none that the client understands.
    pub fn new(settings: &RateLimitSettings, metrics: &HttpMetrics) -> Result<Self, RedisError> {
        let shared = settings
            .redis_url
            .as_ref()
            .map(RedisBuckets::new)
            .transpose()?;
        let limiter = |policy, limit| Limiter::new(policy, limit, shared.clone(), metrics);
        Ok(Self {
            register: limiter(Policy::Register, &settings.register),
            login: limiter(Policy::Login, &settings.login),
            api: limiter(Policy::Api, &settings.api),
            shared,
        })
    }

    /// Whether there is a Redis to keep in touch with.
    pub fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Keeps in touch with Redis, for ever, and tells the health check: which never fails, because each instance can count
    /// for itself. `took` gets the time of each look. For a background task.
    pub async fn keep_shared(&self, check: Check, took: HistogramHandle) {
        if let Some(shared) = self.shared.clone() {
            shared.keep(check, took).await;
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
}

#[derive(Debug)]
struct Active {
    quota: Quota,
    memory: Memory,
    shared: Option<RedisBuckets>,
    header: HeaderValue,
}

impl Limiter {
    fn new(
        policy: Policy,
        settings: &LimitSettings,
        shared: Option<RedisBuckets>,
        metrics: &HttpMetrics,
    ) -> Self {
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
                quota,
                memory: Memory::new(quota),
                shared,
                header: HeaderValue::from_str(&text).ok()?,
            })
        });
        Self {
            policy,
            active,
            metrics: metrics.clone(),
        }
    }

    /// Whether it limits anything.
    pub fn is_on(&self) -> bool {
        self.active.is_some()
    }

    /// Takes one request of this key, or refuses it with 429 and the time to wait.
    pub async fn check(&self, key: &str) -> Result<(), Problem> {
        self.check_all(&[key]).await
    }

    /// Takes one request that has several keys, each with a bucket of its own. It is one request in the metrics too.
    pub async fn check_all(&self, keys: &[&str]) -> Result<(), Problem> {
        let Some(active) = &self.active else {
            return Ok(());
        };
        let decision = self.decide(active, keys).await;
        let label = if decision.is_ok() {
            Decision::Allowed
        } else {
            Decision::Rejected
        };
        self.metrics.rate_limited.with((self.policy, label)).inc();
        decision.map_err(|wait| self.refusal(active, wait))
    }

    async fn decide(&self, active: &Active, keys: &[&str]) -> Result<(), Duration> {
        if let Some(shared) = &active.shared {
            let policy = self.policy.as_str();
            if let Some(decision) = shared.take(policy, active.quota, keys).await {
                return decision;
            }
            self.metrics.rate_limit_fallbacks.with(self.policy).inc();
        }
        active.memory.take(keys)
    }

    fn refusal(&self, active: &Active, wait: Duration) -> Problem {
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
    }

    fn sweep(&self) {
        if let Some(active) = &self.active {
            active.memory.sweep();
        }
    }
}
