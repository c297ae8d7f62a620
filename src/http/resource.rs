//! One path and its methods: the way every route is declared.
//!
//! It gives what Actix leaves out: `HEAD` wherever there is `GET`, `405` with `Allow` for any other method, and the
//! path's template as the route's name in metrics and log.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, guard};

use crate::telemetry;

use super::problem::Problem;
use super::problem::kinds::METHOD_NOT_ALLOWED;

/// Every template that was registered. What is turned away before it is routed has only the text of its own, which lives
/// no longer than the request; here the label for it is found. They are all in the source, so this does not grow.
static TEMPLATES: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

/// The template of the route that a request would have come to, had it not been answered before.
pub(super) fn template(request: &HttpRequest) -> Option<&'static str> {
    let pattern = request.match_pattern()?;
    let templates = TEMPLATES.read().unwrap_or_else(PoisonError::into_inner);
    templates.get(pattern.as_str()).copied()
}

/// A path under construction: `Resource::at("/x/{id}").get(show).register(config)`.
pub struct Resource {
    inner: actix_web::Resource,
    allowed: Vec<&'static str>,
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource")
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl Resource {
    /// The path with its placeholders, as `/api/v1/orders/{id}`.
    pub fn at(template: &'static str) -> Self {
        TEMPLATES
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(template);
        // A guard is asked once the path has matched, and only then: the cheapest place to learn the route's name, and
        // one that works for requests that never reach a handler.
        let inner = web::resource(template).guard(guard::fn_guard(move |_| {
            if let Some(context) = telemetry::current() {
                context.set_route(template);
            }
            true
        }));
        Self {
            inner,
            allowed: Vec::new(),
        }
    }

    /// `GET`, and `HEAD` with it.
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.extend(["GET", "HEAD"]);
        let either = guard::Any(guard::Get()).or(guard::Head());
        self.inner = self.inner.route(web::route().guard(either).to(handler));
        self
    }

    /// `POST`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::POST, "POST", handler)
    }

    /// `PUT`.
    #[must_use]
    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::PUT, "PUT", handler)
    }

    /// `PATCH`.
    #[must_use]
    pub fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::PATCH, "PATCH", handler)
    }

    /// `DELETE`.
    #[must_use]
    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::DELETE, "DELETE", handler)
    }

    fn method<F, Args>(mut self, method: Method, name: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allowed.push(name);
        self.inner = self.inner.route(web::method(method).to(handler));
        self
    }

    /// Adds it to an application or a scope.
    pub fn register(self, config: &mut ServiceConfig) {
        let allow = self.allowed.join(", ");
        let refuse = move || {
            let mut problem =
                Problem::new(&METHOD_NOT_ALLOWED).detail(format!("This path takes {allow}."));
            if let Ok(value) = HeaderValue::from_str(&allow) {
                problem = problem.header(ALLOW, value);
            }
            async move { Err::<actix_web::HttpResponse, Problem>(problem) }
        };
        config.service(self.inner.default_service(web::to(refuse)));
    }
}
