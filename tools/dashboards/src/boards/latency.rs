//! How long do requests take, and where does the time go?

use glasshouse::database::DatabaseMetrics;
use glasshouse::http::{AdmissionMetrics, HttpMetrics};
use glasshouse::telemetry::metrics::RuntimeMetrics;

use super::parts;
use super::{DATABASE_POOL, LATENCY, RUNTIME};
use crate::grafana::{Dashboard, Panel, Row, Unit, Variable};
use crate::query::{Expr, Series};
use crate::slo::{FAST_SECONDS, FAST_SHARE};

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        LATENCY,
        "Glasshouse latency",
        "How long do requests take, which are slow, and where does the time go? Probes are left out everywhere.",
    )
    .variable(Variable::route())
    .row(now())
    .row(spread())
    .row(routes())
    .row(parts_of_it())
    .row(taken_on())
}

/// The times of the routes that are chosen.
fn times() -> Series {
    parts::times().where_like("path", "$route")
}

/// Share of the requests without 5xx that were fast enough.
fn fast_share(by: &[&'static str]) -> Expr {
    let answered = || times().where_unlike("status", "5..");
    let all = answered().observations().sum(by);
    answered().within(FAST_SECONDS).sum(by).over(all)
}

fn now() -> Row {
    let fast = Panel::stat(
        "Within 250 ms",
        "Share of the requests without 5xx that were answered within 250 ms. The objective is 99 %.",
        "Below 99 %.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .at_least(FAST_SHARE)
    .when_empty("no requests")
    .query(fast_share(&[]), "fast");
    let quantile = |title, quantile, shows| {
        Panel::stat(title, shows, "Above 250 ms.")
            .unit(Unit::Seconds)
            .limit(FAST_SECONDS)
            .when_empty("no requests")
            .query(times().quantile(quantile, &[]), title)
    };
    let rate = Panel::stat(
        "Requests",
        "Requests a second on the chosen routes. Few of them make quantiles jump.",
        "0 when there should be some.",
    )
    .unit(Unit::Requests)
    .query(
        parts::requests()
            .where_like("path", "$route")
            .rate()
            .sum(&[]),
        "requests",
    );
    let stats = [
        fast,
        quantile("p50", 0.5, "Half of the requests were faster than this."),
        quantile("p95", 0.95, "95 of 100 requests were faster than this."),
        quantile("p99", 0.99, "99 of 100 requests were faster than this."),
        rate,
    ];
    // 24 columns do not divide by five.
    Row::new(
        "Now",
        stats
            .into_iter()
            .zip([4, 5, 5, 5, 5])
            .map(|(stat, width)| stat.size(width, 4)),
    )
}

fn spread() -> Row {
    let quantiles = Panel::graph(
        "Quantiles",
        "Quantiles of the time from a request's head to the end of its answer. The dashed line is the objective: 99 % under 250 ms, which leaves 5xx out; here they are in.",
        "p99 above the line. A p50 that rises too says that every request is slower.",
    )
    .size(12, 8)
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .when_empty("no requests");
    let heat = Panel::heatmap(
        "Spread",
        "How many requests took how long.",
        "A second band above the usual one: some requests wait for something. A band that moves up: all do.",
    )
    .unit(Unit::Seconds)
    .when_empty("no requests")
    .query(times().heat(), "{{le}}");
    Row::new(
        "How they spread",
        [parts::quantiles(quantiles, &times()), heat],
    )
}

fn routes() -> Row {
    let by_route = Panel::graph(
        "p95 by route",
        "95 of 100 requests of each route were faster than this: the ten slowest routes. The dashed line is 250 ms.",
        "One route that rises alone: look at its operations on the database pool dashboard. Log-in and registration take their time on purpose: they hash a password.",
    )
    .size(12, 9)
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .many()
    .when_empty("no requests")
    .query(times().quantile(0.95, &["path"]).topk(10), "{{path}}");
    let by_instance = Panel::graph(
        "p99 by instance",
        "99 of 100 requests of each instance were faster than this.",
        "One instance that is slower than the others: its machine, its pool or its share of the traffic.",
    )
    .size(12, 9)
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .when_empty("no requests")
    .query(times().quantile(0.99, &["instance"]), "{{instance}}");
    let table = Panel::table(
        "Routes",
        "Every chosen route that was asked for lately: how often, how fast, and how many took longer than 250 ms.",
        "A share of slow requests above 1 % on a route with traffic.",
    )
    .unit(Unit::None)
    .when_empty("no requests")
    .column(times().observations().sum(&["path"]).above(0), "Requests", Unit::Requests)
    .column(times().quantile(0.5, &["path"]).numbers(), "p50", Unit::Seconds)
    .column(times().quantile(0.95, &["path"]).numbers(), "p95", Unit::Seconds)
    .column(times().quantile(0.99, &["path"]).numbers(), "p99", Unit::Seconds)
    .column(Expr::number(1).minus(fast_share(&["path"])).numbers(), "Slow", Unit::Share)
    .sorted_by("Requests");
    Row::new("Which are slow", [by_route, by_instance, table])
}

fn parts_of_it() -> Row {
    // Of all routes: neither the pool nor the database knows for which route it works.
    // While none is finished, there is no mean.
    let of_each_request = |of: Expr| {
        let finished = parts::times().observations().sum(&[]);
        of.sum(&[]).over(finished.above(0))
    };
    let mean = Panel::graph(
        "Mean time of a request",
        "Of all routes: the mean time of a request, how much of it was spent in the database (waiting for a connection included), and how much of that was waiting. The database's part holds the little that background tasks do.",
        "Lines that rise together say what the time goes into. A request line that rises alone: the time is spent in this process, or in sending.",
    )
    .unit(Unit::Seconds)
    .when_empty("no requests")
    .query(of_each_request(parts::times().at_once()), "request")
    .query(of_each_request(Series::of(DatabaseMetrics::operations()).at_once()), "database")
    .query(of_each_request(parts::pool_wait().at_once()), "pool wait")
    .details(DATABASE_POOL);
    let lag = Panel::graph(
        "Runtime lag p99",
        "How much later than asked a sleeping task was woken, by runtime.",
        "Above 100 ms: something blocks a worker, and every request on it waits. RuntimeLag fires when it lasts.",
    )
    .unit(Unit::Seconds)
    .limit(0.1)
    .query(
        Series::of(RuntimeMetrics::lag()).quantile(0.99, &["runtime"]),
        "{{runtime}}",
    )
    .details(RUNTIME);
    let in_flight = Panel::graph(
        "In flight",
        "Requests that are being answered: as seen by the scrape, and on average between two scrapes.",
        "A rise without more requests: they take longer.",
    )
    .query(Series::of(HttpMetrics::in_flight()).now().sum(&[]), "requests")
    .query(parts::times().at_once().sum(&[]), "on average");
    Row::new("Where the time goes", [mean, lag, in_flight])
}

fn taken_on() -> Row {
    let limit = Panel::graph(
        "Limit on requests in work",
        "Requests of each class that an instance may have in work when there is no other class: of the instance where it is lowest. It falls while a queue stands, and rises when it is in use and none does.",
        "A limit that has fallen: there is more to do than this service can. Of write alone: what is slow is writing.",
    )
    .query(
        Series::of(AdmissionMetrics::limit()).now().min(&["class"]),
        "{{class}}",
    );
    let in_work = Panel::graph(
        "In work by class",
        "Requests that are being worked on, by class, on top of each other. Probes are none of them.",
        "As many as the limit allows, for longer than a moment.",
    )
    .stacked()
    .query(
        Series::of(AdmissionMetrics::in_use()).now().sum(&["class"]),
        "{{class}}",
    );
    let waiting = Panel::graph(
        "Waiting to be taken on",
        "Requests that wait for a moment because the limit is reached: as seen by the scrape, and on average between two scrapes.",
        "Anything that lasts: some of them are refused.",
    )
    .query(
        Series::of(AdmissionMetrics::queued()).now().sum(&[]),
        "waiting",
    )
    .query(
        Series::of(AdmissionMetrics::wait()).at_once().sum(&[]),
        "on average",
    );
    Row::new("Whether they are taken on", [limit, in_work, waiting])
}
