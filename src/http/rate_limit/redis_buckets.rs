//! Buckets in a Redis that all replicas share.
//!
//! One task keeps the connection and asks once a second whether it works; requests only use it. The first that gets no
//! answer in time takes it away from all others, so that a Redis which has stopped costs one wait and not one for each
//! request, and wakes the task, which gives it back or finds out that Redis is gone.

use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use governor::Quota;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::lifecycle::Check;
use crate::telemetry;
use crate::telemetry::metrics::HistogramHandle;

/// How long a request waits for Redis before it is counted in memory.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long opening a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// From one look at the connection to the next.
const INTERVAL: Duration = Duration::from_secs(1);
/// What the health check says while each instance counts for itself.
const AWAY: &str = "limits_in_memory";

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));

/// The Redis of `rate_limit.redis_url`; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct RedisBuckets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    /// Nothing while it does not work.
    connection: RwLock<Option<MultiplexedConnection>>,
    doubted: Notify,
}

impl RedisBuckets {
    pub(super) fn new(url: &SecretString) -> Result<Self, RedisError> {
        Ok(Self(Arc::new(Inner {
            client: Client::open(url.expose_secret())?,
            connection: RwLock::new(None),
            doubted: Notify::new(),
        })))
    }

    /// Takes one request from the bucket of each key, or none from any: then how long to wait. `None` when Redis does not
    /// say.
    pub(super) async fn take(
        &self,
        policy: &str,
        quota: Quota,
        keys: &[&str],
    ) -> Option<Result<(), Duration>> {
        let mut connection = self.connection()?;
        match take(&mut connection, policy, quota, keys).await {
            Ok(taken) => Some(taken),
            Err(error) => {
                tracing::debug!(
                    error = telemetry::error_chain(&error),
                    "Redis did not count a request"
                );
                self.set(None);
                self.0.doubted.notify_one();
                None
            }
        }
    }

    /// Keeps the connection and the health check, for ever. `took` gets the time of every look that was answered.
    pub(super) async fn keep(self, check: Check, took: HistogramHandle) {
        let mut kept = None;
        loop {
            let started = Instant::now();
            match self.look(kept.take()).await {
                Ok(connection) => {
                    took.observe(started.elapsed());
                    self.set(Some(connection.clone()));
                    kept = Some(connection);
                    check.pass();
                }
                Err(error) => {
                    self.set(None);
                    check.degrade_because(AWAY, &telemetry::error_chain(&error));
                }
            }
            let rested = tokio::time::sleep(INTERVAL.saturating_sub(started.elapsed()));
            if kept.is_some() {
                tokio::select! {
                    () = rested => {}
                    () = self.0.doubted.notified() => {}
                }
            } else {
                rested.await;
            }
        }
    }

    /// Whether it counts, by letting it count; on a new connection when this one does not work or there is none.
    async fn look(
        &self,
        kept: Option<MultiplexedConnection>,
    ) -> Result<MultiplexedConnection, RedisError> {
        if let Some(mut connection) = kept
            && try_out(&mut connection).await.is_ok()
        {
            return Ok(connection);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = &self.0.client;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        try_out(&mut connection).await?;
        Ok(connection)
    }

    fn connection(&self) -> Option<MultiplexedConnection> {
        let held = self.0.connection.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, connection: Option<MultiplexedConnection>) {
        let held = self.0.connection.write();
        *held.unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

/// A Redis that answers a ping may still refuse to write: a replica, a full one.
async fn try_out(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let quota = Quota::per_second(std::num::NonZeroU32::MAX);
    take(connection, "health", quota, &["check"])
        .await
        .map(|_whether| ())
}

async fn take(
    connection: &mut MultiplexedConnection,
    policy: &str,
    quota: Quota,
    keys: &[&str],
) -> Result<Result<(), Duration>, RedisError> {
    let mut call = TAKE.prepare_invoke();
    for key in keys {
        call.key(name(policy, key));
    }
    call.arg(micros(quota.replenish_interval()));
    call.arg(quota.burst_size().get());
    let wait: u64 = call.invoke_async(connection).await?;
    Ok(match wait {
        0 => Ok(()),
        wait => Err(Duration::from_micros(wait)),
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// Keys are addresses of people and of machines, which have no business in another store.
fn name(policy: &str, key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let digest = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("glasshouse:limit:{policy}:{}", digest.collect::<String>())
}
