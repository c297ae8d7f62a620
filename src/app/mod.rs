//! The composition root: builds the service from its settings and runs it until it is asked to stop. The only room that
//! knows every other.
//!
//! Start: pools, admin listener, migrations, subjects, public listener, ready. The admin listener comes before the
//! migrations, so that probes answer while they run. The end goes the other way round: see `run`.
//!
//! # Layout
//! - `subjects`: everything that names a subject; whoever adopts this for another domain changes that file
//! - `run`: from ready to the end

mod run;
mod subjects;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::accounts::AccountsError;
use crate::accounts::token::{TokenError, TokenKeys};
use crate::admin::{self, AdminContext, AdminError, AdminServer};
use crate::database::migrations::MigrationError;
use crate::database::{self, Database, bring_up_to_date};
use crate::http::probes::{Health, HealthMetrics};
use crate::http::{self, Bound, Opening, Parts, ServerError};
use crate::lifecycle::{Check, Readiness, Tasks, systemd};
use crate::settings::Loaded;
use crate::telemetry::error_chain;
use crate::telemetry::logs::{LogControl, LogMetrics, Logs};
use crate::telemetry::metrics::{
    BuildMetrics, MetricsError, ProcessMetrics, Registry, Runtime, RuntimeMetrics, sample_lag,
};
use crate::telemetry::traces::{TraceMetrics, Traces};

pub use run::AppHandle;
pub use subjects::{Subjects, document, explanations, metric_areas};

use run::Told;
use subjects::operations;

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

impl App {
    /// Builds the service, up to its bound listeners. Waits for a database that cannot be reached yet, and for other
    /// replicas that are migrating. Needs an Actix system around it.
    pub async fn build(loaded: Loaded, logs: &Logs, traces: &Traces) -> Result<Self, AppError> {
        let settings = &loaded.settings;
        warn_of_settings_without_effect(&loaded);
        let registry = Registry::new();
        let readiness = Readiness::new();
        let (migrated, alive) = (readiness.check("migrations"), readiness.check("database"));
        let health = Health::new(readiness.clone());
        let health_metrics = HealthMetrics::on(&registry, &readiness)?;
        let runtime = runtime_metrics(&registry)?;
        ProcessMetrics::publish(&registry)?;
        LogMetrics::publish(&registry, logs)?;
        TraceMetrics::publish(&registry, traces)?;
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
            classify: subjects::classify,
            pressure: database.pressure(),
            stop: tasks.token(),
        };
        let public = http::bind(&parts, subjects.routes())?;
        let shared = public.limits.are_shared().then(|| readiness.check("redis"));
        // The migrations have just proved that it is there, and there is a listener to be ready on: no need to wait for the
        // first background check.
        alive.pass();
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
        app.start_tasks(logs.control(), alive, shared, &health_metrics, &runtime);
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
        shared: Option<Check>,
        health: &HealthMetrics,
        runtime: &RuntimeMetrics,
    ) {
        let took = health.check_duration.handle(&["database"]);
        let (tasks, settings) = (&self.tasks, self.loaded.settings.database.clone());
        let (of, watched) = (settings.clone(), self.database.clone());
        tasks.supervise_endless("database health check", move || {
            watched
                .clone()
                .watch_health(of.clone(), alive.clone(), took.clone())
        });
        let database = self.database.clone();
        tasks.supervise_endless("pool upkeep", move || {
            database::tend_pools(database.clone(), settings.clone())
        });
        let limits = Arc::clone(&self.public.limits);
        tasks.supervise_endless("rate limit sweep", move || {
            let limits = Arc::clone(&limits);
            async move { limits.keep_swept().await }
        });
        if let Some(shared) = shared {
            let took = health.check_duration.handle(&["redis"]);
            let limits = Arc::clone(&self.public.limits);
            tasks.supervise_endless("shared rate limits", move || {
                let (limits, shared, took) = (Arc::clone(&limits), shared.clone(), took.clone());
                async move { limits.keep_shared(shared, took).await }
            });
        }
        let admission = self.public.admission.clone();
        tasks.supervise_endless("admission", move || admission.clone().keep_fitting());
        tasks.supervise_endless("log filter", move || log.clone().watch());
        let lag = runtime.lag.with(Runtime::Background).clone();
        tasks.supervise_endless("background lag sampler", move || sample_lag(lag.clone()));
        self.subjects.start_tasks(tasks);
        let readiness = self.readiness.clone();
        tasks.supervise("systemd", move |stop| {
            systemd::keep_informed(readiness.clone(), stop)
        });
    }
}

/// Settings of parts that this version does not have yet. Whoever sets one must not believe that it works.
const WITHOUT_EFFECT: [&str; 4] = [
    "live_page.trace_url_template",
    "webhooks.",
    "faults.",
    "live_page.enabled",
];

fn warn_of_settings_without_effect(loaded: &Loaded) {
    let set = loaded
        .effective
        .iter()
        .filter(|setting| !setting.is_default());
    for setting in set.filter(|setting| {
        WITHOUT_EFFECT
            .iter()
            .any(|part| setting.key.starts_with(part))
    }) {
        tracing::warn!(
            setting.key = setting.key,
            "setting has no effect in this version"
        );
    }
}

fn runtime_metrics(registry: &Registry) -> Result<RuntimeMetrics, MetricsError> {
    let runtime = RuntimeMetrics::register(registry)?;
    for one in [Runtime::Admin, Runtime::Background] {
        runtime.workers.with(one).set(1.0);
    }
    Ok(runtime)
}
