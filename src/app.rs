//! The composition root: builds the service from its settings and runs it until it is asked to stop. The only file that
//! knows every room.
//!
//! Start: pools, admin listener, migrations, subjects, public listener, ready. The admin listener comes before the
//! migrations, so that probes answer while they run. The end goes the other way round: see [`App::run`].
//!
//! Whoever adopts this for another domain deletes the lines of `catalog`, `orders` and `outbox` here, and their folders.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::accounts::token::{TokenError, TokenKeys};
use crate::accounts::{self, AccountMetrics, AccountService, AccountsError};
use crate::admin::{self, AdminContext, AdminError, AdminServer};
use crate::catalog::{self, CatalogService};
use crate::database::migrations::MigrationError;
use crate::database::{self, Database, Operation, bring_up_to_date};
use crate::http::probes::{Health, HealthMetrics};
use crate::http::problem::Explanations;
use crate::http::{
    self, Bound, HttpMetrics, Identify, InFlight, Opening, Parts, ServerError, ServiceApi,
};
use crate::lifecycle::{
    Check, Readiness, Shutdown, ShutdownReport, StopToken, Tasks, Unfinished, spawn_local, systemd,
};
use crate::orders::{self, OrderMetrics, OrderService};
use crate::settings::{Loaded, Settings};
use crate::telemetry::logs::{LogControl, LogMetrics, Logs};
use crate::telemetry::metrics::{
    BuildMetrics, Declaration, HistogramHandle, MetricsError, ProcessMetrics, Registry, Runtime,
    RuntimeMetrics, sample_lag,
};
use crate::telemetry::{self, error_chain};

/// What the steps of the end may take that neither the drain nor the grace covers.
const TIDY_UP: Duration = Duration::from_secs(2);
/// Expired refresh tokens forgotten at once, and how often.
const SESSION_SWEEP: (u16, Duration) = (1_000, Duration::from_mins(10));

/// Why the service could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Two rooms declare the same metric.
    #[error("the metrics could not be registered")]
    Metrics(#[from] MetricsError),
    /// The pools.
    #[error("the database could not be set up")]
    Database(#[from] database::SetupError),
    /// The migrations.
    #[error("the database could not be migrated")]
    Migration(#[from] MigrationError),
    /// The admin listener.
    #[error("the admin listener could not be started")]
    Admin(#[from] AdminError),
    /// The public listener.
    #[error("the public listener could not be started")]
    Public(#[from] ServerError),
    /// The parameters for hashing.
    #[error("accounts could not be set up")]
    Accounts(#[from] AccountsError),
    /// The keys for tokens.
    #[error("access tokens cannot be signed")]
    Token(#[from] TokenError),
}

/// The whole API reference.
pub fn document() -> OpenApi {
    let mut document = ServiceApi::openapi();
    document.info.version = telemetry::build::VERSION.to_owned();
    document.merge(accounts::AccountsApi::openapi());
    document.merge(catalog::routes::CatalogApi::openapi());
    document.merge(orders::routes::OrdersApi::openapi());
    document
}

/// Every problem that the service can answer with.
pub fn explanations() -> Explanations {
    Explanations::new(&[
        accounts::PROBLEMS,
        admin::PROBLEMS,
        catalog::routes::PROBLEMS,
        orders::PROBLEMS,
    ])
}

/// Every metric that the service has, by area: what docs/metrics.md is made of.
pub fn metric_areas() -> Vec<(&'static str, &'static [Declaration])> {
    vec![
        ("HTTP", HttpMetrics::DECLARATIONS),
        ("Database", database::DECLARATIONS),
        ("Orders", OrderMetrics::DECLARATIONS),
        ("Accounts", AccountMetrics::DECLARATIONS),
        ("Health", HealthMetrics::DECLARATIONS),
        ("Logs", LogMetrics::DECLARATIONS),
        ("Runtimes", RuntimeMetrics::DECLARATIONS),
        ("Build", BuildMetrics::DECLARATIONS),
        ("Process", ProcessMetrics::DECLARATIONS),
    ]
}

fn operations() -> Vec<Operation> {
    [
        accounts::OPERATIONS,
        catalog::OPERATIONS,
        orders::OPERATIONS,
    ]
    .concat()
}

/// The subjects' services: what handlers work with.
#[derive(Debug, Clone)]
pub struct Subjects {
    /// Accounts and sessions.
    pub accounts: AccountService,
    /// Products.
    pub catalog: CatalogService,
    /// Orders.
    pub orders: OrderService,
}

impl Subjects {
    /// The services over this database, and the keys that their tokens are signed with.
    pub fn new(
        settings: &Settings,
        database: &Database,
        registry: &Registry,
    ) -> Result<(Self, Arc<TokenKeys>), AppError> {
        let (keys, ephemeral) = TokenKeys::from_settings(&settings.auth)?;
        if ephemeral {
            tracing::warn!(
                "signing key made for this run only: set auth.jwt_secret to keep sessions over restarts"
            );
        }
        let keys = Arc::new(keys);
        let metrics = AccountMetrics::register(registry)?;
        let accounts = AccountService::from_settings(
            &settings.auth,
            Arc::clone(&keys),
            database.clone(),
            metrics,
        )?;
        let catalog = CatalogService::new(database.clone());
        let orders = OrderService::new(database.clone(), OrderMetrics::register(registry)?);
        Ok((
            Self {
                accounts,
                catalog,
                orders,
            },
            keys,
        ))
    }

    /// The services without any listener: for commands.
    pub fn without_listeners(settings: &Settings) -> Result<Self, AppError> {
        let registry = Registry::new();
        let database = Database::new(&settings.database, &operations(), &registry)?;
        Ok(Self::new(settings, &database, &registry)?.0)
    }

    fn routes(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
        let subjects = self.clone();
        move |config| {
            config
                .app_data(Data::new(subjects.accounts.clone()))
                .app_data(Data::new(subjects.catalog.clone()))
                .app_data(Data::new(subjects.orders.clone()));
            accounts::configure(config);
            catalog::routes::configure(config);
            orders::routes::configure(config);
        }
    }

    fn identify(&self) -> Identify {
        let accounts = self.accounts.clone();
        Arc::new(move |authorization| {
            accounts::routes::bearer::account_named(&accounts, authorization)
        })
    }
}

/// The service, built and bound.
#[derive(Debug)]
pub struct App {
    loaded: Arc<Loaded>,
    readiness: Readiness,
    database: Database,
    subjects: Subjects,
    keys: Arc<TokenKeys>,
    tasks: Tasks,
    admin: AdminServer,
    public: Bound,
    told: (UnboundedSender<Told>, UnboundedReceiver<Told>),
}

/// What the running service is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Reload,
    Stop,
    ExitNow,
}

/// Tells a running service to stop, or to read its secrets anew. Clones tell the same one.
#[derive(Debug, Clone)]
pub struct AppHandle(UnboundedSender<Told>);

impl AppHandle {
    /// Ends it in order: drain, finish, tidy up.
    pub fn stop(&self) {
        // It fails when the service has ended, which is what was asked for.
        let _ = self.0.send(Told::Stop);
    }

    /// Ends it at once, whatever is in flight.
    pub fn exit_now(&self) {
        let _ = self.0.send(Told::ExitNow);
    }

    /// Reads the secrets that come from files again. The old ones stay in force when that fails.
    pub fn reload_secrets(&self) {
        let _ = self.0.send(Told::Reload);
    }
}

impl App {
    /// Builds the service, up to its bound listeners. Waits for a database that cannot be reached yet, and for other
    /// replicas that are migrating. Needs an Actix system around it.
    pub async fn build(loaded: Loaded, logs: &Logs) -> Result<Self, AppError> {
        let settings = &loaded.settings;
        let registry = Registry::new();
        let readiness = Readiness::new();
        let (migrated, alive) = (readiness.check("migrations"), readiness.check("database"));
        let health = Health::new(readiness.clone());
        let health_metrics = HealthMetrics::on(&registry, &readiness)?;
        let runtime = runtime_metrics(&registry)?;
        ProcessMetrics::publish(&registry)?;
        LogMetrics::publish(&registry, logs)?;
        let database = Database::new(&settings.database, &operations(), &registry)?;
        BuildMetrics::publish(&registry, database.backend())?;
        let admin = admin::start(
            AdminContext {
                registry: registry.clone(),
                health: health.clone(),
                readiness: readiness.clone(),
                log: logs.control(),
                effective: loaded.effective.clone(),
                config_file: loaded.config_file.clone(),
                lag: runtime.lag.with(Runtime::Admin).clone(),
            },
            &settings.admin,
        )?;
        let tasks = Tasks::new();
        let opening = Opening::default();
        let open = opening.clone();
        bring_up_to_date(&settings.database, migrated, &tasks, move || open.open()).await?;
        if let Err(error) = database.warm_up(&settings.database).await {
            tracing::warn!(
                error = error_chain(&error),
                "connections not opened ahead of time"
            );
        }
        let (subjects, keys) = Subjects::new(settings, &database, &registry)?;
        let parts = Parts {
            settings,
            registry: &registry,
            runtime: runtime.clone(),
            health,
            opening,
            document: &document(),
            explanations: explanations(),
            identify: subjects.identify(),
            stop: tasks.token(),
        };
        let public = http::bind(&parts, subjects.routes())?;
        let told = unbounded_channel();
        let app = Self {
            loaded: Arc::new(loaded),
            readiness,
            database,
            subjects,
            keys,
            tasks,
            admin,
            public,
            told,
        };
        app.start_tasks(
            logs.control(),
            alive,
            health_metrics.check_duration.handle(&["database"]),
            &runtime,
        );
        Ok(app)
    }

    /// Where the public listener listens.
    pub fn public_address(&self) -> SocketAddr {
        self.public.address
    }

    /// Where the admin listener listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// The subjects' services, for whoever embeds the service or tests it.
    pub fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// What ends it.
    pub fn handle(&self) -> AppHandle {
        AppHandle(self.told.0.clone())
    }

    fn start_tasks(
        &self,
        log: LogControl,
        alive: Check,
        took: HistogramHandle,
        runtime: &RuntimeMetrics,
    ) {
        let settings = self.loaded.settings.database.clone();
        let of = settings.clone();
        self.tasks.supervise("database health check", move |stop| {
            let (settings, alive, took) = (of.clone(), alive.clone(), took.clone());
            until(stop, async move {
                database::watch_health(settings, alive, took).await;
            })
        });
        let database = self.database.clone();
        self.tasks.supervise("pool upkeep", move |stop| {
            until(
                stop,
                database::tend_pools(database.clone(), settings.clone()),
            )
        });
        let limits = Arc::clone(&self.public.limits);
        self.tasks.supervise("rate limit sweep", move |stop| {
            let limits = Arc::clone(&limits);
            until(stop, async move { limits.keep_swept().await })
        });
        let orders = self.subjects.orders.clone();
        self.tasks.supervise("idempotency sweep", move |stop| {
            orders::sweep(orders.clone(), stop)
        });
        let accounts = self.subjects.accounts.clone();
        self.tasks.supervise("session sweep", move |stop| {
            sweep_sessions(accounts.clone(), stop)
        });
        self.tasks
            .supervise("log filter", move |stop| until(stop, log.clone().watch()));
        let lag = runtime.lag.with(Runtime::Background).clone();
        self.tasks.supervise("background lag sampler", move |stop| {
            until(stop, sample_lag(lag.clone()))
        });
        let readiness = self.readiness.clone();
        self.tasks.supervise("systemd", move |stop| {
            systemd::keep_informed(readiness.clone(), stop)
        });
    }

    /// Serves until it is told to stop, then ends in order: unready at once; the drain, in which everything is still
    /// answered, with `Connection: close`; no more accepting; what is in flight; background tasks; the pool; and last
    /// the admin listener, which has answered all the while.
    pub async fn run(self) -> ShutdownReport {
        let Self {
            loaded,
            readiness,
            database,
            keys,
            tasks,
            admin,
            public,
            told: (_, mut told),
            ..
        } = self;
        let shutdown = &loaded.settings.shutdown;
        let (handle, in_flight) = (public.server.handle(), public.in_flight);
        let (ended, end) = oneshot::channel();
        let server = public.server;
        spawn_local("public listener", async move {
            let _ = ended.send(server.await);
        });
        systemd::notify_ready();
        let mut exiting = false;
        let unexpected = tokio::select! {
            end = end => Some(end),
            word = listen(&mut told, || reload(&loaded, &keys, &admin)) => {
                exiting = word == Told::ExitNow;
                None
            }
        };
        readiness.start_draining();
        systemd::notify_stopping();
        let pause = if exiting || unexpected.is_some() {
            Duration::ZERO
        } else {
            shutdown.drain_delay
        };
        let patience = if exiting {
            Duration::ZERO
        } else {
            shutdown.grace
        };
        let steps = Shutdown::new(pause + patience + 3 * TIDY_UP)
            .step("drain", pause + TIDY_UP, async {
                tokio::time::sleep(pause).await;
                unexpected.map_or(Ok(()), |end| {
                    Err(Unfinished(format!(
                        "the public listener ended by itself: {end:?}"
                    )))
                })
            })
            .step(
                "public listener",
                patience + TIDY_UP,
                finish(handle, patience, in_flight),
            )
            .step("background tasks", TIDY_UP, async {
                match tasks.shutdown(TIDY_UP / 2).await.as_slice() {
                    [] => Ok(()),
                    cut => Err(Unfinished(cut.join(", "))),
                }
            })
            .step("database", TIDY_UP, async {
                database.close();
                Ok(())
            })
            .step("admin listener", TIDY_UP, async {
                admin.stop().await;
                Ok(())
            });
        steps
            .run(async { while listen(&mut told, || {}).await != Told::ExitNow {} })
            .await
    }
}

/// Waits for the word to stop; does what a reload asks for meanwhile.
async fn listen(told: &mut UnboundedReceiver<Told>, reload: impl Fn()) -> Told {
    loop {
        match told.recv().await {
            Some(Told::Reload) => reload(),
            Some(word) => return word,
            // Cannot be: the service itself holds a sender.
            None => return Told::Stop,
        }
    }
}

/// Puts the secrets that are in the files now in force.
fn reload(loaded: &Loaded, keys: &TokenKeys, admin: &AdminServer) {
    match loaded.reload_secrets() {
        Ok(secrets) => {
            if let Some(current) = &secrets.jwt_secret {
                keys.replace(current, secrets.jwt_secret_previous.as_ref());
            }
            admin.replace_token(secrets.admin_token);
            tracing::info!("secrets read anew");
        }
        Err(faults) => {
            tracing::error!(error = %faults, "secrets not read anew, the old ones stay in force");
        }
    }
}

/// Stops accepting and waits for what is in flight, for so long.
async fn finish(
    handle: ServerHandle,
    patience: Duration,
    in_flight: InFlight,
) -> Result<(), Unfinished> {
    let stopped = tokio::time::timeout(patience, handle.stop(true)).await;
    if stopped.is_ok() {
        return Ok(());
    }
    let left = in_flight.count();
    handle.stop(false).await;
    if left == 0 {
        Ok(())
    } else {
        Err(Unfinished(format!("{left} requests in flight")))
    }
}

fn runtime_metrics(registry: &Registry) -> Result<RuntimeMetrics, MetricsError> {
    let runtime = RuntimeMetrics::register(registry)?;
    for one in [Runtime::Admin, Runtime::Background] {
        runtime.workers.with(one).set(1.0);
    }
    Ok(runtime)
}

/// Runs a task that has no end of its own until it is asked to stop.
async fn until(stop: StopToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.stopped() => {}
        () = task => {}
    }
}

async fn sweep_sessions(accounts: AccountService, stop: StopToken) {
    let (limit, interval) = SESSION_SWEEP;
    while stop
        .sleep(interval.mul_f64(0.75 + fastrand::f64() / 2.0))
        .await
    {
        match accounts.delete_expired_sessions(limit).await {
            Ok(0) => {}
            Ok(sessions) => tracing::info!(sessions, "expired sessions swept"),
            Err(error) => tracing::warn!(error = error_chain(&error), "expired sessions not swept"),
        }
    }
}
