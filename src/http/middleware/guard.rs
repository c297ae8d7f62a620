//! What stands between the outside and every handler: a panic answers 500 and the process lives, a request ends at its
//! deadline, one too many is turned away, and no error leaves in another form than a problem document.
//!
//! It stands inside CORS, so that a browser may read what it answers; what CORS itself refuses, [`in_problem_form`] dresses.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use futures_util::FutureExt;

use crate::lifecycle::Readiness;
use crate::telemetry;

use super::super::admission::{Classify, Gate, Permit, Reason};
use super::super::metrics::{HttpMetrics, Rejection, UNMATCHED};
use super::super::probes;
use super::super::problem::kinds::{
    BODY_TOO_LARGE, DEADLINE_EXCEEDED, INTERNAL_ERROR, MALFORMED_REQUEST, METHOD_NOT_ALLOWED,
    NOT_FOUND, NOT_READY, OVERLOADED, REQUEST_TIMEOUT, UNSUPPORTED_MEDIA_TYPE,
};
use super::super::problem::{PROBLEM_JSON, Problem, ProblemType, retry_after};
use super::{body, target};

/// What the guard works with, shared by all workers.
#[derive(Debug, Clone)]
pub(in crate::http) struct Guard {
    pub(in crate::http) metrics: HttpMetrics,
    pub(in crate::http) gate: Gate,
    pub(in crate::http) classify: Classify,
    pub(in crate::http) deadline: Duration,
    pub(in crate::http) readiness: Readiness,
    pub(in crate::http) opening: Opening,
}

/// Whether the routes that need the schema are open: not before it is migrated.
#[derive(Debug, Clone, Default)]
pub struct Opening(Arc<std::sync::atomic::AtomicBool>);

impl Opening {
    /// Opens them, for good.
    pub fn open(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Release);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Acquire)
    }
}

/// The layer.
pub(in crate::http) async fn guard(
    guard: Arc<Guard>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let deadline = Instant::now() + guard.deadline;
    telemetry::with_current(|context| context.set_deadline(deadline));
    let permit = match enter(&guard, &mut request).await {
        Ok(permit) => permit.map(Rc::new),
        Err(problem) => {
            // Not `into_response`, which drops the problem that `observe` counts and logs.
            let (request, _payload) = request.into_parts();
            return Ok(ServiceResponse::new(
                request,
                HttpResponse::from_error(problem),
            ));
        }
    };
    if let Some(permit) = &permit {
        body::lends(&mut request, permit);
    }
    // `next` consumes the request; this is what a response can be made for when nothing comes back.
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind();
    let answered = tokio::time::timeout_at(deadline.into(), answered).await;
    // What is still to do is to send the answer, for which nobody needs anything that runs out.
    drop(permit);
    match answered {
        Ok(Ok(Ok(response))) => Ok(as_problem(response.map_into_boxed_body())),
        Ok(Ok(Err(error))) => Err(in_our_form(error)),
        Ok(Err(_panic)) => {
            let route = telemetry::current()
                .and_then(|context| context.route())
                .unwrap_or(UNMATCHED);
            guard.metrics.panics.handle(&[route]).inc();
            Err(Problem::new(&INTERNAL_ERROR)
                .source("a handler panicked")
                .into())
        }
        Err(_elapsed) => Err(Problem::new(&DEADLINE_EXCEEDED)
            .rejected(Rejection::Timeout)
            .retry_after(Duration::from_secs(1))
            .source("the request passed server.request_timeout")
            .into()),
    }
}

/// The layer around CORS, which refuses preflights in plain text.
pub(in crate::http) async fn in_problem_form(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let response = next.call(request).await?;
    Ok(as_problem(response.map_into_boxed_body()))
}

/// Takes the request on, or says why it goes no further. Probes always do, and need nothing. The path is the decoded one,
/// as it will be routed: `/%61pi/` is `/api/`.
async fn enter(guard: &Guard, request: &mut ServiceRequest) -> Result<Option<Permit>, Problem> {
    if let Some(problem) = target::refusal(request.head()) {
        return Err(problem);
    }
    let path = request.match_info().as_str();
    if probes::TEMPLATES.contains(&path) {
        return Ok(None);
    }
    let needs_database = path.starts_with("/api/");
    if needs_database && !guard.opening.is_open() {
        let why = guard
            .readiness
            .report()
            .first_failure()
            .map_or("starting", |check| check.reason.unwrap_or(check.name));
        let problem = Problem::new(&NOT_READY).retry_after(Duration::from_secs(2));
        return Err(problem.source(format!("not ready: {why}")));
    }
    let class = (guard.classify)(request.method().as_str(), path);
    let admitted = if needs_database {
        guard.gate.admit(class).await
    } else {
        guard.gate.admit_without_database(class).await
    };
    match admitted {
        Ok(permit) => Ok(Some(permit)),
        Err(reason) => {
            body::swallow(request).await;
            Err(refused(class.as_str(), reason))
        }
    }
}

/// The gate said no. It costs little and says when to come back: this happens when there is no time to lose.
pub(super) fn refused(class: &str, reason: Reason) -> Problem {
    let rejection = match reason {
        Reason::Pool => Rejection::Pool,
        Reason::Full | Reason::Late | Reason::Displaced => Rejection::Overload,
    };
    Problem::new(&OVERLOADED)
        .rejected(rejection)
        .retry_after(retry_after())
        .source(format!("{class} not taken on: {}", reason.as_str()))
}

/// An error of the framework's own, as a problem.
fn in_our_form(error: Error) -> Error {
    if error.as_error::<Problem>().is_some() {
        return error;
    }
    let kind = kind_of(error.as_response_error().status_code());
    Problem::new(kind).source(error.to_string()).into()
}

/// An error that the framework answered in its own way, put in ours.
fn as_problem(response: ServiceResponse) -> ServiceResponse {
    let status = response.status();
    let ours = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value == PROBLEM_JSON);
    // The probes' 503 is an answer, not an error.
    let json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if ours || json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (request, response) = response.into_parts();
    let mut replaced = HttpResponse::from_error(Problem::new(kind_of(status)));
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && !replaced.headers().contains_key(name) {
            replaced.headers_mut().insert(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, replaced)
}

fn kind_of(status: StatusCode) -> &'static ProblemType {
    match status {
        StatusCode::NOT_FOUND => &NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => &METHOD_NOT_ALLOWED,
        StatusCode::REQUEST_TIMEOUT => &REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE => &BODY_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &UNSUPPORTED_MEDIA_TYPE,
        status if status.is_client_error() => &MALFORMED_REQUEST,
        _ => &INTERNAL_ERROR,
    }
}
