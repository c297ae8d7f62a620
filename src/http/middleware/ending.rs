//! The end of a request: counted and told from one place and one moment, when it is dropped.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use actix_web::body::BodySize;
use actix_web::dev::ResponseHead;
use actix_web::http::ConnectionType;

use crate::telemetry::metrics::{CounterHandle, HistogramHandle};
use crate::telemetry::{self, BLIND, RequestContext, error_chain, traces};

use super::super::connection::Peer;
use super::super::metrics::{Present, UNMATCHED};
use super::super::probes;
use super::super::problem::Problem;
use super::access_line::AccessLine;
use super::headers;
use super::observe::Observer;

/// What nginx calls it when a client goes away before its answer.
pub(super) const CLIENT_CLOSED_REQUEST: u16 = 499;

/// One worker's side of it.
pub(super) struct Worker {
    pub(super) observer: Arc<Observer>,
    /// Handles that this worker has used. The key is closed (routes, methods, documented statuses), so it stays small.
    series: RefCell<HashMap<(&'static str, &'static str, u16), Series>>,
}

#[derive(Clone)]
struct Series {
    requests: CounterHandle,
    duration: HistogramHandle,
}

impl Worker {
    pub(super) fn new(observer: Arc<Observer>) -> Self {
        Self {
            observer,
            series: RefCell::default(),
        }
    }

    fn series(&self, method: &'static str, route: &'static str, status: u16) -> Series {
        let mut series = self.series.borrow_mut();
        let entry = series.entry((method, route, status)).or_insert_with(|| {
            let text = status.to_string();
            let labels = [method, route, text.as_str()];
            let metrics = &self.observer.metrics;
            Series {
                requests: metrics.requests.handle(&labels),
                duration: metrics.duration.handle(&labels),
            }
        });
        entry.clone()
    }
}

/// What is known of a request's end so far. Dropping it is the end: it counts and logs.
pub(super) struct Ending {
    pub(super) worker: Rc<Worker>,
    pub(super) context: Arc<RequestContext>,
    pub(super) peer: Peer,
    pub(super) client: IpAddr,
    pub(super) method: &'static str,
    pub(super) authenticated: bool,
    pub(super) is_head: bool,
    pub(super) started: Instant,
    /// 499 until the whole answer has been handed over.
    pub(super) status: u16,
    pub(super) error: Option<String>,
    /// The connection ends with the answer.
    pub(super) closing: bool,
    pub(super) bytes_out: u64,
    /// In flight until then.
    pub(super) _present: Present,
}

impl Ending {
    /// Takes note of how it was answered.
    pub(super) fn note(&mut self, status: u16, problem: Option<&Problem>) {
        self.status = status;
        let Some(problem) = problem else { return };
        self.closing = problem.is_closing();
        if let Some(reason) = problem.rejection() {
            self.worker.observer.metrics.rejected.with(reason).inc();
        }
        if status >= 500 {
            let cause = problem.cause().map(error_chain);
            self.error = Some(cause.unwrap_or_else(|| problem.to_string()));
        }
    }

    /// Adds what stands on every answer.
    pub(super) fn dress(&self, head: &mut ResponseHead) {
        headers::add(head, self.context.request_id(), self.authenticated);
        if self.worker.observer.readiness.is_draining() {
            head.set_connection_type(ConnectionType::Close);
        }
    }

    /// An answer without a body ends here; one with a body when that has been handed over.
    pub(super) fn unless_empty(self, size: BodySize, cx: &Context<'_>) -> Option<Self> {
        let empty = self.is_head || matches!(size, BodySize::None | BodySize::Sized(0));
        if empty {
            self.hear_no_more(cx);
        }
        (!empty).then_some(self)
    }

    /// Where the connection ends, what the dispatcher is waiting for does not come: it has to look again.
    pub(super) fn hear_no_more(&self, cx: &Context<'_>) {
        if self.closing {
            self.peer.ignore();
            cx.waker().wake_by_ref();
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        self.peer.answered();
        if BLIND {
            return;
        }
        if self.peer.is_gone() {
            self.status = CLIENT_CLOSED_REQUEST;
        }
        let route = self.context.route().unwrap_or(UNMATCHED);
        let series = self.worker.series(self.method, route, self.status);
        series.requests.inc();
        series.duration.observe(duration);
        let line = AccessLine {
            context: &self.context,
            method: self.method,
            route,
            status: self.status,
            duration,
            client: self.client,
            bytes_out: self.bytes_out,
            error: self.error.as_deref(),
            slow: self.worker.observer.slow,
            probe: probes::TEMPLATES.contains(&route),
        };
        telemetry::with_context(Arc::clone(&self.context), || {
            let Some(span) = self.context.take_span() else {
                return line.write();
            };
            // Inside the span, for filters of the log that ask for it.
            span.in_scope(|| line.write());
            let (error, client) = (self.error.as_deref(), self.client);
            traces::ended(
                &span,
                &self.context,
                self.status,
                error,
                client,
                self.bytes_out,
            );
        });
    }
}
