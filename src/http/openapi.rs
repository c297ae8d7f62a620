//! This room's part of the OpenAPI document. The composition root joins the subjects' parts to it.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::{FieldError, ProblemBody};
use super::{docs, landing, probes, problem};

/// The routes of the machinery, and what the whole document shares.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Glasshouse",
        description = "An order service you can see through.\n\nErrors are `application/problem+json` (RFC 9457) with a stable \
            `code`; `GET /problems/{code}` explains each. Ids are UUIDv7, times RFC 3339 in UTC with milliseconds, money \
            whole minor units (`*_cents`). Lists are paged by cursor. Send orders with an `Idempotency-Key`: repeating \
            them is then safe.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        landing::show_landing,
        probes::show_health,
        probes::show_liveness,
        probes::show_readiness,
        problem::show_problem,
        docs::show_openapi,
        docs::show_reference,
        docs::show_reference_file,
    ),
    components(schemas(ProblemBody, FieldError)),
    modifiers(&BearerToken),
    tags((name = "service", description = "About the service itself"))
)]
pub struct ServiceApi;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The `access_token` of `POST /api/v1/sessions`."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}
