//! Everything in the composition root that names a subject: what their services are made of, and what they add to the
//! routes, the API reference, the problems, the metrics and the background tasks.
//!
//! Whoever adopts this for another domain replaces `catalog`, `orders` and `outbox` here, and their folders.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::accounts::token::TokenKeys;
use crate::accounts::{self, AccountMetrics, AccountService};
use crate::admin;
use crate::catalog::{self, CatalogService};
use crate::database::{self, Database, Operation};
use crate::http::probes::HealthMetrics;
use crate::http::problem::Explanations;
use crate::http::{AdmissionMetrics, Class, HttpMetrics, Identify, ServiceApi};
use crate::lifecycle::{StopToken, Tasks};
use crate::orders::{self, OrderMetrics, OrderService};
use crate::settings::Settings;
use crate::telemetry::logs::LogMetrics;
use crate::telemetry::metrics::{
    BuildMetrics, Declaration, ProcessMetrics, Registry, RuntimeMetrics,
};
use crate::telemetry::traces::TraceMetrics;
use crate::telemetry::{self, error_chain};

use super::AppError;

/// Expired refresh tokens forgotten at once, and how often.
const SESSION_SWEEP: (u16, Duration) = (1_000, Duration::from_mins(10));

/// Requests that have a password hashed.
const HASHING: [(&str, &str); 2] = [("POST", "/api/v1/accounts"), ("POST", "/api/v1/sessions")];

/// How important a request is when not all can be served: who reads comes before who writes, and both before who has a
/// password hashed.
pub(super) fn classify(method: &str, path: &str) -> Class {
    match method {
        "GET" | "HEAD" | "OPTIONS" => Class::Read,
        _ if HASHING.contains(&(method, path)) => Class::Login,
        _ => Class::Write,
    }
}

/// The whole API reference.
pub fn document() -> OpenApi {
    let mut document = ServiceApi::openapi();
    telemetry::build::VERSION.clone_into(&mut document.info.version);
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
        ("Admission", AdmissionMetrics::DECLARATIONS),
        ("Database", database::DECLARATIONS),
        ("Orders", OrderMetrics::DECLARATIONS),
        ("Accounts", AccountMetrics::DECLARATIONS),
        ("Health", HealthMetrics::DECLARATIONS),
        ("Logs", LogMetrics::DECLARATIONS),
        ("Traces", TraceMetrics::DECLARATIONS),
        ("Runtimes", RuntimeMetrics::DECLARATIONS),
        ("Build", BuildMetrics::DECLARATIONS),
        ("Process", ProcessMetrics::DECLARATIONS),
    ]
}

pub(super) fn operations() -> Vec<Operation> {
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

    pub(super) fn routes(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
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

    pub(super) fn identify(&self) -> Identify {
        let accounts = self.accounts.clone();
        Arc::new(move |authorization| {
            accounts::routes::bearer::account_named(&accounts, authorization)
        })
    }

    /// What they do in the background.
    pub(super) fn start_tasks(&self, tasks: &Tasks) {
        let orders = self.orders.clone();
        tasks.supervise("idempotency sweep", move |stop| {
            orders::sweep(orders.clone(), stop)
        });
        let accounts = self.accounts.clone();
        tasks.supervise("session sweep", move |stop| {
            sweep_sessions(accounts.clone(), stop)
        });
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
