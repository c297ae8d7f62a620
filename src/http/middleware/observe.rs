//! The outermost layer: what a request is called, how it ended, and how long it took.
//!
//! Metrics and the access line come from one place and one moment, so they cannot disagree: the end of the answer's
//! body, or the drop of whatever was left of the request when its client went away (status 499). A layer that counts
//! after `await?` loses what was cut off or ended with an error; this one counts in a guard's `Drop`.
//!
//! The end comes before the last bytes are written, so who has an answer finds it counted. That they could still be
//! written is known from the connection; only of a client that has ended its side it is not, and there the end waits until
//! they are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ResponseHead, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::header::AUTHORIZATION;
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use crate::lifecycle::Readiness;
use crate::telemetry::metrics::{CounterHandle, HistogramHandle};
use crate::telemetry::traces::{self, Sampling};
use crate::telemetry::{self, RequestContext};
use crate::telemetry::{InContext, RequestId, TraceParent, error_chain};

use super::super::client_address::{TrustedProxies, of_service_request};
use super::super::connection::Peer;
use super::super::metrics::{HttpMetrics, METHODS, Presence, Present, UNMATCHED};
use super::super::probes;
use super::super::problem::Problem;
use super::super::resource;
use super::access_line::AccessLine;
use super::headers::{self, X_REQUEST_ID};
use super::pieces::Pieces;

/// What nginx calls it when a client goes away before its answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// What the layer works with, shared by all workers.
#[derive(Debug, Clone)]
pub(in crate::http) struct Observer {
    pub(in crate::http) metrics: HttpMetrics,
    pub(in crate::http) in_flight: Presence,
    pub(in crate::http) readiness: Readiness,
    pub(in crate::http) proxies: TrustedProxies,
    pub(in crate::http) slow: Duration,
    pub(in crate::http) sampling: Sampling,
}

/// The layer.
pub(in crate::http) struct Observe(pub(in crate::http) Arc<Observer>);

impl<S, B> Transform<S, ServiceRequest> for Observe
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<Observed<B>>;
    type Error = Error;
    type Transform = ObserveService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let worker = Rc::new(Worker {
            observer: Arc::clone(&self.0),
            series: RefCell::default(),
        });
        ready(Ok(ObserveService { service, worker }))
    }
}

/// One worker's side of it.
struct Worker {
    observer: Arc<Observer>,
    /// Handles that this worker has used. The key is closed (routes, methods, documented statuses), so it stays small.
    series: RefCell<HashMap<(&'static str, &'static str, u16), Series>>,
}

#[derive(Clone)]
struct Series {
    requests: CounterHandle,
    duration: HistogramHandle,
}

impl Worker {
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

/// The layer in a worker.
pub(in crate::http) struct ObserveService<S> {
    service: S,
    worker: Rc<Worker>,
}

impl<S, B> Service<ServiceRequest> for ObserveService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<Observed<B>>;
    type Error = Error;
    type Future = ObserveFuture<S::Future>;

    actix_web::dev::forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let started = Instant::now();
        let headers = request.headers();
        let text = |value: Option<&actix_web::http::header::HeaderValue>| {
            value?.to_str().ok().map(str::to_owned)
        };
        let request_id = headers
            .get(X_REQUEST_ID)
            .and_then(|value| RequestId::parse(value.to_str().ok()?))
            .unwrap_or_else(RequestId::generate);
        let parent = text(headers.get("traceparent")).and_then(|value| TraceParent::parse(&value));
        let sampled = self.worker.observer.sampling.decide(parent.as_ref());
        let context = Arc::new(RequestContext::new(request_id, parent, sampled));
        let ending = Ending {
            worker: Rc::clone(&self.worker),
            peer: request.conn_data().cloned().unwrap_or_default(),
            client: of_service_request(&self.worker.observer.proxies, &request),
            method: method_label(request.method()),
            authenticated: headers.contains_key(AUTHORIZATION),
            is_head: request.method() == Method::HEAD,
            status: CLIENT_CLOSED_REQUEST,
            error: None,
            closing: false,
            bytes_out: 0,
            started,
            context: Arc::clone(&context),
            _present: self.worker.observer.in_flight.enter(),
        };
        let inner = telemetry::with_context(Arc::clone(&context), || self.service.call(request));
        ObserveFuture {
            inner: InContext::new(context, inner),
            ending: Some(ending),
        }
    }
}

pub(super) fn method_label(method: &Method) -> &'static str {
    METHODS
        .iter()
        .find(|name| **name == method.as_str())
        .copied()
        .unwrap_or("_OTHER")
}

pin_project! {
    /// The request while its handler runs.
    pub(in crate::http) struct ObserveFuture<F: Future> {
        #[pin]
        inner: InContext<F>,
        ending: Option<Ending>,
    }
}

impl<F, B> Future for ObserveFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<Observed<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = match this.inner.poll(cx) {
            Poll::Ready(outcome) => outcome,
            // The dispatcher drops what it finds the client of gone, but not when it takes the reset for an end.
            Poll::Pending if this.ending.as_ref().is_some_and(|end| end.peer.is_gone()) => {
                drop(this.ending.take());
                let error = InternalError::new("the client is gone", StatusCode::BAD_REQUEST);
                return Poll::Ready(Err(error.into()));
            }
            Poll::Pending => return Poll::Pending,
        };
        let Some(mut ending) = this.ending.take() else {
            return Poll::Ready(
                outcome.map(|response| response.map_body(|_, body| Observed::new(body, None))),
            );
        };
        match outcome {
            Ok(mut response) => {
                // Turned away before it was routed, or nowhere to be routed to.
                if ending.context.route().is_none()
                    && let Some(template) = resource::template(response.request())
                {
                    ending.context.set_route(template);
                }
                let response_head = response.response_mut();
                let problem = response_head
                    .error()
                    .and_then(|error| error.as_error::<Problem>());
                ending.note(response_head.status().as_u16(), problem);
                ending.dress(response_head.head_mut());
                Poll::Ready(Ok(response.map_body(|_, body| {
                    let ending = ending.unless_empty(body.size());
                    Observed::new(body, ending)
                })))
            }
            // A layer below ended it without a response to hang a body on: the deadline, a panic, a limit. The answer is
            // made here, so that it looks like any other.
            Err(error) => {
                let context = Arc::clone(&ending.context);
                // Not that of the cause alone: layers below may have left headers for it, as CORS does.
                let mut response = telemetry::with_context(context, || error.error_response());
                ending.note(response.status().as_u16(), error.as_error::<Problem>());
                ending.dress(response.head_mut());
                Poll::Ready(Err(InternalError::from_response(error, response).into()))
            }
        }
    }
}

/// What is known of a request's end so far. Dropping it is the end: it counts and logs.
struct Ending {
    worker: Rc<Worker>,
    context: Arc<RequestContext>,
    peer: Peer,
    client: IpAddr,
    method: &'static str,
    authenticated: bool,
    is_head: bool,
    started: Instant,
    /// 499 until the whole answer has been handed over.
    status: u16,
    error: Option<String>,
    /// The connection ends with the answer.
    closing: bool,
    bytes_out: u64,
    _present: Present,
}

impl Ending {
    /// Takes note of how it was answered.
    fn note(&mut self, status: u16, problem: Option<&Problem>) {
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
    fn dress(&self, head: &mut ResponseHead) {
        headers::add(head, self.context.request_id(), self.authenticated);
        if self.worker.observer.readiness.is_draining() {
            head.set_connection_type(ConnectionType::Close);
        }
    }

    /// An answer without a body ends here; one with a body when that has been handed over.
    fn unless_empty(self, size: BodySize) -> Option<Self> {
        let empty = self.is_head || matches!(size, BodySize::None | BodySize::Sized(0));
        (!empty).then_some(self)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        self.peer.answered();
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

pin_project! {
    /// The answer's body, which knows when it has been handed over.
    pub struct Observed<B> {
        #[pin]
        body: Pieces<B>,
        ending: Option<Ending>,
        // The body is at its end, and has been given up once for it to be written.
        written: bool,
    }

    impl<B> PinnedDrop for Observed<B> {
        fn drop(this: Pin<&mut Self>) {
            // Dropped before its end: the connection is gone, and the answer with it.
            if let Some(mut ending) = this.project().ending.take() {
                ending.status = CLIENT_CLOSED_REQUEST;
            }
        }
    }
}

impl<B> Observed<B> {
    fn new(body: B, ending: Option<Ending>) -> Self {
        Self {
            body: Pieces::new(body),
            ending,
            written: false,
        }
    }
}

impl<B: MessageBody> MessageBody for Observed<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        if *this.written {
            drop(this.ending.take());
            return Poll::Ready(None);
        }
        let next = ready!(this.body.poll_next(cx));
        match (&next, &mut *this.ending) {
            (Some(Ok(bytes)), Some(ending)) => ending.bytes_out += bytes.len() as u64,
            // The dispatcher writes what it has before it asks again. If it cannot, it drops this.
            (None, Some(ending)) if ending.peer.is_done_sending() => {
                *this.written = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            (None, ending) => {
                if let Some(ending) = ending.take_if(|ending| ending.closing) {
                    // What the dispatcher is waiting for does not come: it has to look again.
                    ending.peer.ignore();
                    cx.waker().wake_by_ref();
                }
                drop(ending.take());
            }
            _ => {}
        }
        Poll::Ready(next)
    }
}
