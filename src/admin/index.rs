//! `GET /`: what there is on this listener; HTML for a browser, JSON otherwise.

use crate::http::Resource;
use crate::http::html;
use crate::telemetry::build;
use actix_web::http::header::ACCEPT;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use std::fmt::Write as _;

/// One route, for people.
#[derive(Serialize)]
struct Endpoint {
    methods: &'static [&'static str],
    path: &'static str,
    /// What it is for, in a line.
    about: &'static str,
    /// Whether anyone who reaches the port may ask.
    open: bool,
}

const ENDPOINTS: &[Endpoint] = &[
    endpoint(&["GET"], "/metrics", "The metrics, for Prometheus.", true),
    endpoint(
        &["GET"],
        "/health",
        "Status, version, age and every check.",
        true,
    ),
    endpoint(
        &["GET"],
        "/health/live",
        "200 while the process can answer.",
        true,
    ),
    endpoint(
        &["GET"],
        "/health/ready",
        "200 when traffic should come here; else 503 and why.",
        true,
    ),
    endpoint(
        &["GET"],
        "/config",
        "The settings in effect and their origins, secrets masked.",
        false,
    ),
    endpoint(
        &["GET", "PUT"],
        "/log",
        r#"The log filter; PUT {"filter": "info,glasshouse::http=debug", "for": "10m"} changes it."#,
        false,
    ),
    endpoint(
        &["POST", "DELETE"],
        "/ready/hold",
        "Take this instance out of rotation; put it back.",
        false,
    ),
];

const fn endpoint(
    methods: &'static [&'static str],
    path: &'static str,
    about: &'static str,
    open: bool,
) -> Endpoint {
    Endpoint {
        methods,
        path,
        about,
        open,
    }
}

#[derive(Serialize)]
struct IndexBody {
    name: &'static str,
    version: &'static str,
    revision: &'static str,
    endpoints: &'static [Endpoint],
}

pub(super) fn configure(config: &mut ServiceConfig) {
    Resource::at("/").get(show_index).register(config);
}

async fn show_index(request: HttpRequest) -> HttpResponse {
    if html::wanted(request.headers().get(ACCEPT)) {
        return html::page("Admin listener", &page_body());
    }
    HttpResponse::Ok()
        .insert_header(html::NEGOTIATED)
        .json(IndexBody {
            name: "glasshouse",
            version: build::VERSION,
            revision: build::REVISION,
            endpoints: ENDPOINTS,
        })
}

fn page_body() -> String {
    let mut body = format!(
        "<p class=\"note\">Glasshouse {} ({})</p><dl>",
        html::escape(build::VERSION),
        html::escape(build::REVISION)
    );
    for endpoint in ENDPOINTS {
        let path = html::escape(endpoint.path);
        let linked = if endpoint.methods.contains(&"GET") {
            format!("<a href=\"{path}\">{path}</a>")
        } else {
            path
        };
        let (methods, about) = (endpoint.methods.join(", "), html::escape(endpoint.about));
        let _ = write!(
            body,
            "<dt><code>{methods}</code> {linked}</dt><dd>{about}</dd>"
        );
    }
    body.push_str("</dl>");
    body
}

#[cfg(test)]
mod tests {
    use super::page_body;

    #[test]
    fn the_page_links_what_can_be_read_and_escapes_its_text() {
        let body = page_body();
        assert!(body.contains("<a href=\"/metrics\">/metrics</a>"));
        assert!(!body.contains("<a href=\"/ready/hold\">"));
        assert!(body.contains("&quot;filter&quot;"));
    }
}
