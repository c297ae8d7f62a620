//! Speaks `Type=notify` with systemd: READY, STATUS, STOPPING and the watchdog.
//!
//! Everything is silent when `NOTIFY_SOCKET` is not set, that is, outside such a unit. The one
//! rule: a lost notification is logged and never an error, the service runs without its manager.

use super::readiness::{Readiness, ReadinessReport};
use super::tasks::StopToken;
use sd_notify::NotifyState;
use std::time::Duration;

/// How often STATUS follows readiness. The probes are exact; this is for `systemctl status`.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Start-up is over: both listeners are bound. Readiness is another matter and shown by STATUS,
/// or a pending migration would have systemd kill the unit when its start timeout runs out.
pub fn notify_ready() {
    send(&[NotifyState::Ready]);
}

/// The ordered end has begun.
pub fn notify_stopping() {
    send(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Keeps STATUS equal to readiness and feeds the watchdog, at half of its interval, until it is
/// stopped. A background task: when its runtime hangs, systemd restarts the unit.
pub async fn keep_informed(readiness: Readiness, stop: StopToken) {
    let watchdog = sd_notify::watchdog_enabled();
    let interval = interval(watchdog);
    let mut last = String::new();
    loop {
        if watchdog.is_some() {
            send(&[NotifyState::Watchdog]);
        }
        let status = status_line(&readiness.report());
        if status != last {
            send(&[NotifyState::Status(&status)]);
            last = status;
        }
        if !stop.sleep(interval).await {
            return;
        }
    }
}

fn interval(watchdog: Option<Duration>) -> Duration {
    watchdog.map_or(STATUS_INTERVAL, |limit| (limit / 2).min(STATUS_INTERVAL))
}

fn status_line(report: &ReadinessReport) -> String {
    report.first_failure().map_or_else(
        || format!("ready ({})", report.status().as_str()),
        |check| {
            let reason = check.reason.unwrap_or("failing");
            format!("not ready: {} ({reason})", check.name)
        },
    )
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd notification failed");
    }
}

#[cfg(test)]
mod tests {
    use super::{interval, status_line};
    use crate::lifecycle::Readiness;
    use std::time::Duration;

    #[test]
    fn the_watchdog_is_fed_at_half_of_its_interval_or_sooner() {
        assert_eq!(interval(None), Duration::from_secs(1));
        assert_eq!(
            interval(Some(Duration::from_secs(30))),
            Duration::from_secs(1)
        );
        let short = Duration::from_millis(500);
        assert_eq!(interval(Some(short)), Duration::from_millis(250));
    }

    #[test]
    fn the_status_names_the_check_that_fails() {
        let readiness = Readiness::new();
        assert_eq!(status_line(&readiness.report()), "ready (ok)");
        let check = readiness.check("database");
        assert_eq!(
            status_line(&readiness.report()),
            "not ready: database (starting)"
        );
        check.degrade("read_only");
        assert_eq!(status_line(&readiness.report()), "ready (degraded)");
    }
}
