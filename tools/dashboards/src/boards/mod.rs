//! The dashboards, one question each. Rows stand in the order in which a request passes what they show; the first answers
//! the question, the others say why.

mod database_pool;
mod errors;
mod latency;
mod load_test;
mod orders_and_webhooks;
mod overview;
mod parts;
mod runtime;
mod slo;

use crate::grafana::Dashboard;

/// All of them, in the order in which one reads them.
pub(crate) fn all() -> Vec<Dashboard> {
    vec![
        overview::dashboard(),
        slo::dashboard(),
        latency::dashboard(),
        errors::dashboard(),
        database_pool::dashboard(),
        orders_and_webhooks::dashboard(),
        runtime::dashboard(),
        load_test::dashboard(),
    ]
}

pub(crate) const OVERVIEW: &str = "glasshouse-overview";
pub(crate) const SLO: &str = "glasshouse-slo";
pub(crate) const LATENCY: &str = "glasshouse-latency";
pub(crate) const ERRORS: &str = "glasshouse-errors";
pub(crate) const DATABASE_POOL: &str = "glasshouse-database-pool";
pub(crate) const ORDERS_AND_WEBHOOKS: &str = "glasshouse-orders-and-webhooks";
pub(crate) const RUNTIME: &str = "glasshouse-runtime";
pub(crate) const LOAD_TEST: &str = "glasshouse-load-test";
