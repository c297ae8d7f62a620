//! What is told of orders. Everything here is counted once its transaction is known to have ended, on the thread where it
//! did: a client that went away, or was told 503 by then, changes no number.
//!
//! An [`Attempt`] is one request to place an order. It is settled once: by what the transaction came to, by a refusal
//! before it, or as failed, when nothing that could still store the order is left. One whose client went away before
//! anything was decided is neither; it is told of as a request with status 499.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::catalog::ProductType;
use crate::telemetry::metrics::{Counter, HTTP_BUCKETS, Histogram, LabelSet};

use super::error::OrderError;
use super::status::Transition;

crate::label_set! {
    /// What an order consists of.
    pub enum OrderKind("product_type") {
        /// Physical products alone.
        Physical = "physical",
        /// Digital products alone.
        Digital = "digital",
        /// Services alone.
        Service = "service",
        /// Subscriptions alone.
        Subscription = "subscription",
        /// Products of more than one type.
        Mixed = "mixed",
    }
}

impl OrderKind {
    /// The kind of an order of such products.
    pub fn of(types: impl IntoIterator<Item = ProductType>) -> Self {
        let mut types = types.into_iter();
        let Some(first) = types.next() else {
            return Self::Mixed;
        };
        if types.any(|other| other != first) {
            return Self::Mixed;
        }
        match first {
            ProductType::Physical => Self::Physical,
            ProductType::Digital => Self::Digital,
            ProductType::Service => Self::Service,
            ProductType::Subscription => Self::Subscription,
        }
    }
}

crate::label_set! {
    /// How a request to place an order ended.
    pub enum Outcome("outcome") {
        /// The order was stored.
        Created = "created",
        /// The first answer to its key was given again, be it an order or a refusal.
        Replayed = "replayed",
        /// It was refused; `orders_rejected_total` tells why.
        Rejected = "rejected",
        /// The database or this program failed.
        Failed = "failed",
    }
}

crate::label_set! {
    /// Why an order was refused.
    pub enum Rejection("reason") {
        /// Less is in stock than was ordered.
        OutOfStock = "out_of_stock",
        /// A product does not exist.
        UnknownProduct = "unknown_product",
        /// A product is listed twice.
        DuplicateProduct = "duplicate_product",
        /// The total does not fit.
        TotalOverflow = "total_overflow",
        /// The body or the Idempotency-Key could not be read or broke a rule.
        Invalid = "invalid",
        /// The key was used for another request before.
        KeyReuse = "key_reuse",
        /// The first request with the key was still running.
        InProgress = "in_progress",
    }
}

crate::label_set! {
    /// What an Idempotency-Key led to.
    pub enum KeyOutcome("outcome") {
        /// Its first use: the answer was stored with it.
        New = "new",
        /// The stored answer was given again.
        Replayed = "replayed",
        /// Refused, because the first request with it was still running.
        InProgress = "in_progress",
        /// Refused, because it had been used for another request.
        Reused = "reused",
    }
}

/// Only the steps that exist: a series that can never move misleads.
impl LabelSet for Transition {
    const NAMES: &'static [&'static str] = &["from", "to"];

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        // Every transition comes from `ALL`.
        Self::ALL
            .iter()
            .position(|&step| step == self)
            .unwrap_or_default()
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.from().as_str(), self.to().as_str()]
    }
}

crate::metrics! {
    /// The metrics of this room.
    pub struct OrderMetrics {
        /// Orders stored, by the type of their products; an order over several types counts as mixed.
        pub created: Counter<OrderKind> = "orders_created_total",
        /// Time from the body having been read to the end of a request to place an order. One whose client went away before anything was decided is not observed.
        pub creation_duration: Histogram<Outcome> = "order_creation_duration_seconds", buckets = HTTP_BUCKETS,
        /// Requests of known accounts to place an order that were refused. A refusal that is replayed counts once, when it was made.
        pub rejected: Counter<Rejection> = "orders_rejected_total",
        /// Steps that orders made after they were placed.
        pub transitions: Counter<Transition> = "order_transitions_total",
        /// Requests with an Idempotency-Key that it decided about. Those that were refused without a stored answer, or failed, are not counted.
        pub keys: Counter<KeyOutcome> = "idempotent_requests_total",
    }
}

/// One request to place an order, from its body to its end.
#[derive(Debug)]
pub struct Attempt {
    metrics: OrderMetrics,
    started: Instant,
    failed: AtomicBool,
    settled: AtomicBool,
}

impl Attempt {
    /// Begins now.
    pub(super) fn start(metrics: &OrderMetrics) -> Self {
        Self {
            metrics: metrics.clone(),
            started: Instant::now(),
            failed: AtomicBool::new(false),
            settled: AtomicBool::new(false),
        }
    }

    /// The order was stored.
    pub(super) fn created(&self, kind: OrderKind, with_key: bool) {
        if self.settle(Outcome::Created) {
            self.metrics.created.with(kind).inc();
            if with_key {
                self.count_key(KeyOutcome::New);
            }
        }
    }

    /// The stored answer was given again.
    pub(super) fn replayed(&self) {
        if self.settle(Outcome::Replayed) {
            self.count_key(KeyOutcome::Replayed);
        }
    }

    /// It was refused. `stored` when the refusal was stored with the key.
    pub(super) fn rejected(&self, reason: Rejection, stored: bool) {
        if !self.settle(Outcome::Rejected) {
            return;
        }
        self.metrics.rejected.with(reason).inc();
        match reason {
            Rejection::KeyReuse => self.count_key(KeyOutcome::Reused),
            Rejection::InProgress => self.count_key(KeyOutcome::InProgress),
            _ if stored => self.count_key(KeyOutcome::New),
            _ => {}
        }
    }

    /// Its body could not be read or broke a rule.
    pub(super) fn unreadable(&self) {
        self.rejected(Rejection::Invalid, false);
    }

    /// A run ended with this error: a refusal settles it, a failure of the database may be followed by another run.
    pub(super) fn refused(&self, error: &OrderError) {
        if let Some(reason) = error.rejection() {
            self.rejected(reason, false);
        }
    }

    /// Its caller is told of a failure. That settles it only in the end: the caller of a transaction that passed its
    /// deadline is told so while the database may still be at its commit.
    pub(super) fn failed(&self) {
        self.failed.store(true, Ordering::Release);
    }

    fn count_key(&self, outcome: KeyOutcome) {
        self.metrics.keys.with(outcome).inc();
    }

    /// Observes the end; `false` when it has been before.
    fn settle(&self, outcome: Outcome) -> bool {
        let first = !self.settled.swap(true, Ordering::AcqRel);
        if first {
            self.metrics
                .creation_duration
                .with(outcome)
                .observe(self.started.elapsed());
        }
        first
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if *self.failed.get_mut() || std::thread::panicking() {
            self.settle(Outcome::Failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;
    use crate::telemetry::metrics::Registry;

    fn metrics() -> OrderMetrics {
        OrderMetrics::register(&Registry::new()).unwrap()
    }

    #[test]
    fn an_attempt_is_settled_once_and_only_by_what_was_decided() {
        let metrics = metrics();
        let attempt = Attempt::start(&metrics);
        attempt.failed();
        attempt.created(OrderKind::Digital, true);
        attempt.rejected(Rejection::OutOfStock, true);
        attempt.replayed();
        drop(attempt);
        Attempt::start(&metrics).failed();
        let panicked = Attempt::start(&metrics);
        let panicked = AssertUnwindSafe(|| {
            let _held = panicked;
            resume_unwind(Box::new(()));
        });
        assert!(catch_unwind(panicked).is_err());
        drop(Attempt::start(&metrics)); // its client went away
        let ended = |outcome| metrics.creation_duration.with(outcome).count();
        let all = [
            Outcome::Created,
            Outcome::Replayed,
            Outcome::Rejected,
            Outcome::Failed,
        ];
        assert_eq!(all.map(ended), [1, 0, 0, 2]);
        assert_eq!(metrics.created.with(OrderKind::Digital).get(), 1);
        assert_eq!(metrics.keys.with(KeyOutcome::New).get(), 1);
        assert_eq!(metrics.rejected.with(Rejection::OutOfStock).get(), 0);
    }

    #[test]
    fn a_key_counts_by_what_it_led_to() {
        let metrics = metrics();
        Attempt::start(&metrics).created(OrderKind::Mixed, false);
        Attempt::start(&metrics).rejected(Rejection::UnknownProduct, false);
        Attempt::start(&metrics).rejected(Rejection::OutOfStock, true);
        Attempt::start(&metrics).rejected(Rejection::KeyReuse, false);
        Attempt::start(&metrics).rejected(Rejection::InProgress, false);
        Attempt::start(&metrics).replayed();
        let all = [
            KeyOutcome::New,
            KeyOutcome::Replayed,
            KeyOutcome::InProgress,
            KeyOutcome::Reused,
        ];
        assert_eq!(
            all.map(|outcome| metrics.keys.with(outcome).get()),
            [1, 1, 1, 1]
        );
    }

    #[test]
    fn an_order_over_several_types_is_mixed() {
        use ProductType::{Digital, Service};
        assert_eq!(OrderKind::of([Digital, Digital]), OrderKind::Digital);
        assert_eq!(OrderKind::of([Digital, Service]), OrderKind::Mixed);
        for kind in ProductType::ALL {
            assert_eq!(OrderKind::of([*kind]).as_str(), kind.as_str());
        }
    }

    #[test]
    fn steps_stand_at_their_own_place() {
        for (place, step) in Transition::all().into_iter().enumerate() {
            assert_eq!(step.index(), place);
        }
    }
}
