//! `GET /`: where everything is.

use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry::build;

use super::html;

/// Where everything is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Landing {
    /// The service.
    #[schema(example = "glasshouse")]
    name: &'static str,
    /// Its version.
    version: &'static str,
    /// The commit that it was built from.
    revision: &'static str,
    /// What there is, by name.
    links: Links,
}

#[derive(Debug, Serialize, ToSchema)]
struct Links {
    /// The API reference.
    docs: &'static str,
    /// The OpenAPI document.
    openapi: &'static str,
    /// The health of this instance.
    health: &'static str,
    /// Whether the process answers.
    live: &'static str,
    /// Whether it wants traffic.
    ready: &'static str,
}

const LINKS: Links = Links {
    docs: "/docs",
    openapi: "/openapi.json",
    health: "/health",
    live: "/health/live",
    ready: "/health/ready",
};

/// Show where everything is
///
/// HTML for a browser, JSON otherwise.
#[utoipa::path(
    get, path = "/", tag = "service", operation_id = "show_landing",
    responses((status = 200, description = "Name, version and links", body = Landing))
)]
pub(super) async fn show_landing(request: HttpRequest) -> HttpResponse {
    if html::wanted(request.headers().get(ACCEPT)) {
        return html::page("Glasshouse", &article());
    }
    HttpResponse::Ok()
        .insert_header(html::NEGOTIATED)
        .json(Landing {
            name: "glasshouse",
            version: build::VERSION,
            revision: build::REVISION,
            links: LINKS,
        })
}

fn article() -> String {
    // Relative, so that they hold behind a proxy that serves this under a prefix.
    let link = |path: &str, about: &str| {
        format!(
            "<dt><a href=\"{}\">{path}</a></dt><dd>{about}</dd>",
            path.trim_start_matches('/')
        )
    };
    format!(
        "<p class=\"note\">An order service you can see through. Version {}, revision {}.</p><dl>{}{}{}{}{}</dl>\
         <p>Metrics and everything for operators are on the admin listener.</p>",
        html::escape(build::VERSION),
        html::escape(build::REVISION),
        link(LINKS.docs, "The API reference, to read and to try out"),
        link(LINKS.openapi, "The same as an OpenAPI document"),
        link(LINKS.health, "The health of this instance, check by check"),
        link(LINKS.live, "Whether the process answers"),
        link(LINKS.ready, "Whether this instance wants traffic"),
    )
}
