//! What is chosen at the top of a dashboard.

use glasshouse::database::DatabaseMetrics;
use glasshouse::http::HttpMetrics;
use glasshouse::telemetry::metrics::BuildMetrics;
use serde_json::{Value, json};

use super::datasource;
use crate::query::{Series, k6};
use crate::slo::PROBES;

/// A variable that is filled with the values of a label.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    name: &'static str,
    label: &'static str,
    about: &'static str,
    query: String,
    /// What `All` is; without it, all values. A pattern is shorter, and also finds what came after the last look.
    all: Option<&'static str>,
    faults: Vec<String>,
}

impl Variable {
    /// The jobs that run this service. `All` is all of those, and not every job: Prometheus and its kin have metrics of
    /// the same names, of their processes and of being scraped.
    pub(super) fn job() -> Self {
        let values = Series::of_any(BuildMetrics::info()).values_of("job");
        let about = "Prometheus jobs that scrape this service.";
        Self {
            all: None,
            ..Self::new("job", "Job", about, values)
        }
    }

    /// Their instances.
    pub(super) fn instance() -> Self {
        let values = Series::of_job(BuildMetrics::info()).values_of("instance");
        Self::new(
            "instance",
            "Instance",
            "Instances of the chosen jobs.",
            values,
        )
    }

    /// The routes.
    pub(crate) fn route() -> Self {
        let requests = Series::of(HttpMetrics::requests()).where_unlike("path", PROBES);
        let about = "Path templates of the API. Probes are left out: they answer 503 on purpose.";
        Self::new("route", "Route", about, requests.values_of("path"))
    }

    /// The pools.
    pub(crate) fn pool() -> Self {
        let values = Series::of(DatabaseMetrics::connections_max()).values_of("pool");
        let about = "Pools of connections: primary on PostgreSQL, reader and writer on SQLite.";
        Self::new("pool", "Pool", about, values)
    }

    /// The runs of load tests.
    pub(crate) fn run() -> Self {
        let values = Series::of_any_run(k6::REQUESTS).values_of("testid");
        Self::new("testid", "Run", "Load tests, by the id of the run.", values)
    }

    fn new(
        name: &'static str,
        label: &'static str,
        about: &'static str,
        values: (String, Vec<String>),
    ) -> Self {
        let (query, faults) = values;
        Self {
            name,
            label,
            about,
            query,
            all: Some(".*"),
            faults,
        }
    }

    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }

    pub(super) fn render(&self) -> Value {
        json!({
            "type": "query",
            "name": self.name,
            "label": self.label,
            "description": self.about,
            "datasource": datasource(),
            "definition": self.query,
            "query": { "qryType": 1, "query": self.query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
            "regex": "",
            // Anew when the time range changes, because instances come and go; sorted by name.
            "refresh": 2,
            "sort": 1,
            "multi": true,
            "includeAll": true,
            "allValue": self.all,
            "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
            "options": [],
            "hide": 0,
            "skipUrlSync": false,
        })
    }
}

/// The variable that all others ask. Its uid is what `grafana/provisioning/datasources` gives the Prometheus of the stack;
/// where there is none of that uid, Grafana takes its default.
pub(super) fn datasource_variable() -> Value {
    json!({
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "description": "The Prometheus that is asked.",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "multi": false,
        "includeAll": false,
        "current": { "selected": true, "text": "Prometheus", "value": "prometheus" },
        "options": [],
        "hide": 0,
        "skipUrlSync": false,
    })
}
