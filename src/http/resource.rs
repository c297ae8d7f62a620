//! One path and its methods: the way every route is declared.
//!
//! It gives what Actix leaves out: `HEAD` wherever there is `GET`, `405` with `Allow` for any other method, and the
//! path's template as the route's name in metrics and log.

use std::cell::RefCell;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, guard};

use crate::telemetry;

use super::problem::Problem;
use super::problem::kinds::METHOD_NOT_ALLOWED;

thread_local! {
    /// The templates of this worker's application, in the order in which it asks them.
    static TEMPLATES: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Segment by segment: the same, or anything but nothing where a placeholder is. Other patterns than these are not used.
fn has_form(path: &str, template: &str) -> bool {
    // Most are told apart by what stands before their first placeholder.
    let fixed = memchr::memchr(b'{', template.as_bytes()).unwrap_or(template.len());
    if !path.as_bytes().starts_with(&template.as_bytes()[..fixed]) {
        return false;
    }
    let mut segments = path.split('/');
    let fits = template.split('/').all(|wanted| {
        segments.next().is_some_and(|segment| {
            segment == wanted || wanted.starts_with('{') && !segment.is_empty()
        })
    });
    fits && segments.next().is_none()
}

/// Adds its routes to an application, all of them: this worker then knows their templates.
pub(super) fn add_routes(config: &mut ServiceConfig, routes: impl FnOnce(&mut ServiceConfig)) {
    TEMPLATES.take();
    routes(config);
}

/// The template of the route that a request for this path comes to, or would have, had it not been answered before. Actix'
/// own answer, `match_pattern`, runs a dozen regular expressions for it, which is a sixth of what it takes to refuse a
/// request.
pub(super) fn template(path: &str) -> Option<&'static str> {
    TEMPLATES.with_borrow(|templates| {
        let mut templates = templates.iter().copied();
        templates.find(|template| has_form(path, template))
    })
}

/// A path under construction: `Resource::at("/x/{id}").get(show).register(config)`.
pub struct Resource {
    template: &'static str,
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
    /// The path with its placeholders, as `/api/v1/orders/{id}`: each is a whole segment, and has no pattern of its own.
    pub fn at(template: &'static str) -> Self {
        // A guard is asked once the path has matched, and only then: the cheapest place to learn the route's name, and
        // one that works for requests that never reach a handler.
        let inner = web::resource(template).guard(guard::fn_guard(move |_| {
            if let Some(context) = telemetry::current() {
                context.set_route(template);
            }
            true
        }));
        Self {
            template,
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
        TEMPLATES.with_borrow_mut(|templates| templates.push(self.template));
        config.service(self.inner.default_service(web::to(refuse)));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::dev::Service as _;
    use actix_web::test::{TestRequest, init_service, read_body};
    use actix_web::{App, HttpRequest, HttpResponse};

    use super::*;

    /// What is found without asking Actix, and what Actix says.
    async fn both(request: HttpRequest) -> HttpResponse {
        let pattern = request.match_pattern();
        let ours = template(request.match_info().as_str());
        HttpResponse::Ok().body(format!("{ours:?} {:?}", pattern.as_deref()))
    }

    #[actix_web::test]
    async fn the_template_of_a_path_is_the_one_that_it_is_routed_by() {
        let app = App::new()
            .configure(|config| {
                add_routes(config, |config| {
                    for template in ["/", "/x", "/x/me", "/x/{id}", "/x/{id}/pay", "/y/{file}"] {
                        Resource::at(template).get(both).register(config);
                    }
                });
            })
            .default_service(web::to(both));
        let app = init_service(app).await;
        for (path, expected) in [
            ("/", Some("/")),
            ("/x", Some("/x")),
            ("/x/", None),
            ("/x/me", Some("/x/me")),
            ("/x/%6de", Some("/x/me")),
            ("/x/1", Some("/x/{id}")),
            ("/x/a%2Fb", Some("/x/{id}")),
            ("/x/{id}", Some("/x/{id}")),
            ("/x/%C3%A4", Some("/x/{id}")),
            ("/x/1/", None),
            ("/x//pay", None),
            ("/x/1/pay", Some("/x/{id}/pay")),
            ("/x/1/pay/2", None),
            ("//x", None),
            ("/X", None),
            ("/x?y=/x/me", Some("/x")),
            ("/y/a.b-c~d", Some("/y/{file}")),
            ("/z", None),
        ] {
            let request = TestRequest::with_uri(path).to_request();
            let said = read_body(app.call(request).await.unwrap()).await;
            assert_eq!(said, format!("{expected:?} {expected:?}"), "{path}");
        }
    }
}
