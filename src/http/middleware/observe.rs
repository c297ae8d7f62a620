//! The outermost layer: what a request is called, how it ended, and how long it took.
//!
//! Metrics and the access line come from one place and one moment, so they cannot disagree: the end of the answer's
//! body, or the drop of whatever was left of the request when its client went away (status 499). A layer that counts
//! after `await?` loses what was cut off or ended with an error; this one counts in a guard's `Drop` (`ending`).
//!
//! The end comes before the last bytes are written, so who has an answer finds it counted. That they could still be
//! written is known from the connection; only of a client that has ended its side it is not, and there the end waits until
//! they are.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use crate::lifecycle::Readiness;
use crate::telemetry::traces::Sampling;
use crate::telemetry::{self, BLIND, InContext, RequestContext, RequestId, TraceParent};

use super::super::client_address::{TrustedProxies, of_service_request};
use super::super::connection::Peer;
use super::super::metrics::{HttpMetrics, METHODS, Presence};
use super::super::problem::Problem;
use super::super::resource;
use super::ending::{CLIENT_CLOSED_REQUEST, Ending, Worker};
use super::headers::X_REQUEST_ID;
use super::pieces::Pieces;

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

impl Observer {
    /// What the request is called, which trace it belongs to, and whether that is exported.
    fn context(&self, headers: &HeaderMap, peer: &Peer) -> RequestContext {
        let text = |value: Option<&HeaderValue>| value?.to_str().ok().map(str::to_owned);
        let request_id = headers
            .get(X_REQUEST_ID)
            .and_then(|value| RequestId::parse(value.to_str().ok()?))
            .unwrap_or_else(RequestId::generate);
        let parent = text(headers.get("traceparent")).and_then(|value| TraceParent::parse(&value));
        let sampled = peer
            .take_sampled()
            .unwrap_or_else(|| self.sampling.decide(parent.as_ref()));
        RequestContext::new(request_id, parent, sampled)
    }
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
        let worker = Rc::new(Worker::new(Arc::clone(&self.0)));
        ready(Ok(ObserveService { service, worker }))
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
        let peer: Peer = request.conn_data().cloned().unwrap_or_default();
        let context = Arc::new(if BLIND {
            RequestContext::unnamed()
        } else {
            self.worker.observer.context(headers, &peer)
        });
        let ending = Ending {
            worker: Rc::clone(&self.worker),
            peer,
            client: of_service_request(&self.worker.observer.proxies, &request),
            method: method_label(request.method().as_str()),
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

pub(super) fn method_label(method: &str) -> &'static str {
    METHODS
        .iter()
        .find(|name| **name == method)
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
                    && let Some(template) =
                        resource::template(response.request().match_info().as_str())
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
                    let ending = ending.unless_empty(body.size(), cx);
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
                if let Some(ending) = ending.take() {
                    ending.hear_no_more(cx);
                }
            }
            _ => {}
        }
        Poll::Ready(next)
    }
}
