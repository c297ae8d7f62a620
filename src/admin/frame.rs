//! What surrounds every route of this listener: context, guard, panic guard, headers, log line.
//!
//! Not the public listener's middleware: nothing here is counted, limited or shed. The one rule:
//! a path that is not named in [`is_open`] is guarded, so that nothing is open by forgetting.

use super::guard::{Guard, Refusal, Visitor};
use super::metrics;
use crate::http::probes;
use crate::http::problem::Problem;
use crate::http::problem::kinds::INTERNAL_ERROR;
use crate::telemetry::logs::AUDIT_TARGET;
use crate::telemetry::{InContext, RequestContext, RequestId, error_chain};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError as _};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether anyone who reaches the port may ask for this path.
fn is_open(path: &str) -> bool {
    path == metrics::PATH || probes::TEMPLATES.contains(&path)
}

/// The middleware, for `from_fn`.
pub(super) async fn frame(
    guard: Data<Guard>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = single(request.headers(), &REQUEST_ID)
        .and_then(RequestId::parse)
        .unwrap_or_else(RequestId::generate);
    let context = Arc::new(RequestContext::new(id, None, false));
    InContext::new(context, async move {
        // Of the request itself nothing may be kept: Actix wants to be its only owner.
        let line = Line::begin(&request);
        let mut response = match admit(&guard, &request) {
            Ok(()) => {
                let response = answer(request, next, &line, &id).await?;
                line.end(&response);
                response
            }
            Err(refusal) => {
                line.refused(refusal);
                request.into_response(Problem::from(refusal).error_response())
            }
        };
        decorate(response.headers_mut(), &id);
        Ok(response)
    })
    .await
}

fn admit(guard: &Guard, request: &ServiceRequest) -> Result<(), Refusal> {
    if is_open(request.path()) {
        return Ok(());
    }
    let headers = request.headers();
    guard.admit(&Visitor {
        peer: request.peer_addr().map(|address| address.ip()),
        host: single(headers, &HOST),
        authorization: single(headers, &AUTHORIZATION),
        // One that cannot be read is as foreign as `null`.
        origin: headers
            .contains_key(ORIGIN)
            .then(|| single(headers, &ORIGIN).unwrap_or("null")),
        changing: is_changing(request.method()),
    })
}

/// Runs the route; whatever goes wrong in it, there is an answer.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    line: &Line,
    id: &RequestId,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(outcome) => outcome.map(ServiceResponse::map_into_boxed_body),
        // The panic hook has logged it, with its backtrace.
        Err(_panic) => {
            line.panicked();
            let problem = Problem::new(&INTERNAL_ERROR);
            let mut response = problem.error_response();
            decorate(response.headers_mut(), id);
            Err(InternalError::from_response(problem, response).into())
        }
    }
}

fn decorate(headers: &mut HeaderMap, id: &RequestId) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// The log line of one request. It names the route's template: a raw path may hold anything.
struct Line {
    started: Instant,
    method: Method,
    address: Option<String>,
}

impl Line {
    fn begin(request: &ServiceRequest) -> Self {
        let address = request
            .peer_addr()
            .map(|address| address.ip().to_canonical());
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            address: address.map(|address| address.to_string()),
        }
    }

    fn refused(&self, refusal: Refusal) {
        tracing::warn!(
            reason = refusal.as_str(),
            http.method = self.method.as_str(),
            client.address = self.address,
            "admin request refused"
        );
    }

    fn panicked(&self) {
        tracing::error!(
            http.method = self.method.as_str(),
            client.address = self.address,
            "admin request panicked"
        );
    }

    /// ERROR for our own faults, an audit line for what may have changed something, else DEBUG.
    fn end(&self, response: &ServiceResponse<BoxBody>) {
        let method = self.method.as_str();
        let route = response.request().match_pattern();
        let route = route.as_deref().unwrap_or("unmatched");
        let status = response.status();
        let duration_ms = self.started.elapsed().as_secs_f64() * 1000.0;
        let address = self.address.as_deref();
        // 503 is the honest answer of an unready probe, not a fault.
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            let problem = response
                .response()
                .error()
                .and_then(|error| error.as_error::<Problem>());
            let error = problem.map_or_else(String::new, |problem| error_chain(problem));
            tracing::error!(
                http.method = method,
                http.route = route,
                http.status = status.as_u16(),
                duration_ms,
                client.address = address,
                error,
                "admin request failed"
            );
        } else if is_changing(&self.method) {
            // `info!` cannot tell a target from a dotted field; `event!` can.
            tracing::event!(
                target: AUDIT_TARGET,
                tracing::Level::INFO,
                http.method = method,
                http.route = route,
                http.status = status.as_u16(),
                duration_ms,
                client.address = address,
                "admin request completed"
            );
        } else {
            tracing::debug!(
                http.method = method,
                http.route = route,
                http.status = status.as_u16(),
                duration_ms,
                client.address = address,
                "admin request completed"
            );
        }
    }
}

fn is_changing(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The header when it is there exactly once and printable; what is said twice is not believed.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?;
    values
        .next()
        .is_none()
        .then(|| value.to_str().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};
    use serde_json::Value;

    use super::*;

    /// What a peer at this address is answered, without a token being set: status and problem code.
    async fn asked_by(peer: &str, method: Method, path: &str) -> (u16, Value) {
        let app = App::new()
            .app_data(Data::new(Guard::new(None, Vec::new())))
            .wrap(from_fn(frame))
            .default_service(web::to(async || HttpResponse::Ok().json(Value::Null)));
        let app = init_service(app).await;
        let request = TestRequest::default()
            .method(method)
            .uri(path)
            .peer_addr(peer.parse().unwrap())
            .insert_header((HOST, "127.0.0.1:9464"));
        let response = call_service(&app, request.to_request()).await;
        let headers = response.headers();
        assert_eq!(headers.get(CACHE_CONTROL).unwrap(), "no-store");
        assert!(headers.contains_key(REQUEST_ID));
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        (status, body.get("code").cloned().unwrap_or_default())
    }

    #[actix_web::test]
    async fn a_peer_from_elsewhere_sees_metrics_and_probes_and_nothing_else() {
        for peer in ["198.51.100.7:4711", "[2001:db8::7]:4711", "10.0.0.1:80"] {
            for path in ["/metrics", "/health", "/health/live", "/health/ready"] {
                let answer = asked_by(peer, Method::GET, path).await;
                assert_eq!(answer, (200, Value::Null), "{peer} {path}");
            }
            for (method, path) in [
                (Method::GET, "/"),
                (Method::HEAD, "/config"),
                (Method::GET, "/log"),
                (Method::PUT, "/log"),
                (Method::POST, "/ready/hold"),
                (Method::GET, "/metrics/"),
                (Method::GET, "/%6detrics"),
                (Method::GET, "/nowhere"),
            ] {
                let (status, code) = asked_by(peer, method, path).await;
                assert_eq!((status, code.as_str()), (403, Some("admin_loopback_only")));
            }
        }
    }

    #[actix_web::test]
    async fn a_local_peer_gets_through() {
        for peer in [
            "127.0.0.1:4711",
            "127.8.8.8:1",
            "[::1]:4711",
            "[::ffff:127.0.0.1]:1",
        ] {
            let answer = asked_by(peer, Method::POST, "/ready/hold").await;
            assert_eq!(answer, (200, Value::Null), "{peer}");
        }
    }
}
