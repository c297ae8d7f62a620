//! What the layers around every route work with: made once, and shared by all workers.

use std::sync::Arc;

use crate::telemetry::traces::Sampling;

use super::admission::{AdmissionMetrics, Bounds, Gate};
use super::client_address::TrustedProxies;
use super::docs;
use super::metrics::{HttpMetrics, Presence};
use super::middleware::{Guard, Observer};
use super::rate_limit::RateLimits;
use super::server::{Parts, ServerError};

/// One of each.
#[derive(Clone)]
pub(super) struct Layers {
    pub(super) observer: Arc<Observer>,
    pub(super) shield: Arc<Guard>,
    pub(super) limits: Arc<RateLimits>,
    pub(super) proxies: TrustedProxies,
    pub(super) connections: Presence,
}

impl Layers {
    pub(super) fn new(parts: &Parts<'_>) -> Result<Self, ServerError> {
        let settings = parts.settings;
        let metrics = HttpMetrics::on(
            parts.registry,
            &docs::operations(parts.document),
            !settings.server.cors_origins.is_empty(),
        )?;
        let (in_flight, connections) = (Presence::default(), Presence::default());
        HttpMetrics::read(&metrics.in_flight, &in_flight);
        HttpMetrics::read(&metrics.connections, &connections);
        let proxies = TrustedProxies::new(settings.server.trusted_proxies.clone());
        let readiness = parts.health.readiness().clone();
        let observer = Observer {
            metrics: metrics.clone(),
            in_flight,
            readiness: readiness.clone(),
            proxies: proxies.clone(),
            slow: settings.live_page.slow_request_threshold,
            sampling: Sampling::of(&settings.traces),
        };
        let limits = Arc::new(RateLimits::new(&settings.rate_limit, &metrics)?);
        let bounds = Bounds::of(settings);
        let told = AdmissionMetrics::register(parts.registry)?;
        let shield = Guard {
            metrics,
            gate: Gate::new(bounds, parts.pressure.clone(), &told),
            classify: parts.classify,
            deadline: settings.server.request_timeout,
            readiness,
            opening: parts.opening.clone(),
        };
        Ok(Self {
            observer: Arc::new(observer),
            shield: Arc::new(shield),
            limits,
            proxies,
            connections,
        })
    }
}
