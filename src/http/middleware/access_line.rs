//! The one line that is logged for each request, and its level.
//!
//! 5xx is ERROR and carries the whole chain of causes; slow is WARN; probes are DEBUG, so that they do not drown the
//! rest; everything else is INFO, 4xx too, which is the client's affair.

use std::net::IpAddr;
use std::time::Duration;

use tracing::Level;

use crate::telemetry::RequestContext;

/// Everything that the line says.
pub(super) struct AccessLine<'a> {
    pub(super) context: &'a RequestContext,
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    pub(super) status: u16,
    pub(super) duration: Duration,
    pub(super) client: IpAddr,
    pub(super) bytes_out: u64,
    pub(super) error: Option<&'a str>,
    pub(super) slow: Duration,
    pub(super) probe: bool,
}

/// Milliseconds to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl AccessLine<'_> {
    fn level(&self) -> Level {
        match self.status {
            _ if self.probe => Level::DEBUG,
            500.. => Level::ERROR,
            _ if self.duration >= self.slow => Level::WARN,
            _ => Level::INFO,
        }
    }

    pub(super) fn write(&self) {
        // As text that needs no more than to be copied: a value that is displayed is escaped piece by piece.
        let client = self.client.to_string();
        // The level of an event is fixed where it stands, so there is one for each.
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    target: "glasshouse::access",
                    $level,
                    "http.method" = self.method,
                    "http.route" = self.route,
                    "http.status" = self.status,
                    "duration_ms" = millis(self.duration),
                    "db.wait_ms" = millis(self.context.database_wait()),
                    "db.time_ms" = millis(self.context.database_time()),
                    "client.address" = client.as_str(),
                    "account.id" = self.context.account().map(tracing::field::display),
                    "bytes_out" = self.bytes_out,
                    "error" = self.error,
                    "request completed"
                )
            };
        }
        match self.level() {
            Level::ERROR => event!(Level::ERROR),
            Level::WARN => event!(Level::WARN),
            Level::DEBUG => event!(Level::DEBUG),
            _ => event!(Level::INFO),
        }
    }
}
