//! Changes the log filter while the service runs, for a while or for good, and says so in the log.
//!
//! It has no thread and no task of its own: whoever builds the service spawns [`LogControl::watch`],
//! without which a change is never taken back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::LogError;
use super::filter::{AUDIT_TARGET, parse, parse_typed};

/// A handle on the log filter. Clones share it.
#[derive(Debug, Clone)]
pub struct LogControl(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configured: String,
    state: Mutex<State>,
    changed: Notify,
    installed: Option<reload::Handle<EnvFilter, Registry>>,
}

#[derive(Debug)]
struct State {
    filter: String,
    reverts: Option<Instant>,
}

impl LogControl {
    pub(super) fn new(
        configured: String,
        installed: Option<reload::Handle<EnvFilter, Registry>>,
    ) -> Self {
        let state = State {
            filter: configured.clone(),
            reverts: None,
        };
        Self(Arc::new(Shared {
            configured,
            state: Mutex::new(state),
            changed: Notify::new(),
            installed,
        }))
    }

    /// One that changes nothing but what it tells, for tests of its users.
    pub fn detached() -> Self {
        Self::new("info".to_owned(), None)
    }

    /// The filter in effect.
    pub fn filter(&self) -> String {
        self.state().filter.clone()
    }

    /// The filter that was configured.
    pub fn configured(&self) -> &str {
        &self.0.configured
    }

    /// In how long the configured filter comes back, if it does.
    pub fn reverts_in(&self) -> Option<Duration> {
        self.state()
            .reverts
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Puts `filter` in effect: for so long, or until it is changed again. Replaces a reversion that
    /// was pending.
    pub fn set(&self, filter: &str, period: Option<Duration>) -> Result<(), LogError> {
        let parsed = parse_typed(filter)?;
        let mut state = self.state();
        self.install(parsed)?;
        let old = std::mem::replace(&mut state.filter, filter.to_owned());
        state.reverts = period.and_then(|period| Instant::now().checked_add(period));
        drop(state);
        self.0.changed.notify_one();
        tracing::info!(
            target: AUDIT_TARGET,
            {
                log.filter.old = old,
                log.filter.new = filter,
                log.filter.for_seconds = period.map(|period| period.as_secs_f64()),
            },
            "log filter changed",
        );
        Ok(())
    }

    /// Takes changes back when their time is over. Never ends: to be spawned once.
    pub async fn watch(self) {
        loop {
            let changed = self.0.changed.notified();
            let due = self.state().reverts;
            let elapsed = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = elapsed => self.revert_if_due(),
            }
        }
    }

    fn revert_if_due(&self) {
        let mut state = self.state();
        if state.reverts.is_none_or(|due| due > Instant::now()) {
            return;
        }
        state.reverts = None;
        let reverted = parse(&self.0.configured).and_then(|filter| self.install(filter));
        if let Err(error) = reverted {
            // The subscriber is gone, and with it whoever could read this.
            drop(state);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "log filter not reverted"
            );
            return;
        }
        let old = std::mem::replace(&mut state.filter, self.0.configured.clone());
        drop(state);
        tracing::info!(
            target: AUDIT_TARGET,
            { log.filter.old = old, log.filter.new = self.0.configured },
            "log filter reverted",
        );
    }

    fn install(&self, filter: EnvFilter) -> Result<(), LogError> {
        match &self.0.installed {
            Some(handle) => handle.reload(filter).map_err(LogError::Replace),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
