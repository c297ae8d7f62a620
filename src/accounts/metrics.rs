//! What is told of accounts: registrations, log-ins and token refreshes, by how they ended.
//!
//! An attempt is counted exactly once, when the answer is decided; one that is dropped before that (the client
//! went away, or its time was up) counts as `abandoned`, whatever the database made of it. Bodies refused for their form are no attempts: they are in `http_requests_total` alone.

use crate::telemetry::metrics::{Counter, Label};

crate::label_set! {
    /// How a registration ended.
    pub enum RegistrationOutcome("outcome") {
        /// The account exists now.
        Created = "created",
        /// Another account has the e-mail address.
        EmailTaken = "email_taken",
        /// Refused by the rate limit.
        Throttled = "throttled",
        /// Refused because too many passwords were being hashed.
        Overloaded = "overloaded",
        /// The database or this program failed.
        Failed = "failed",
        /// The client went away first, or its time was up.
        Abandoned = "abandoned",
    }
}

crate::label_set! {
    /// How a log-in ended.
    pub enum LoginOutcome("outcome") {
        /// Tokens were given out.
        Success = "success",
        /// No such account, or not its password.
        InvalidCredentials = "invalid_credentials",
        /// Refused by the rate limit, before the password was looked at.
        Throttled = "throttled",
        /// Refused because too many passwords were being hashed.
        Overloaded = "overloaded",
        /// The database or this program failed.
        Failed = "failed",
        /// The client went away first, or its time was up.
        Abandoned = "abandoned",
    }
}

crate::label_set! {
    /// How an exchange of a refresh token ended.
    pub enum RefreshOutcome("outcome") {
        /// A new pair was given out.
        Refreshed = "refreshed",
        /// The token had been used before: its whole family was revoked. A sign of theft.
        Reused = "reused",
        /// The token is unknown, expired or revoked.
        Rejected = "rejected",
        /// The database or this program failed.
        Failed = "failed",
        /// The client went away first, or its time was up.
        Abandoned = "abandoned",
    }
}

crate::metrics! {
    /// The metrics of this room.
    pub struct AccountMetrics {
        /// Attempts to register an account, by how they ended.
        pub registrations: Counter<RegistrationOutcome> = "registrations_total",
        /// Attempts to log in, by how they ended.
        pub logins: Counter<LoginOutcome> = "logins_total",
        /// Attempts to exchange a refresh token for a new pair of tokens, by how they ended; reused counts thefts and clients that lost an answer.
        pub refreshes: Counter<RefreshOutcome> = "token_refreshes_total",
    }
}

/// An attempt under way. It is counted when told how it ended, or as abandoned when dropped before.
pub(super) struct Attempt<'a, L: Label> {
    counter: &'a Counter<L>,
    outcome: L,
}

impl<'a, L: Label> Attempt<'a, L> {
    fn new(counter: &'a Counter<L>, abandoned: L) -> Self {
        Self {
            counter,
            outcome: abandoned,
        }
    }

    /// Counts it as ended so.
    pub(super) fn end(mut self, outcome: L) {
        self.outcome = outcome;
    }
}

impl<L: Label> Drop for Attempt<'_, L> {
    fn drop(&mut self) {
        self.counter.with(self.outcome).inc();
    }
}

impl AccountMetrics {
    pub(super) fn registration(&self) -> Attempt<'_, RegistrationOutcome> {
        Attempt::new(&self.registrations, RegistrationOutcome::Abandoned)
    }

    pub(super) fn login(&self) -> Attempt<'_, LoginOutcome> {
        Attempt::new(&self.logins, LoginOutcome::Abandoned)
    }

    pub(super) fn refresh(&self) -> Attempt<'_, RefreshOutcome> {
        Attempt::new(&self.refreshes, RefreshOutcome::Abandoned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Registry;

    #[test]
    fn an_attempt_is_counted_once_whether_it_ends_or_is_dropped() {
        let metrics = AccountMetrics::register(&Registry::new()).unwrap();
        metrics.login().end(LoginOutcome::Success);
        drop(metrics.login());
        let count = |outcome| metrics.logins.with(outcome).get();
        assert_eq!(count(LoginOutcome::Success), 1);
        assert_eq!(count(LoginOutcome::Abandoned), 1);
        assert_eq!(count(LoginOutcome::Failed), 0);
    }
}
