//! Gives a request its tracing span, when somebody wants one: a collector that it is sampled for, or a log filter that asks
//! for spans. Every other request passes by `tracing-actix-web`, which would cost it more than all its other telemetry.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::Version;
use pin_project_lite::pin_project;
use tracing::Span;
use tracing_actix_web::{RootSpanBuilder, StreamSpan, TracingLogger};

use crate::telemetry::traces::RootSpan;
use crate::telemetry::with_current;

use super::super::resource;
use super::observe::method_label;

/// The layer.
pub(in crate::http) struct Traced;

/// Takes the span that the layer has made. How it ended is told by the observer, who also knows of clients that left.
pub(in crate::http) struct KeptSpan;

impl RootSpanBuilder for KeptSpan {
    fn on_request_start(_: &ServiceRequest) -> Span {
        with_current(|context| context.span())
            .flatten()
            .unwrap_or_else(Span::none)
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// Makes the request's span and leaves it with its context; `false` when nobody wants one.
fn start_span(request: &ServiceRequest) -> bool {
    with_current(|context| {
        let span = RootSpan {
            method: method_label(request.method().as_str()),
            route: context
                .sampled()
                .then(|| resource::template(request.match_info().as_str()))
                .flatten(),
            path: request.path(),
            scheme: if request.app_config().secure() {
                "https"
            } else {
                "http"
            },
            version: if request.version() == Version::HTTP_10 {
                "1.0"
            } else {
                "1.1"
            },
        }
        .start(context);
        // Not `is_none`: a span that nobody asked for still knows where it was made.
        let wanted = !span.is_disabled();
        if wanted {
            context.keep_span(span);
        }
        wanted
    })
    .unwrap_or_default()
}

impl<S, B> Transform<S, ServiceRequest> for Traced
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, StreamSpan<B>>>;
    type Error = Error;
    type Transform = TracedService<Rc<S>, Spanned<S>>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let plain = Rc::new(service);
        let spanned = TracingLogger::<KeptSpan>::new().new_transform(Rc::clone(&plain));
        ready(
            spanned
                .into_inner()
                .map(|spanned| TracedService { plain, spanned }),
        )
    }
}

type Spanned<S> = <TracingLogger<KeptSpan> as Transform<Rc<S>, ServiceRequest>>::Transform;

/// The layer in a worker: what is below it, without and with a span around.
pub(in crate::http) struct TracedService<P, S> {
    plain: P,
    spanned: S,
}

impl<P, S, B, C> Service<ServiceRequest> for TracedService<P, S>
where
    P: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S: Service<ServiceRequest, Response = ServiceResponse<C>, Error = Error>,
{
    type Response = ServiceResponse<EitherBody<B, C>>;
    type Error = Error;
    type Future = TracedFuture<P::Future, S::Future>;

    actix_web::dev::forward_ready!(plain);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if start_span(&request) {
            TracedFuture::Spanned {
                future: self.spanned.call(request),
            }
        } else {
            TracedFuture::Plain {
                future: self.plain.call(request),
            }
        }
    }
}

pin_project! {
    /// The request on its way.
    #[project = Way]
    pub(in crate::http) enum TracedFuture<P, S> {
        Plain { #[pin] future: P },
        Spanned { #[pin] future: S },
    }
}

impl<P, S, B, C> Future for TracedFuture<P, S>
where
    P: Future<Output = Result<ServiceResponse<B>, Error>>,
    S: Future<Output = Result<ServiceResponse<C>, Error>>,
{
    type Output = Result<ServiceResponse<EitherBody<B, C>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Plain { future } => future.poll(cx).map_ok(ServiceResponse::map_into_left_body),
            Way::Spanned { future } => future.poll(cx).map_ok(ServiceResponse::map_into_right_body),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::test::{TestRequest, init_service, read_body};
    use actix_web::{App, HttpMessage as _, HttpRequest, web};

    use super::*;
    use crate::telemetry::{RequestContext, RequestId, with_context};

    /// Whether the tracing middleware has had its hands on it.
    async fn is_spanned(request: HttpRequest) -> String {
        let id = request
            .extensions()
            .get::<tracing_actix_web::RequestId>()
            .copied();
        id.is_some().to_string()
    }

    async fn asked(sampled: bool) -> actix_web::web::Bytes {
        let app = App::new().wrap(Traced).default_service(web::to(is_spanned));
        let app = init_service(app).await;
        let context = Arc::new(RequestContext::new(RequestId::generate(), None, sampled));
        let request = TestRequest::default().to_request();
        let answered = with_context(context, || app.call(request)).await;
        read_body(answered.unwrap()).await
    }

    #[actix_web::test]
    async fn a_request_has_a_span_only_where_somebody_wants_one() {
        assert_eq!(asked(false).await, "false", "nobody listens");
        let _listens = tracing::subscriber::set_default(tracing_subscriber::registry());
        assert_eq!(asked(true).await, "true");
    }
}
