//! What goes wrong, for whom, and whose fault is it?

use glasshouse::database::DatabaseMetrics;
use glasshouse::http::{AdmissionMetrics, HttpMetrics};
use glasshouse::telemetry::logs::LogMetrics;

use super::parts;
use super::{DATABASE_POOL, ERRORS, RUNTIME};
use crate::grafana::{Colour, Dashboard, Panel, Row, Unit, Variable};
use crate::query::{Expr, Series};
use crate::slo::ERRORS_ALLOWED;

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        ERRORS,
        "Glasshouse errors",
        "What goes wrong, for whom, and whose fault is it? 5xx are this service's, 4xx the clients'; 499 are clients that went away. Probes are left out.",
    )
    .variable(Variable::route())
    .row(now())
    .row(ours())
    .row(theirs())
    .row(turned_away())
    .row(behind())
}

/// Requests of the routes that are chosen.
fn requests() -> Series {
    parts::requests().where_like("path", "$route")
}

fn share(status: &str) -> Expr {
    let of = requests().where_like("status", status).rate().sum(&[]);
    of.share_of(&requests().rate().sum(&[]))
}

fn of_client() -> Series {
    requests()
        .where_like("status", "4..")
        .where_not("status", "499")
}

fn now() -> Row {
    let ours = Panel::stat(
        "5xx",
        "Share of the requests that were answered with 5xx.",
        "Above 0.1 %: the error budget is used up faster than it lasts.",
    )
    .unit(Unit::Share)
    .limit(ERRORS_ALLOWED)
    .query(share("5.."), "5xx");
    let theirs = Panel::stat(
        "4xx",
        "Share of the requests that were answered with 4xx, 499 left out.",
        "Far from what is usual. It is no error of this service, but a client that changed may be one of ours.",
    )
    .unit(Unit::Share)
    .query(
        of_client().rate().sum(&[]).share_of(&requests().rate().sum(&[])),
        "4xx",
    );
    let left = Panel::stat(
        "Went away",
        "Share of the requests whose client went away before its answer (499).",
        "Above a percent: clients lose patience. Look at latency.",
    )
    .unit(Unit::Share)
    .from(0.01, Colour::YELLOW)
    .query(share("499"), "499");
    let panics = Panel::stat(
        "Panics",
        "Panics in handlers in the time that is shown. Each was answered with 500 and left its backtrace in the log.",
        "Anything but 0: each is a defect.",
    )
    .limit(1.0)
    .whole()
    .query(
        Series::of(HttpMetrics::panics()).where_like("path", "$route").in_range().sum(&[]),
        "panics",
    );
    let unexpected = Panel::stat(
        "500",
        "Requests answered with 500 in the time that is shown: mistakes of this service. 503 says that it could not, 500 that it did wrong.",
        "Anything but 0: each is a defect, and has an ERROR line with its request id.",
    )
    .limit(1.0)
    .whole()
    .query(requests().where_is("status", "500").in_range().sum(&[]), "500");
    let lines = Panel::stat(
        "ERROR lines",
        "Log events at ERROR in the time that is shown: somebody has to look.",
        "Anything but 0.",
    )
    .limit(1.0)
    .whole()
    .query(
        Series::of(LogMetrics::events())
            .where_is("level", "error")
            .in_range()
            .sum(&[]),
        "error",
    );
    Row::new(
        "Now",
        [ours, theirs, left, panics, unexpected, lines].map(|stat| stat.size(4, 4)),
    )
}

fn ours() -> Row {
    let share = Panel::graph(
        "Share of 5xx",
        "Share of the requests of the chosen routes that were answered with 5xx. The dashed line is what the objective of 99.9 % allows on average.",
        "Above the line for longer than a moment.",
    )
    .unit(Unit::Share)
    .size(6, 8)
    .limit(ERRORS_ALLOWED)
    .query(share("5.."), "5xx");
    let by_status = Panel::graph(
        "5xx by status",
        "Requests a second by status. 500: a mistake of this service. 503: it could not, because the database was away or there was too much to do.",
        "500 at all; 503 for longer than a restart of the database takes.",
    )
    .unit(Unit::Requests)
    .size(6, 8)
    .stacked()
    .query(requests().where_like("status", "5..").rate().sum(&["status"]), "{{status}}");
    let by_route = Panel::graph(
        "Share of 5xx by route",
        "Share of the requests of each route that were answered with 5xx: the ten highest.",
        "One route alone: its code or its data. All of them: what they have in common.",
    )
    .unit(Unit::Share)
    .query(
        requests()
            .where_like("status", "5..")
            .rate()
            .sum(&["path"])
            .share_of(&requests().rate().sum(&["path"]))
            .topk(10),
        "{{path}}",
    )
    .size(12, 8)
    .many();
    Row::new("This service's (5xx)", [share, by_status, by_route])
}

fn theirs() -> Row {
    let by_status = Panel::graph(
        "4xx by status",
        "Requests a second by status, 499 left out.",
        "Many 401: somebody guesses, or a clock is wrong. Many 429: a client asks too much. Many 409 or 422: a client does not understand the API.",
    )
    .unit(Unit::Requests)
    .stacked()
    .query(of_client().rate().sum(&["status"]), "{{status}}");
    let by_route = Panel::graph(
        "4xx by route",
        "Requests a second by route: the ten highest. unmatched is a path that does not exist.",
        "A route that had none before a deployment.",
    )
    .unit(Unit::Requests)
    .size(16, 8)
    .many()
    .query(of_client().rate().sum(&["path"]).topk(10), "{{path}}");
    let left = Panel::graph(
        "Clients that went away",
        "Requests a second whose client went away before its answer (499), by route: the ten highest.",
        "A rise together with latency: clients have timeouts too.",
    )
    .unit(Unit::Requests)
    .size(24, 8)
    .many()
    .query(
        requests().where_is("status", "499").rate().sum(&["path"]).topk(10),
        "{{path}}",
    );
    Row::new(
        "Clients' (4xx), and clients that went away (499)",
        [by_status, by_route, left],
    )
}

fn turned_away() -> Row {
    let reasons = Panel::graph(
        "Turned away",
        "Requests a second that were refused before or instead of being carried out, by reason.",
        "overload, pool, timeout: too much to do. draining: an instance is ending, and whoever balances the load has not noticed.",
    )
    .unit(Unit::Requests)
    .size(12, 8)
    .query(Series::of(HttpMetrics::rejected()).rate().sum(&["reason"]), "{{reason}}");
    let not_taken_on = Panel::graph(
        "Not taken on",
        "Requests a second that were refused before anything was done for them, by class and by what kept them out: the ten highest.",
        "read among them: even what is refused last is refused. pool: more wait for a connection than will get one in time. LoadShedding fires when it lasts.",
    )
    .size(12, 8)
    .unit(Unit::Requests)
    .many()
    .query(
        Series::of(AdmissionMetrics::refused())
            .rate()
            .sum(&["class", "reason"])
            .topk(10),
        "{{class}}: {{reason}}",
    );
    let limits = Panel::graph(
        "Refused by rate limits",
        "Share of the requests that each rate limit looked at and refused.",
        "Above 20 %: one client asks far too much, or the limit is too low. RateLimitRejecting fires when it lasts.",
    )
    .size(12, 8)
    .unit(Unit::Share)
    .up_to(1.0)
    .limit(0.2)
    .query(
        Series::of(HttpMetrics::rate_limited())
            .where_is("decision", "rejected")
            .rate()
            .sum(&["policy"])
            .share_of(&Series::of(HttpMetrics::rate_limited()).rate().sum(&["policy"])),
        "{{policy}}",
    );
    let apart = Panel::graph(
        "Limits not shared",
        "Requests a second that an instance counted for itself because Redis did not answer it. Always 0 without rate_limit.redis_url.",
        "Anything but 0: who is spread over the replicas may ask more often. RateLimitNotShared fires when it lasts.",
    )
    .size(6, 8)
    .unit(Unit::Requests)
    .query(Series::of(HttpMetrics::rate_limit_fallbacks()).rate().sum(&["instance"]), "{{instance}}");
    let panics = Panel::graph(
        "Panics by route",
        "Panics in handlers a second, by route: the ten highest.",
        "Anything but 0. HandlerPanics fires at the first.",
    )
    .size(6, 8)
    .unit(Unit::PerSecond)
    .many()
    .query(
        Series::of(HttpMetrics::panics())
            .where_like("path", "$route")
            .rate()
            .sum(&["path"])
            .topk(10),
        "{{path}}",
    );
    Row::new(
        "Turned away",
        [reasons, not_taken_on, limits, apart, panics],
    )
}

fn behind() -> Row {
    let kinds = Panel::graph(
        "Database failures",
        "Operations a second that the database did not carry out, by class.",
        "unavailable: it is away. pool_wait: the pool is too small. bug, schema, corrupt: somebody has to look now.",
    )
    .unit(Unit::PerSecond)
    .query(Series::of(DatabaseMetrics::errors()).rate().sum(&["kind"]), "{{kind}}")
    .details(DATABASE_POOL);
    let timeouts = Panel::graph(
        "Checkouts given up",
        "Callers a second that gave up on a connection, by what took too long.",
        "Anything but 0: each is a 503.",
    )
    .unit(Unit::PerSecond)
    .query(
        Series::of(DatabaseMetrics::timeouts())
            .rate()
            .sum(&["phase"]),
        "{{phase}}",
    )
    .details(DATABASE_POOL);
    let events = Panel::graph(
        "Log events",
        "Events a second that passed the log filter, by level.",
        "Any error; warnings that do not stop.",
    )
    .unit(Unit::PerSecond)
    .query(
        Series::of(LogMetrics::events()).rate().sum(&["level"]),
        "{{level}}",
    )
    .details(RUNTIME);
    Row::new("What is behind them", [kinds, timeouts, events])
}
