//! What more than one dashboard shows, so that it is the same number everywhere.

use glasshouse::database::DatabaseMetrics;
use glasshouse::http::HttpMetrics;

use crate::grafana::{Colour, Panel, Unit};
use crate::query::{Expr, Series};
use crate::slo::{ERRORS_ALLOWED, FAST_SECONDS, PROBES};

/// Words for a gauge that is 1 when all is well.
pub(super) const WELL: &[(&str, &str, Colour)] =
    &[("0", "no", Colour::RED), ("1", "yes", Colour::GREEN)];

/// The quantiles that are shown, with their names.
pub(super) const QUANTILES: [(f64, &str); 3] = [(0.99, "p99"), (0.95, "p95"), (0.5, "p50")];

/// Status classes, from good to bad; 499, the clients that went away, is none of the client's mistakes.
const CLASSES: [(&str, &str); 5] = [
    ("2xx", "2.."),
    ("3xx", "3.."),
    ("4xx", "4.."),
    ("499", "499"),
    ("5xx", "5.."),
];

/// Requests, probes left out.
pub(super) fn requests() -> Series {
    Series::of(HttpMetrics::requests()).where_unlike("path", PROBES)
}

/// Their times.
pub(super) fn times() -> Series {
    Series::of(HttpMetrics::duration()).where_unlike("path", PROBES)
}

/// Requests a second.
pub(super) fn traffic() -> Expr {
    requests().rate().sum(&[])
}

/// Share of 5xx.
pub(super) fn error_share() -> Expr {
    requests()
        .where_like("status", "5..")
        .rate()
        .sum(&[])
        .share_of(&traffic())
}

/// Requests by status class.
pub(super) fn by_class(panel: Panel, requests: &Series) -> Panel {
    CLASSES.iter().fold(panel, |panel, (name, pattern)| {
        let mut class = requests.clone().where_like("status", pattern);
        if *name == "4xx" {
            class = class.where_not("status", "499");
        }
        panel.query(class.rate().sum(&[]), name)
    })
}

/// The quantiles of a histogram.
pub(super) fn quantiles(panel: Panel, of: &Series) -> Panel {
    QUANTILES.iter().fold(panel, |panel, (quantile, name)| {
        panel.query(of.clone().quantile(*quantile, &[]), name)
    })
}

/// How full each pool of each instance is. On average over the last scrapes: a pool of one connection, such as SQLite's
/// writer, is always either empty or full.
pub(super) fn pool_use() -> Expr {
    connections("used").lately().over_without(
        "state",
        Series::of(DatabaseMetrics::connections_max()).now(),
    )
}

/// Connections in a state.
pub(super) fn connections(state: &str) -> Series {
    Series::of(DatabaseMetrics::connections()).where_is("state", state)
}

/// Waiting for a connection.
pub(super) fn pool_wait() -> Series {
    Series::of(DatabaseMetrics::wait())
}

pub(super) fn traffic_stat() -> Panel {
    Panel::stat(
        "Requests",
        "Requests a second that were answered, or left by their client. Probes are not counted.",
        "Far from what is usual at this hour; 0 when there should be some.",
    )
    .unit(Unit::Requests)
    .query(traffic(), "requests")
}

pub(super) fn error_stat() -> Panel {
    Panel::stat(
        "Errors",
        "Share of the requests that were answered with 5xx. A client's own mistakes (4xx) and clients that went away (499) are none.",
        "Above 0.1 %: at that rate the error budget of 30 days is used up early.",
    )
    .unit(Unit::Share)
    .limit(ERRORS_ALLOWED)
    .query(error_share(), "5xx")
}

pub(super) fn p99_stat() -> Panel {
    Panel::stat(
        "Latency p99",
        "99 of 100 requests were faster than this, from their head to the end of their answer.",
        "Above 250 ms: more than 1 % of the requests are slower than the objective allows.",
    )
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .when_empty("no requests")
    .query(times().quantile(0.99, &[]), "p99")
}

pub(super) fn pool_use_stat() -> Panel {
    Panel::stat(
        "Pool use",
        "Connections in use on average over the last scrapes, as a share of what the pool may open: the fullest pool of any instance.",
        "Near 100 % for longer than a moment: the next request waits for a connection.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .from(0.7, Colour::YELLOW)
    .limit(0.9)
    .query(pool_use().max(&[]), "used")
}

pub(super) fn error_graph() -> Panel {
    Panel::graph(
        "Share of 5xx",
        "Share of the requests that were answered with 5xx; 0 when there are none. The dashed line is what the objective of 99.9 % allows on average over 30 days.",
        "Above the line. Short peaks are what the budget is for; see the SLO dashboard for what is left of it.",
    )
    .unit(Unit::Share)
    .limit(ERRORS_ALLOWED)
    .query(error_share(), "5xx")
}

pub(super) fn latency_graph() -> Panel {
    let panel = Panel::graph(
        "Latency",
        "Quantiles of the time from a request's head to the end of its answer. The dashed line is the objective: 99 % of the requests under 250 ms.",
        "p99 above the line; a p50 that rises with it says that every request is slower, one that does not says that some are.",
    )
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .when_empty("no requests");
    quantiles(panel, &times())
}

pub(super) fn class_graph() -> Panel {
    let panel = Panel::graph(
        "Requests by status",
        "Requests a second by class of status, on top of each other. 499 is a client that went away before its answer.",
        "Any red; yellow or orange that grows faster than green.",
    )
    .unit(Unit::Requests)
    .stacked();
    by_class(panel, &requests())
}
