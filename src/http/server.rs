//! Binds the public listener and puts everything in its place: limits, layers, routes.
//!
//! Signals are not Actix's here: the lifecycle room decides when to stop (its own SIGTERM would close the listener before
//! any load balancer knows).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use actix_cors::Cors;
use actix_server::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpResponse};
use redis::RedisError;
use utoipa::openapi::OpenApi;

use crate::database::Pressure;
use crate::lifecycle::{StopToken, supervise_local};
use crate::settings::{ServerSettings, Settings};
use crate::telemetry::metrics::{MetricsError, Registry, Runtime, RuntimeMetrics, sample_lag};

use super::admission::{Admission, Classify};
use super::client_address::TrustedProxies;
use super::connection::{Patience, Places};
use super::docs::{self, Reference};
use super::extract::BodyLimits;
use super::layers::Layers;
use super::listener::{self, Connections};
use super::metrics::Presence;
use super::middleware::{Identify, Observe, Opening, Traced, api_limit, guard, in_problem_form};
use super::probes::{self, Health};
use super::problem::kinds::NOT_FOUND;
use super::problem::{Explanations, Problem, show_problem};
use super::rate_limit::RateLimits;
use super::resource::{Resource, add_routes};
use super::{descriptors, landing, tls};

/// Why the public listener could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not this machine's.
    #[error(
        "the public listener cannot bind {address}; change server.host or server.port, or stop what listens there"
    )]
    Bind {
        /// The address that was wanted.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Certificate or key.
    #[error("{} cannot be used for TLS: {error}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: String,
    },
    /// The address of Redis.
    #[error("rate_limit.redis_url cannot be used")]
    RateLimits(#[from] RedisError),
    /// Its metrics clash with others.
    #[error("the public listener's metrics could not be registered")]
    Metrics(#[from] MetricsError),
    /// The API reference cannot be rendered.
    #[error("the API reference could not be rendered")]
    Reference(#[from] serde_json::Error),
}

/// What the composition root hands in.
pub struct Parts<'a> {
    /// Everything that was set.
    pub settings: &'a Settings,
    /// Where metrics go.
    pub registry: &'a Registry,
    /// The runtimes' lag.
    pub runtime: RuntimeMetrics,
    /// State and age of the process.
    pub health: Health,
    /// Whether the routes that need the schema are open.
    pub opening: Opening,
    /// The whole API reference.
    pub document: &'a OpenApi,
    /// The problems of all rooms.
    pub explanations: Explanations,
    /// Whose token it is, for the limit on the API.
    pub identify: Identify,
    /// How important a request is when not all can be served.
    pub classify: Classify,
    /// How the ways to the database are.
    pub pressure: Pressure,
    /// The lag samplers end with it.
    pub stop: StopToken,
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// A listener that is bound and answers as soon as the server is awaited.
pub struct Bound {
    /// Runs it.
    pub server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    /// What is being answered.
    pub in_flight: InFlight,
    /// The limits that it applies; the composition root sweeps them and keeps them in touch with Redis.
    pub limits: Arc<RateLimits>,
    /// What keeps the limit on requests in work fitting; the composition root runs it.
    pub admission: Admission,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// How many requests are being answered. Clones count the same ones.
#[derive(Debug, Clone)]
pub struct InFlight(Presence);

impl InFlight {
    /// So many now.
    pub fn count(&self) -> i64 {
        self.0.count()
    }
}

/// Binds it. `routes` adds the subjects' routes, and what their handlers need, to each worker's application.
pub fn bind(
    parts: &Parts<'_>,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Result<Bound, ServerError> {
    let Parts {
        settings,
        runtime,
        stop,
        identify,
        ..
    } = parts;
    let layers = Layers::new(parts)?;
    let shared = Shared::new(parts, &layers)?;
    let limits = Arc::clone(&layers.limits);
    let in_flight = InFlight(layers.observer.in_flight.clone());
    let admission = Admission::over(layers.shield.gate.clone());
    let sampled = admission.clone();
    let for_connections = layers.clone();
    let (runtime, stop, identify) = (runtime.clone(), stop.clone(), Arc::clone(identify));
    let origins = settings.server.cors_origins.clone();
    let app = move || {
        let lag = runtime.lag.with(Runtime::Http).clone();
        supervise_local("http lag sampler", stop.clone(), move |_| {
            sample_lag(lag.clone())
        });
        let sampled = sampled.clone();
        supervise_local("admission lag sampler", stop.clone(), move |_| {
            sampled.clone().sample_lag()
        });
        let Layers {
            observer,
            shield,
            limits,
            proxies,
            ..
        } = layers.clone();
        let (limited, identify) = (limits.api.is_on(), Arc::clone(&identify));
        let limit = from_fn(move |request, next| {
            api_limit(
                Arc::clone(&limits),
                Arc::clone(&identify),
                proxies.clone(),
                request,
                next,
            )
        });
        App::new()
            .configure(|config| {
                add_routes(config, |config| {
                    shared.add_to(config);
                    routes(config);
                });
            })
            .default_service(web::to(nothing_here))
            .wrap(Condition::new(limited, limit))
            .wrap(from_fn(move |request, next| {
                guard(Arc::clone(&shield), request, next)
            }))
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(Condition::new(
                !origins.is_empty(),
                from_fn(in_problem_form),
            ))
            .wrap(Traced)
            .wrap(Observe(observer))
    };
    let workers = workers(&settings.server);
    let connections = connections(parts, &for_connections, workers)?;
    parts
        .runtime
        .workers
        .with(Runtime::Http)
        .set(u32::try_from(workers).map_or(0.0, f64::from));
    let server = Server::build()
        .workers(workers)
        // Beside a thread for each connection of the pool: hashing, which half of the cores may do and which must not keep
        // connections waiting, opening connections, and a few that are stuck.
        .worker_max_blocking_threads(settings.database.max_connections + cores() / 2 + 8)
        // For each worker, and all may come to one: what is too many in all is turned away, not left in the queue.
        .max_concurrent_connections(settings.server.max_connections.saturating_add(TURNED_AWAY))
        // Whoever stops it waits for `grace` and counts what is left. This must come later, or it would cut in silence:
        // it is in whole seconds, so the fraction that is lost is given back and more.
        .shutdown_timeout(settings.shutdown.grace.as_secs().saturating_add(5))
        .disable_signals();
    let wanted = SocketAddr::new(settings.server.host, settings.server.port);
    let refused = |source| ServerError::Bind {
        address: wanted,
        source,
    };
    let listener = listener::bind(wanted, settings.server.write_timeout).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let server = listener::listen(server, listener, connections, app).map_err(refused)?;
    Ok(Bound {
        server: server.run(),
        address,
        in_flight,
        limits,
        admission,
    })
}

/// Connections of a worker that may be being turned away at the same time.
const TURNED_AWAY: usize = 64;

fn connections(
    parts: &Parts<'_>,
    layers: &Layers,
    workers: usize,
) -> Result<Connections, ServerError> {
    let ServerSettings {
        keep_alive,
        header_timeout,
        body_timeout,
        body_min_rate,
        write_timeout,
        max_connections_per_address,
        tls,
        ..
    } = &parts.settings.server;
    let metrics = layers.shield.metrics.clone();
    let tls = match (&tls.cert, &tls.key) {
        (Some(certificate), Some(key)) => Some(tls::config(certificate, key)?),
        _ => None,
    };
    Ok(Connections {
        keep_alive: *keep_alive,
        patience: Patience {
            header: *header_timeout,
            body: *body_timeout,
            body_rate: *body_min_rate,
            write: *write_timeout,
        },
        places: Places::new(
            descriptors::connections(parts.settings, workers),
            *max_connections_per_address,
            layers.proxies.clone(),
            layers.connections.clone(),
            metrics.clone(),
        ),
        metrics,
        tls,
        observer: Arc::clone(&layers.observer),
        shield: Arc::clone(&layers.shield),
        cors: !parts.settings.server.cors_origins.is_empty(),
    })
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::new(&NOT_FOUND))
}

fn workers(settings: &ServerSettings) -> usize {
    match settings.workers {
        0 => cores(),
        given => given,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-none-match",
            "x-request-id",
            "traceparent",
        ])
        .expose_headers([
            "etag",
            "location",
            "idempotency-replayed",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
        ])
        .max_age(3600);
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// What handlers find in the application's data.
#[derive(Clone)]
struct Shared {
    limits: Data<RateLimits>,
    proxies: Data<TrustedProxies>,
    bodies: Data<BodyLimits>,
    health: Data<Health>,
    explanations: Data<Explanations>,
    reference: Data<Reference>,
}

impl Shared {
    fn new(parts: &Parts<'_>, layers: &Layers) -> Result<Self, ServerError> {
        let ServerSettings {
            body_limit,
            body_timeout,
            ..
        } = &parts.settings.server;
        Ok(Self {
            limits: Data::from(Arc::clone(&layers.limits)),
            proxies: Data::new(layers.proxies.clone()),
            bodies: Data::new(BodyLimits {
                size: *body_limit,
                time: *body_timeout,
            }),
            health: Data::new(parts.health.clone()),
            explanations: Data::new(parts.explanations.clone()),
            reference: Data::new(Reference::new(parts.document)?),
        })
    }

    fn add_to(&self, config: &mut ServiceConfig) {
        config
            .app_data(self.limits.clone())
            .app_data(self.proxies.clone())
            .app_data(self.bodies.clone())
            .app_data(self.health.clone())
            .app_data(self.explanations.clone())
            .app_data(self.reference.clone());
        Resource::at("/")
            .get(landing::show_landing)
            .register(config);
        Resource::at("/problems/{code}")
            .get(show_problem)
            .register(config);
        probes::configure(config);
        docs::configure(config);
    }
}
