//! `POST /ready/hold` takes the instance out of rotation, `DELETE /ready/hold` puts it back.
//!
//! Only readiness changes: the instance goes on serving whoever still comes. Both may be
//! repeated. A restart forgets the hold.

use crate::http::Resource;
use crate::lifecycle::Readiness;
use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig};
use serde_json::json;

pub(super) fn configure(config: &mut ServiceConfig) {
    Resource::at("/ready/hold")
        .post(hold)
        .delete(release)
        .register(config);
}

async fn hold(readiness: Data<Readiness>) -> HttpResponse {
    let changed = readiness.hold();
    answer(&readiness, changed)
}

async fn release(readiness: Data<Readiness>) -> HttpResponse {
    let changed = readiness.release();
    answer(&readiness, changed)
}

fn answer(readiness: &Readiness, changed: bool) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "held": readiness.is_held(),
        "changed": changed,
        "ready": readiness.is_ready(),
    }))
}
