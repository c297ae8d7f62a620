//! How long a client may take for each of its parts.

use std::time::Duration;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Patience {
    /// For a head.
    pub(in crate::http) header: Duration,
    /// For a body.
    pub(in crate::http) body: Duration,
    /// Bytes of a body a second, once half of its time is over.
    pub(in crate::http) body_rate: usize,
    /// For taking some of an answer.
    pub(in crate::http) write: Duration,
}

impl Patience {
    /// For a body of which so much has come.
    pub(super) fn for_body(&self, bytes: u64) -> Duration {
        if self.body_rate == 0 {
            return self.body;
        }
        let rate = u64::try_from(self.body_rate).unwrap_or(u64::MAX);
        let earned = Duration::from_millis(bytes.saturating_mul(1_000) / rate);
        earned.max(self.body / 2).min(self.body)
    }
}
