//! What a load test saw, beside what the service says of the same time.
//!
//! The client's trends and shares are over the run so far, because k6 never forgets; the service's are over the last
//! moments. So the client's p99 follows the service's and does not come down again.

use glasshouse::http::HttpMetrics;
use glasshouse::orders::OrderMetrics;
use glasshouse::telemetry::metrics::{Declaration, ProcessMetrics};

use super::parts;
use super::{DATABASE_POOL, ERRORS, LATENCY, LOAD_TEST, RUNTIME};
use crate::grafana::{Colour, Dashboard, Panel, Row, Unit, Variable};
use crate::query::{Expr, Series, k6};
use crate::slo::{ERRORS_ALLOWED, FAST_SECONDS};

/// What stands in an empty panel.
const NO_RUN: &str = "no run";

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        LOAD_TEST,
        "Glasshouse load test",
        "What did the load test see, and does the service agree? The client's view is k6's, by the id of the run; the server's is its own metrics of the same time.",
    )
    .showing("now-15m", "5s")
    .variable(Variable::run())
    .row(result())
    .row(both())
    .row(client())
    .row(server())
}

fn of(metric: Declaration) -> Series {
    Series::of_run(metric)
}

/// A metric of the requests that scenarios send: without those that prepare a run, and without those that read the
/// service's own metrics, to which the scripts give this name.
fn of_requests(metric: Declaration) -> Series {
    of(metric)
        .where_not("scenario", "")
        .where_not("name", "admin")
}

fn sent() -> Expr {
    of_requests(k6::REQUESTS).rate().sum(&[])
}

/// Answers that the script did not expect, whatever it expects.
fn unexpected() -> Expr {
    let wrong = of_requests(k6::REQUESTS)
        .where_is("expected_response", "false")
        .rate()
        .sum(&[]);
    wrong.or_zero(&sent()).share_of(&sent())
}

fn dropped() -> Expr {
    let all = of(k6::ITERATIONS).rate().sum(&[]);
    of(k6::DROPPED).rate().sum(&[]).or_zero(&all)
}

fn result() -> Row {
    let rate = Panel::stat(
        "Requests",
        "Requests a second that the client sent, on average over the time that is shown.",
        "Less than the scenario asks for: see dropped iterations.",
    )
    .unit(Unit::Requests)
    .over_range("mean")
    .when_empty(NO_RUN)
    .query(sent(), "client");
    let p99 = Panel::stat(
        "Client p99",
        "99 of 100 answers under load came faster than this, over the run so far, in the phase where it is highest. Without 5xx.",
        "Above 250 ms, unless the scenario is there to find the limit.",
    )
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .over_range("lastNotNull")
    .when_empty(NO_RUN)
    .query(of(k6::LOAD_P99).now().max(&[]), "client");
    let errors = Panel::stat(
        "Unexpected answers",
        "Share of the answers that the script did not expect, on average over the time that is shown.",
        "Anything but 0, unless the scenario asks for more than can be done.",
    )
    .unit(Unit::Share)
    .limit(ERRORS_ALLOWED)
    .over_range("mean")
    .when_empty(NO_RUN)
    .query(unexpected(), "client");
    let checks = Panel::stat(
        "Checks",
        "Share of the script's checks that held, of the check that held least often.",
        "Below 100 %.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .at_least(1.0)
    .over_range("lastNotNull")
    .when_empty(NO_RUN)
    .query(of(k6::CHECKS).now().min(&[]), "client");
    let dropped = Panel::stat(
        "Dropped iterations",
        "Iterations a second that found no virtual user, at worst.",
        "Anything but 0: the client could not keep up its rate, so its numbers are too good.",
    )
    .unit(Unit::PerSecond)
    .from(0.001, Colour::RED)
    .over_range("max")
    .when_empty(NO_RUN)
    .query(dropped(), "client");
    let users = Panel::stat(
        "Virtual users",
        "Virtual users at work, at most.",
        "All that were made: the next iteration is dropped.",
    )
    .over_range("max")
    .when_empty(NO_RUN)
    .query(of(k6::VUS).now().max(&[]), "client");
    Row::new(
        "The run",
        [rate, p99, errors, checks, dropped, users].map(|stat| stat.size(4, 4)),
    )
}

fn both() -> Row {
    let rate = Panel::graph(
        "Requests: client and server",
        "Requests a second that the client sent, and that the service counted.",
        "Lines that part: somebody else uses the service, or requests never reach it.",
    )
    .unit(Unit::Requests)
    .when_empty(NO_RUN)
    .query(sent(), "client")
    .query(parts::traffic(), "server");
    let p99 = Panel::graph(
        "p99: client and server",
        "The client's p99 under load, over the run so far and without 5xx, and the service's of all requests, over the last moments. The dashed line is 250 ms.",
        "A client that sees far more than the server does: the time is lost in between, or in the client.",
    )
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .when_empty(NO_RUN)
    .query(of(k6::LOAD_P99).now().max(&[]), "client")
    .query(parts::times().quantile(0.99, &[]), "server")
    .details(LATENCY);
    let errors = Panel::graph(
        "Errors: client and server",
        "Share of the answers that the script did not expect, and share of 5xx that the service counted.",
        "Unexpected answers without 5xx: 4xx, or connections that broke.",
    )
    .unit(Unit::Share)
    .limit(ERRORS_ALLOWED)
    .when_empty(NO_RUN)
    .query(unexpected(), "client")
    .query(parts::error_share(), "server")
    .details(ERRORS);
    Row::new("Both views", [rate, p99, errors])
}

fn client() -> Row {
    let users = Panel::graph(
        "Virtual users",
        "Virtual users at work, and those that were made.",
        "All of them at work: the next iteration is dropped.",
    )
    .size(8, 8)
    .when_empty(NO_RUN)
    .query(of(k6::VUS).now().max(&[]), "used")
    .query(of(k6::VUS_MAX).now().max(&[]), "most");
    let iterations = Panel::graph(
        "Iterations",
        "Iterations a second that were finished, and that found no virtual user.",
        "Any that are dropped.",
    )
    .size(8, 8)
    .unit(Unit::PerSecond)
    .when_empty(NO_RUN)
    .query(of(k6::ITERATIONS).rate().sum(&[]), "finished")
    .query(dropped(), "dropped");
    let spread = [
        (k6::LOAD_MAX, "max"),
        (k6::LOAD_P99, "p99"),
        (k6::LOAD_P95, "p95"),
        (k6::LOAD_P50, "p50"),
    ]
    .into_iter()
    .fold(
        Panel::graph(
            "Client latency",
            "Quantiles of the answers under load, over the run so far, in the phase where they are highest. Without 5xx.",
            "A p99 far above p95: a few requests wait for something.",
        )
        .size(8, 8)
        .unit(Unit::Seconds)
        .limit(FAST_SECONDS)
        .when_empty(NO_RUN),
        |panel, (metric, name)| panel.query(of(metric).now().max(&[]), name),
    );
    let checks = Panel::graph(
        "Failed checks",
        "Share of the times that each check did not hold, over the run so far.",
        "Anything but 0.",
    )
    .size(24, 8)
    .many()
    .unit(Unit::Share)
    .when_empty(NO_RUN)
    .query(
        Expr::number(1).minus(of(k6::CHECKS).now().min(&["check"])),
        "{{check}}",
    );
    let table = Panel::table(
        "Kinds of requests",
        "Every kind of request that the script sends, by the name that it gives it.",
        "One kind that is much slower than the others.",
    )
    .unit(Unit::None)
    .when_empty(NO_RUN)
    .column(
        of_requests(k6::REQUESTS).rate().sum(&["name"]),
        "Requests",
        Unit::Requests,
    )
    .column(
        of_requests(k6::DURATION_P50).now().max(&["name"]),
        "p50",
        Unit::Seconds,
    )
    .column(
        of_requests(k6::DURATION_P95).now().max(&["name"]),
        "p95",
        Unit::Seconds,
    )
    .column(
        of_requests(k6::DURATION_P99).now().max(&["name"]),
        "p99",
        Unit::Seconds,
    )
    .column(
        of_requests(k6::DURATION_MAX).now().max(&["name"]),
        "max",
        Unit::Seconds,
    )
    .sorted_by("p99")
    .size(24, 8);
    Row::new("Client", [users, iterations, spread, checks, table])
}

fn server() -> Row {
    let wait = parts::quantiles(
        Panel::graph(
            "Waiting for a connection",
            "Quantiles of the time from asking the pool for a connection to having one or giving up.",
            "Anything above a few milliseconds: the pool is what limits the run.",
        )
        .size(6, 8)
        .unit(Unit::Seconds)
        .when_empty("nothing asked"),
        &parts::pool_wait(),
    )
    .details(DATABASE_POOL);
    let used = Panel::graph(
        "Pool use",
        "Connections in use on average over the last scrapes, as a share of what the pool may open, by pool. The dashed line is 90 %.",
        "On the line: more load only makes the queue longer.",
    )
    .size(6, 8)
    .unit(Unit::Share)
    .up_to(1.0)
    .limit(0.9)
    .query(parts::pool_use().max(&["pool"]), "{{pool}}")
    .details(DATABASE_POOL);
    let orders = Panel::graph(
        "Orders",
        "Requests to place an order a second, by how they ended.",
        "Any red. Yellow is right when the scenario sells something out.",
    )
    .size(6, 8)
    .unit(Unit::PerSecond)
    .stacked()
    .query(
        Series::of(OrderMetrics::creation_duration())
            .observations()
            .sum(&["outcome"]),
        "{{outcome}}",
    );
    let cpu = Panel::graph(
        "Processor, in flight",
        "Processor time of the service in cores, and requests that are being answered.",
        "All cores busy: the processor is what limits the run.",
    )
    .size(6, 8)
    .query(Series::of(ProcessMetrics::cpu()).rate().sum(&[]), "cores")
    .query(
        Series::of(HttpMetrics::in_flight()).now().sum(&[]),
        "in flight",
    )
    .details(RUNTIME);
    Row::new("Server", [wait, used, orders, cpu])
}
