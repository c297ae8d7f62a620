//! Is the service well, and if not, where does one look?

use glasshouse::database::DatabaseMetrics;
use glasshouse::http::HttpMetrics;
use glasshouse::http::probes::HealthMetrics;
use glasshouse::orders::OrderMetrics;
use glasshouse::telemetry::metrics::BuildMetrics;

use super::parts::{self, WELL, class_graph, connections, error_graph, latency_graph, pool_wait};
use super::{DATABASE_POOL, ERRORS, LATENCY, ORDERS_AND_WEBHOOKS, OVERVIEW, RUNTIME, SLO};
use crate::grafana::{Colour, Dashboard, Panel, Row, Unit};
use crate::query::{Expr, Series, budget_left, prometheus};

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        OVERVIEW,
        "Glasshouse overview",
        "Is the service well? The first row says so; each row below names the dashboard that says why.",
    )
    .row(now())
    .row(Row::new(
        "Requests",
        [
            class_graph().details(ERRORS),
            error_graph().details(ERRORS),
            latency_graph().details(LATENCY),
        ],
    ))
    .row(capacity())
    .row(business())
    .row(fleet())
}

fn now() -> Row {
    Row::new(
        "Now",
        [
            parts::traffic_stat(),
            parts::error_stat().details(ERRORS),
            parts::p99_stat().details(LATENCY),
            parts::pool_use_stat().details(DATABASE_POOL),
            budget("5xx budget", "availability"),
            budget("Latency budget", "latency"),
            ready(),
            firing(),
        ],
    )
}

fn budget(title: &'static str, slo: &str) -> Panel {
    Panel::stat(
        title,
        "What is left of the error budget of the last 30 days.",
        "Below a quarter: be careful with deployments. Below 0: the objective is missed.",
    )
    .unit(Unit::Share)
    .below_zero()
    .better_from(&[(0.0, Colour::YELLOW), (0.25, Colour::GREEN)])
    .when_empty("no requests, or no rules")
    .query(budget_left(slo), slo)
    .details(SLO)
}

fn ready() -> Panel {
    Panel::stat(
        "Ready",
        "Share of the instances that ask for traffic, of all that are scraped or should be.",
        "Below 100 %: an instance is down, or its /health/ready says why it is not ready.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .at_least(1.0)
    .when_empty("no instances")
    .query(
        Series::of(HealthMetrics::ready())
            .now()
            .sum(&[])
            .or_zero(&targets())
            .over(targets()),
        "ready",
    )
    .details(RUNTIME)
}

/// Instances that Prometheus knows, reachable or not.
fn targets() -> Expr {
    Series::of(prometheus::UP).now().count(&[])
}

fn alerts() -> Series {
    Series::bare(prometheus::ALERTS).where_is("alertstate", "firing")
}

fn firing() -> Panel {
    Panel::stat(
        "Alerts",
        "Alerts that are firing now, the watchdog left out. The list is at the bottom.",
        "Anything but 0. Each alert has a runbook.",
    )
    .from(1.0, Colour::RED)
    .query(
        alerts()
            .where_not("severity", "none")
            .now()
            .count(&[])
            .or(Expr::zero()),
        "firing",
    )
}

fn capacity() -> Row {
    let in_flight = Panel::graph(
        "In flight",
        "Requests that are being answered, and open connections, idle ones included.",
        "Requests in flight that rise while their rate does not: something behind them is slow.",
    )
    .query(
        Series::of(HttpMetrics::in_flight()).now().sum(&[]),
        "requests",
    )
    .query(
        Series::of(HttpMetrics::connections()).now().sum(&[]),
        "connections",
    );
    let pool = Panel::graph(
        "Connections to the database",
        "Pooled connections in use and idle on top of each other, of all instances, and the most that may be open.",
        "Orange up to the red line: the pool is used up and requests wait.",
    )
    .stacked()
    .query(connections("used").now().sum(&[]), "used")
    .query(connections("idle").now().sum(&[]), "idle")
    .query(Series::of(DatabaseMetrics::connections_max()).now().sum(&[]), "most")
    .details(DATABASE_POOL);
    let waiting = Panel::graph(
        "Waiting for a connection",
        "Quantiles of the time from asking the pool for a connection to having one or giving up.",
        "Anything above a few milliseconds. It is part of every request's latency, and it shows before requests fail.",
    )
    .unit(Unit::Seconds)
    .when_empty("nothing asked")
    .details(DATABASE_POOL);
    Row::new(
        "What they need",
        [in_flight, pool, parts::quantiles(waiting, &pool_wait())],
    )
}

fn business() -> Row {
    let orders = Panel::graph(
        "Orders",
        "Orders stored a second, by the type of their products.",
        "A fall while requests go on: look at the rejections beside it.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(
        Series::of(OrderMetrics::created())
            .rate()
            .sum(&["product_type"]),
        "{{product_type}}",
    )
    .details(ORDERS_AND_WEBHOOKS);
    let refused = Panel::graph(
        "Orders refused",
        "Orders refused a second, by reason.",
        "out_of_stock says that something sells out; a rise of anything else says that a client does something wrong.",
    )
    .unit(Unit::PerSecond)
    .query(
        Series::of(OrderMetrics::rejected()).rate().sum(&["reason"]),
        "{{reason}}",
    )
    .details(ORDERS_AND_WEBHOOKS);
    let turned_away = Panel::graph(
        "Requests turned away",
        "Requests a second that were refused before or instead of being carried out, by reason.",
        "overload, pool or timeout: there is more to do than this service can. rate_limit: one client asks too much.",
    )
    .unit(Unit::Requests)
    .query(
        Series::of(HttpMetrics::rejected()).rate().sum(&["reason"]),
        "{{reason}}",
    )
    .details(ERRORS);
    Row::new("What comes of them", [orders, refused, turned_away])
}

fn fleet() -> Row {
    let ready = Panel::states(
        "Ready, by instance",
        "Whether each instance asked for traffic. A gap is a scrape that failed.",
        "Red that does not belong to a deployment.",
    )
    .size(8, 8)
    .unit(Unit::None)
    .called(WELL)
    .query(Series::of(HealthMetrics::ready()).now(), "{{instance}}")
    .details(RUNTIME);
    let builds = Panel::table(
        "Builds",
        "What runs where.",
        "More than one version outside of a deployment; a debug profile in production.",
    )
    .size(16, 8)
    .unit(Unit::None)
    .without(&["job"])
    .query(Series::of(BuildMetrics::info()).now(), "build");
    let list = Panel::table(
        "Firing alerts",
        "Every alert that is firing, of this Prometheus as a whole. Watchdog always is.",
        "Anything beside Watchdog. An empty list is bad too: without Watchdog, alerting itself is down.",
    )
    .size(24, 8)
    .unit(Unit::None)
    .when_empty("no alerts, not even Watchdog: are the rules loaded?")
    .query(
        alerts().now().count(&["alertname", "severity", "slo", "instance"]),
        "alerts",
    );
    Row::new("Instances", [ready, builds, list])
}
