//! What the API reference says of every route of orders alike: the refusals that each of them can answer with.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

use crate::http::problem::PROBLEM_JSON;

/// Of every route.
pub(super) struct Always;

/// Of every route that names one order.
pub(super) struct OfOneOrder;

impl IntoResponses for Always {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([
            problem(
                "401",
                "`unauthenticated`: no access token, or one that is not valid",
                Some("WWW-Authenticate"),
            ),
            problem(
                "429",
                "`rate_limited`: too many requests of this account",
                Some("Retry-After"),
            ),
            problem("500", "`internal_error`: a fault of the service", None),
            problem(
                "503",
                "`overloaded`, `database_unavailable` and the like",
                Some("Retry-After"),
            ),
        ])
    }
}

impl IntoResponses for OfOneOrder {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([
            problem("400", "`invalid_parameter`: the id is none", None),
            problem(
                "404",
                "`not_found`: no such order, or one of another account",
                None,
            ),
        ])
    }
}

fn problem(status: &str, description: &str, header: Option<&str>) -> (String, RefOr<Response>) {
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemBody")))
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, body);
    if let Some(name) = header {
        let kind = if name == "Retry-After" {
            Type::Integer
        } else {
            Type::String
        };
        let text = ObjectBuilder::new().schema_type(kind);
        response = response.header(name, HeaderBuilder::new().schema(Some(text)).build());
    }
    (status.to_owned(), response.build().into())
}
