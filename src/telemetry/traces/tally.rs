//! What became of each span: the queue's bound is kept here, and not in the processor behind it, because that drops what is
//! too much without telling anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use crate::telemetry::error_chain;

/// Spans that may wait to be sent, those on their way included.
pub(super) const QUEUE: usize = 2048;

/// Counts by outcome, and how many have none yet.
#[derive(Debug, Default)]
pub(super) struct Tally {
    outstanding: AtomicUsize,
    exported: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    closed: AtomicBool,
}

impl Tally {
    /// Takes a span in; `false` when there is no room for it, which is counted.
    fn admit(&self) -> bool {
        let room = !self.closed.load(Relaxed)
            && self
                .outstanding
                .fetch_update(Relaxed, Relaxed, |count| {
                    (count < QUEUE).then_some(count + 1)
                })
                .is_ok();
        if !room {
            self.dropped.fetch_add(1, Relaxed);
        }
        room
    }

    fn settle(&self, spans: usize, outcome: &AtomicU64) {
        // What was given up is settled already.
        let settled = self
            .outstanding
            .fetch_update(Relaxed, Relaxed, |count| Some(count.saturating_sub(spans)))
            .unwrap_or_default()
            .min(spans);
        outcome.fetch_add(settled as u64, Relaxed);
    }

    /// Counts as dropped what has not been sent, and all that comes. Returns how many those are.
    pub(super) fn give_up(&self) -> usize {
        self.closed.store(true, Relaxed);
        let left = self.outstanding.swap(0, Relaxed);
        self.dropped.fetch_add(left as u64, Relaxed);
        left
    }

    /// Exported, dropped, failed.
    pub(super) fn counts(&self) -> [u64; 3] {
        [&self.exported, &self.dropped, &self.failed].map(|count| count.load(Relaxed))
    }
}

/// A batch processor whose queue is bounded by the tally.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) inner: BatchSpanProcessor,
    pub(super) tally: Arc<Tally>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.tally.admit() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that settles what it was given, and says in the log when the collector goes away and comes back.
#[derive(Debug)]
pub(super) struct Counting<E> {
    inner: E,
    tally: Arc<Tally>,
    failing: AtomicBool,
}

impl<E> Counting<E> {
    pub(super) fn new(inner: E, tally: Arc<Tally>) -> Self {
        Self {
            inner,
            tally,
            failing: AtomicBool::new(false),
        }
    }

    /// Once for each change: a collector that is gone for an hour is one line, not hundreds.
    fn tell(&self, outcome: &OTelSdkResult) {
        let failed_before = self.failing.swap(outcome.is_err(), Relaxed);
        match outcome {
            Err(error) if !failed_before => {
                tracing::warn!(error = error_chain(error), "export of traces failed");
            }
            Ok(()) if failed_before => tracing::info!("export of traces recovered"),
            _ => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.inner.export(batch).await;
        let settled = match outcome {
            Ok(()) => &self.tally.exported,
            Err(_) => &self.tally.failed,
        };
        self.tally.settle(spans, settled);
        self.tell(&outcome);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_has_one_outcome() {
        let tally = Tally::default();
        let admitted = (0..QUEUE + 5).filter(|_| tally.admit()).count();
        assert_eq!(admitted, QUEUE);
        assert_eq!(tally.counts(), [0, 5, 0]);
        tally.settle(512, &tally.exported);
        tally.settle(512, &tally.failed);
        assert!(tally.admit(), "there is room again");
        assert_eq!(tally.give_up(), QUEUE - 1024 + 1);
        assert!(!tally.admit(), "it is closed");
        // A batch that was on its way when it was given up.
        tally.settle(512, &tally.exported);
        let [exported, dropped, failed] = tally.counts();
        assert_eq!((exported, failed), (512, 512));
        assert_eq!(exported + dropped + failed, QUEUE as u64 + 5 + 1 + 1);
    }
}
