//! The metrics that a query may name: the service's own, by their declarations; what the rules record, by the rules; what
//! Prometheus and k6 make, by a list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use glasshouse::telemetry::metrics::Kind;

/// What is known of the series of one name.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Whether only its change means anything.
    pub(super) counts: bool,
    /// Every label that its series can have.
    pub(super) labels: BTreeSet<String>,
    /// Labels that every query of a panel narrows to what is chosen.
    pub(super) narrowed_by: &'static [&'static str],
    /// The metric that it belongs to: a histogram has series of three names.
    pub(super) metric: String,
}

/// By name.
pub(super) type Catalogue = BTreeMap<String, Known>;

const TARGET: &[&str] = &["job", "instance"];

/// What Prometheus makes: for each target, and for each alert, which may be over a whole job or over nothing.
const OF_PROMETHEUS: [(&str, &[&str], &[&str]); 4] = [
    ("up", &[], TARGET),
    ("scrape_duration_seconds", &[], TARGET),
    ("scrape_samples_scraped", &[], TARGET),
    (
        "ALERTS",
        &[
            "alertname",
            "alertstate",
            "severity",
            "slo",
            "job",
            "instance",
        ],
        &[],
    ),
];

/// What k6 sends by remote write, as far as it is shown; whether it counts.
const OF_K6: [(&str, bool); 14] = [
    ("k6_http_reqs_total", true),
    ("k6_http_req_duration_p50", false),
    ("k6_http_req_duration_p95", false),
    ("k6_http_req_duration_p99", false),
    ("k6_http_req_duration_max", false),
    ("k6_load_duration_p50", false),
    ("k6_load_duration_p95", false),
    ("k6_load_duration_p99", false),
    ("k6_load_duration_max", false),
    ("k6_checks_rate", false),
    ("k6_vus", false),
    ("k6_vus_max", false),
    ("k6_iterations_total", true),
    ("k6_dropped_iterations_total", true),
];

/// Tags of k6 that become labels, and the one that our scripts add.
const TAGS: &[&str] = &[
    "check",
    "expected_response",
    "method",
    "name",
    "phase",
    "scenario",
    "status",
    "testid",
];

/// Everything that a query may name.
pub(super) fn catalogue() -> Catalogue {
    let mut all = of_service();
    for (name, labels, target) in OF_PROMETHEUS {
        add(
            &mut all,
            name,
            name,
            false,
            &[labels, target].concat(),
            target,
        );
    }
    for (name, counts) in OF_K6 {
        add(&mut all, name, name, counts, TAGS, &["testid"]);
    }
    for name in recorded() {
        let level = name.split(':').next().unwrap_or_default();
        // The name of a recorded series begins with the labels that it kept: level:metric:operation.
        let labels: Vec<&str> = level.split('_').collect();
        let narrowed: &[&str] = if labels.contains(&"job") {
            &["job"]
        } else {
            &[]
        };
        add(&mut all, &name, &name, false, &labels, narrowed);
    }
    all
}

/// The names that the service declares.
pub(super) fn declared() -> Vec<&'static str> {
    let areas = glasshouse::app::metric_areas();
    areas
        .iter()
        .flat_map(|(_, declarations)| declarations.iter().map(|declaration| declaration.name))
        .collect()
}

/// The names that `prometheus/rules/*.yml` record.
pub(super) fn recorded() -> BTreeSet<String> {
    let names = rules();
    let names = names
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("record:"));
    names.map(|name| name.trim().to_owned()).collect()
}

/// The text of all rules.
pub(super) fn rules() -> String {
    let folder = super::root().join("prometheus/rules");
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let text: String = entries
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(text.contains("record:"), "no rules were read");
    text
}

fn of_service() -> Catalogue {
    let mut all = Catalogue::new();
    for (_, declarations) in glasshouse::app::metric_areas() {
        for declaration in declarations {
            let name = declaration.name;
            let labels = [declaration.labels, TARGET].concat();
            match declaration.kind {
                Kind::Counter => add(&mut all, name, name, true, &labels, TARGET),
                Kind::Gauge => add(&mut all, name, name, false, &labels, TARGET),
                Kind::Histogram => {
                    let with_edge = [&labels[..], &["le"]].concat();
                    add(
                        &mut all,
                        &format!("{name}_bucket"),
                        name,
                        true,
                        &with_edge,
                        TARGET,
                    );
                    add(
                        &mut all,
                        &format!("{name}_sum"),
                        name,
                        true,
                        &labels,
                        TARGET,
                    );
                    add(
                        &mut all,
                        &format!("{name}_count"),
                        name,
                        true,
                        &labels,
                        TARGET,
                    );
                }
            }
        }
    }
    assert!(all.len() > 50, "nothing was declared");
    all
}

fn add(
    all: &mut Catalogue,
    name: &str,
    metric: &str,
    counts: bool,
    labels: &[&str],
    narrowed_by: &'static [&'static str],
) {
    let known = Known {
        counts,
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        narrowed_by,
        metric: metric.to_owned(),
    };
    assert!(
        all.insert(name.to_owned(), known).is_none(),
        "{name} is there twice"
    );
}
