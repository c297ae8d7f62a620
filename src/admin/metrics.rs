//! `GET /metrics`: what Prometheus scrapes. Open to anyone who reaches the port.
//!
//! Everything it tells is in memory: a scrape never waits for the database, least of all when
//! the database is what is wrong.

use crate::http::Resource;
use crate::http::problem::Problem;
use crate::http::problem::kinds::INTERNAL_ERROR;
use crate::telemetry::metrics::{CONTENT_TYPE, Registry};
use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig};

/// Where it is; the guard leaves it open.
pub(super) const PATH: &str = "/metrics";

pub(super) fn configure(config: &mut ServiceConfig) {
    Resource::at(PATH).get(show_metrics).register(config);
}

async fn show_metrics(registry: Data<Registry>) -> Result<HttpResponse, Problem> {
    let text = registry
        .encode()
        .map_err(|error| Problem::new(&INTERNAL_ERROR).source(error))?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}
