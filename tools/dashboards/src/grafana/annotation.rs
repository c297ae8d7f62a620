//! What is marked on every graph of every dashboard: events that explain a change without a look elsewhere.
//!
//! Injected faults are marked here too as soon as the service can inject any (`faults_active`): a fourth entry in [`all`].

use glasshouse::telemetry::metrics::{BuildMetrics, ProcessMetrics};
use serde_json::{Value, json};

use super::{Colour, datasource};
use crate::query::{Expr, Series, prometheus};

/// An event: Grafana marks the moments at which the expression is above 0, or those that are its value.
struct Annotation {
    name: &'static str,
    title: &'static str,
    /// Labels that the mark shows, with commas between them.
    tags: &'static str,
    colour: Colour,
    expr: Expr,
    /// The value is when it happened, in milliseconds: marked exactly there, however far apart the points are.
    is_time: bool,
}

fn all() -> [Annotation; 3] {
    let builds = || Series::of(BuildMetrics::info());
    let firing = Series::bare(prometheus::ALERTS)
        .where_is("alertstate", "firing")
        // Alerts over a whole job have no instance, so the chosen instances do not narrow them.
        .where_like("job", "$job")
        .where_not("severity", "none");
    [
        Annotation {
            name: "Restarts",
            title: "{{instance}} restarted",
            tags: "job,instance",
            colour: Colour::PURPLE,
            expr: Expr::number(1000).times(Series::of(ProcessMetrics::start_time()).now()),
            is_time: true,
        },
        Annotation {
            name: "Versions",
            title: "{{instance}} runs {{version}} ({{revision}})",
            tags: "job,instance",
            colour: Colour::BLUE,
            expr: builds().now().unless(builds().before()),
            is_time: false,
        },
        Annotation {
            name: "Alerts",
            title: "{{alertname}} is firing",
            tags: "severity,slo,job",
            colour: Colour::RED,
            expr: firing.now(),
            is_time: false,
        },
    ]
}

pub(super) fn render() -> Value {
    let list: Vec<_> = all().iter().map(Annotation::render).collect();
    json!({ "list": list })
}

pub(super) fn faults() -> Vec<String> {
    all()
        .iter()
        .flat_map(|annotation| annotation.expr.faults().to_vec())
        .collect()
}

impl Annotation {
    fn render(&self) -> Value {
        json!({
            "name": self.name,
            "datasource": datasource(),
            "enable": true,
            "hide": false,
            "iconColor": self.colour.name(),
            "titleFormat": self.title,
            "tagKeys": self.tags,
            "textFormat": "",
            "useValueForTime": self.is_time,
            // Grafana reads the query of Prometheus from here ...
            "target": { "refId": "Anno", "datasource": datasource(), "editorMode": "code", "expr": self.expr.text(), "range": true, "instant": false },
            // ... and did so from here before it had targets.
            "expr": self.expr.text(),
        })
    }
}
