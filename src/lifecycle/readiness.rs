//! Whether this instance should get traffic, and why not.
//!
//! A handful of named checks, plus two switches: draining (the process is ending) and hold (an operator took the instance
//! out of rotation). Liveness is not here: a process that can answer is alive, whatever its dependencies do. The one rule:
//! reasons are stable words, never texts of errors, because they are shown to whoever can reach a probe.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The reason of a check that has not reported yet.
const STARTING: &str = "starting";

/// Shared by everything that probes or reports; clones are cheap and see the same state.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    // Beside the entry in `switches`, because it is read once for each response.
    draining: AtomicBool,
    checks: RwLock<Vec<Entry>>,
    switches: RwLock<Switches>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Switches {
    draining_since: Option<Instant>,
    held_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: &'static str,
    state: State,
    since: Instant,
    has_passed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    Degraded(&'static str),
    Failing(&'static str),
}

/// The writing end of one check: held by whoever knows the answer.
#[derive(Debug, Clone)]
pub struct Check {
    shared: Arc<Shared>,
    index: usize,
}

/// What a probe shows: every check, the failing ones with their reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessReport {
    /// Whether traffic should come here: true when every check passes.
    pub ready: bool,
    /// The registered checks in the order of their registration, then `draining` and `hold` while those are on.
    pub checks: Vec<CheckReport>,
}

/// One check as a probe shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The name it was registered under.
    pub name: &'static str,
    /// False takes the instance out of rotation.
    pub passing: bool,
    /// Why it fails, or, when it passes, why it is only degraded.
    pub reason: Option<&'static str>,
    /// For how long it has been passing, degraded or failing for this reason.
    pub since: Duration,
}

/// The checks in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Every check passes without reservation.
    Ok,
    /// Ready, but some of the work is refused (writes, on a read-only database).
    Degraded,
    /// Not ready.
    Unavailable,
}

impl Readiness {
    /// Ready until a check is registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a check, failing with the reason `starting` until it says otherwise; the same name a second time gives
    /// another handle on the first.
    pub fn check(&self, name: &'static str) -> Check {
        let mut checks = write(&self.shared.checks);
        let known = checks.iter().position(|entry| entry.name == name);
        let index = known.unwrap_or_else(|| {
            checks.push(Entry {
                name,
                state: State::Failing(STARTING),
                since: Instant::now(),
                has_passed: false,
            });
            checks.len() - 1
        });
        Check {
            shared: Arc::clone(&self.shared),
            index,
        }
    }

    /// Takes the instance out of rotation for good: the process is ending.
    pub fn start_draining(&self) {
        write(&self.shared.switches)
            .draining_since
            .get_or_insert_with(Instant::now);
        self.shared.draining.store(true, Ordering::Release);
    }

    /// Whether the process is ending. One atomic load.
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
    }

    /// Takes the instance out of rotation until [`release`](Self::release). Returns whether this changed anything.
    pub fn hold(&self) -> bool {
        let held_since = &mut write(&self.shared.switches).held_since;
        let changed = held_since.is_none();
        held_since.get_or_insert_with(Instant::now);
        changed
    }

    /// Undoes [`hold`](Self::hold). Returns whether this changed anything.
    pub fn release(&self) -> bool {
        write(&self.shared.switches).held_since.take().is_some()
    }

    /// Whether an operator holds the instance out of rotation.
    pub fn is_held(&self) -> bool {
        read(&self.shared.switches).held_since.is_some()
    }

    /// Whether traffic should come here. Allocates nothing, for the gauge and the probes.
    pub fn is_ready(&self) -> bool {
        !self.is_draining()
            && !self.is_held()
            && read(&self.shared.checks)
                .iter()
                .all(|entry| !matches!(entry.state, State::Failing(_)))
    }

    /// Everything a probe shows.
    pub fn report(&self) -> ReadinessReport {
        let now = Instant::now();
        let switches = *read(&self.shared.switches);
        let mut checks: Vec<_> = read(&self.shared.checks)
            .iter()
            .map(|entry| entry.report(now))
            .collect();
        let switched_on = [
            ("draining", "draining", switches.draining_since),
            ("hold", "held", switches.held_since),
        ];
        for (name, reason, since) in switched_on {
            checks.extend(since.map(|since| CheckReport {
                name,
                passing: false,
                reason: Some(reason),
                since: now.saturating_duration_since(since),
            }));
        }
        ReadinessReport {
            ready: checks.iter().all(|check| check.passing),
            checks,
        }
    }
}

impl Check {
    /// All is well.
    pub fn pass(&self) {
        self.set(State::Passing, None);
    }

    /// Traffic may come, but part of the work is refused; `reason` is a stable word.
    pub fn degrade(&self, reason: &'static str) {
        self.set(State::Degraded(reason), None);
    }

    /// The same, with what is behind it, which the log tells and nobody else.
    pub fn degrade_because(&self, reason: &'static str, error: &str) {
        self.set(State::Degraded(reason), Some(error));
    }

    /// No traffic should come; `reason` is a stable word such as `migrating` or `unreachable`.
    pub fn fail(&self, reason: &'static str) {
        self.set(State::Failing(reason), None);
    }

    /// The same, with what is behind it, which the log tells and nobody else.
    pub fn fail_because(&self, reason: &'static str, error: &str) {
        self.set(State::Failing(reason), Some(error));
    }

    /// Saying the same again keeps the time of the first. Changes are logged here, so that who reports them need not.
    fn set(&self, state: State, error: Option<&str>) {
        let mut checks = write(&self.shared.checks);
        let Some(entry) = checks.get_mut(self.index).filter(|e| e.state != state) else {
            return;
        };
        let before = std::mem::replace(&mut entry.since, Instant::now());
        let had_passed = entry.has_passed;
        entry.has_passed |= !matches!(state, State::Failing(_));
        entry.state = state;
        let name = entry.name;
        drop(checks);
        let previous_ms = u64::try_from(before.elapsed().as_millis()).unwrap_or(u64::MAX);
        log_change(name, state, had_passed, previous_ms, error);
    }
}

/// `previous_ms` is how long the state before lasted.
fn log_change(check: &str, state: State, had_passed: bool, previous_ms: u64, error: Option<&str>) {
    match state {
        State::Passing => {
            tracing::info!(check.name = check, previous_ms, "health check passed");
        }
        State::Degraded(reason) => {
            tracing::warn!(
                check.name = check,
                check.reason = reason,
                previous_ms,
                error,
                "health check degraded"
            );
        }
        // Part of every start: migrations take their time.
        State::Failing(reason) if !had_passed => {
            tracing::debug!(
                check.name = check,
                check.reason = reason,
                previous_ms,
                error,
                "health check has not passed yet"
            );
        }
        State::Failing(reason) => {
            tracing::warn!(
                check.name = check,
                check.reason = reason,
                previous_ms,
                error,
                "health check failed"
            );
        }
    }
}

impl Entry {
    fn report(&self, now: Instant) -> CheckReport {
        let (passing, reason) = match self.state {
            State::Passing => (true, None),
            State::Degraded(reason) => (true, Some(reason)),
            State::Failing(reason) => (false, Some(reason)),
        };
        CheckReport {
            name: self.name,
            passing,
            reason,
            since: now.saturating_duration_since(self.since),
        }
    }
}

impl CheckReport {
    /// The check in one word.
    pub fn status(&self) -> Status {
        match (self.passing, self.reason) {
            (false, _) => Status::Unavailable,
            (true, Some(_)) => Status::Degraded,
            (true, None) => Status::Ok,
        }
    }
}

impl ReadinessReport {
    /// The worst of the checks.
    pub fn status(&self) -> Status {
        if !self.ready {
            Status::Unavailable
        } else if self.checks.iter().any(|check| check.reason.is_some()) {
            Status::Degraded
        } else {
            Status::Ok
        }
    }

    /// The first check that keeps traffic away, with its reason.
    pub fn first_failure(&self) -> Option<&CheckReport> {
        self.checks.iter().find(|check| !check.passing)
    }
}

impl Status {
    /// The word that the probes show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        }
    }
}

// Every write leaves the data whole, so a poisoned lock is as good as a sound one.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Readiness, Status};

    fn failing(readiness: &Readiness) -> Vec<(&'static str, Option<&'static str>)> {
        let report = readiness.report();
        assert_eq!(report.ready, readiness.is_ready());
        let failing = report.checks.iter().filter(|check| !check.passing);
        failing.map(|check| (check.name, check.reason)).collect()
    }

    #[test]
    fn a_new_check_fails_with_starting_until_it_passes() {
        let readiness = Readiness::new();
        let database = readiness.check("database");
        assert_eq!(failing(&readiness), [("database", Some("starting"))]);
        database.pass();
        assert_eq!(failing(&readiness), []);
        assert_eq!(readiness.report().status(), Status::Ok);
    }

    #[test]
    fn one_failing_check_of_two_makes_it_unready() {
        let readiness = Readiness::new();
        let (migrations, database) = (readiness.check("migrations"), readiness.check("database"));
        migrations.pass();
        database.fail("unreachable");
        assert_eq!(failing(&readiness), [("database", Some("unreachable"))]);
        assert_eq!(readiness.report().status(), Status::Unavailable);
    }

    #[test]
    fn a_degraded_check_stays_ready_and_says_so() {
        let readiness = Readiness::new();
        readiness.check("database").degrade("read_only");
        let report = readiness.report();
        assert!(report.ready);
        assert_eq!(report.status(), Status::Degraded);
        assert_eq!(report.checks[0].reason, Some("read_only"));
    }

    #[test]
    fn draining_and_hold_appear_as_checks_only_while_they_are_on() {
        let readiness = Readiness::new();
        assert!(readiness.hold() && !readiness.hold());
        assert_eq!(failing(&readiness), [("hold", Some("held"))]);
        assert!(readiness.release() && !readiness.release());
        assert_eq!(failing(&readiness), []);
        readiness.start_draining();
        assert!(readiness.is_draining());
        assert_eq!(failing(&readiness), [("draining", Some("draining"))]);
    }

    #[test]
    fn saying_the_same_again_keeps_the_time_of_the_first() {
        let readiness = Readiness::new();
        let check = readiness.check("database");
        check.fail("unreachable");
        let first = readiness.shared.checks.read().unwrap()[0].since;
        check.fail("unreachable");
        assert_eq!(readiness.shared.checks.read().unwrap()[0].since, first);
        check.fail("timeout");
        assert!(readiness.shared.checks.read().unwrap()[0].since >= first);
    }

    #[test]
    fn the_same_name_gives_a_handle_on_the_same_check() {
        let readiness = Readiness::new();
        readiness.check("database").fail("timeout");
        readiness.check("database").pass();
        assert_eq!(readiness.report().checks.len(), 1);
        assert!(readiness.is_ready());
    }
}
