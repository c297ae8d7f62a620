//! The probes: `/health`, `/health/live`, `/health/ready`. The same on both listeners.
//!
//! Liveness answers while the process can, and never looks at a dependency: restarting a service does not bring its
//! database back. Readiness reads a verdict that background checks keep; no probe ever waits for anything.

mod metrics;

use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, ServiceConfig};
use serde::Serialize;
use utoipa::ToSchema;

use crate::lifecycle::{CheckReport, Readiness, ReadinessReport};
use crate::telemetry::build;

use super::resource::Resource;

pub use metrics::HealthMetrics;

/// The paths of the probes: their access lines are DEBUG, and nothing is ever shed from them.
pub const TEMPLATES: &[&str] = &["/health", "/health/live", "/health/ready"];

/// What probes read.
#[derive(Debug, Clone)]
pub struct Health {
    readiness: Readiness,
    started: Instant,
}

impl Health {
    pub(super) fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The state of this process, which counts its age from now.
    pub fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            started: Instant::now(),
        }
    }
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
struct CheckBody {
    /// Its name.
    #[schema(example = "database")]
    name: &'static str,
    /// `pass`, `warn` (works with restrictions) or `fail`.
    #[schema(example = "pass")]
    status: &'static str,
    /// Why, where it does not simply pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "unreachable")]
    reason: Option<&'static str>,
    /// Seconds for which it has been so.
    #[schema(example = 12.5)]
    for_seconds: f64,
}

/// Whether this instance wants traffic.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyBody {
    /// `ready` or `unready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// Each check.
    checks: Vec<CheckBody>,
}

/// Everything about this instance's health.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthBody {
    /// `ok`, `degraded` or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version.
    version: &'static str,
    /// The commit that it was built from.
    revision: &'static str,
    /// Seconds since its start.
    uptime_seconds: f64,
    /// Each check.
    checks: Vec<CheckBody>,
}

/// That the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LiveBody {
    /// Always `live`.
    #[schema(example = "live")]
    status: &'static str,
}

/// Adds the probes.
pub fn configure(config: &mut ServiceConfig) {
    Resource::at("/health").get(show_health).register(config);
    Resource::at("/health/live")
        .get(show_liveness)
        .register(config);
    Resource::at("/health/ready")
        .get(show_readiness)
        .register(config);
}

fn checks(report: &ReadinessReport) -> Vec<CheckBody> {
    let body = |check: &CheckReport| CheckBody {
        name: check.name,
        status: match (check.passing, check.reason) {
            (true, None) => "pass",
            (true, Some(_)) => "warn",
            (false, _) => "fail",
        },
        reason: check.reason,
        for_seconds: (check.since.as_secs_f64() * 1000.0).round() / 1000.0,
    };
    report.checks.iter().map(body).collect()
}

fn answer(ready: bool, body: impl Serialize) -> HttpResponse {
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(body)
}

/// Show the health of this instance
///
/// Its status, version, age, and each check with the reason and the time for which it has been so.
#[utoipa::path(
    get, path = "/health", tag = "service", operation_id = "show_health",
    responses(
        (status = 200, description = "In order, or degraded: ready for traffic", body = HealthBody),
        (status = 503, description = "Not ready for traffic", body = HealthBody),
    )
)]
pub(super) async fn show_health(health: Data<Health>) -> HttpResponse {
    let report = health.readiness.report();
    let body = HealthBody {
        status: report.status().as_str(),
        version: build::VERSION,
        revision: build::REVISION,
        uptime_seconds: (health.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        checks: checks(&report),
    };
    answer(report.ready, body)
}

/// Tell that the process answers
///
/// Never looks at a dependency.
#[utoipa::path(
    get, path = "/health/live", tag = "service", operation_id = "show_liveness",
    responses((status = 200, description = "The process answers", body = LiveBody))
)]
pub(super) async fn show_liveness() -> HttpResponse {
    answer(true, LiveBody { status: "live" })
}

/// Tell whether this instance wants traffic
///
/// Migrated, the database answers, not draining, not held.
#[utoipa::path(
    get, path = "/health/ready", tag = "service", operation_id = "show_readiness",
    responses(
        (status = 200, description = "Ready for traffic", body = ReadyBody),
        (status = 503, description = "Not ready: the checks say why and for how long", body = ReadyBody),
    )
)]
pub(super) async fn show_readiness(health: Data<Health>) -> HttpResponse {
    let report = health.readiness.report();
    let body = ReadyBody {
        status: if report.ready { "ready" } else { "unready" },
        checks: checks(&report),
    };
    answer(report.ready, body)
}
