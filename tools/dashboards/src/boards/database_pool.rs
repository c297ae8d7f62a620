//! Are there enough connections, and which wait is it that users feel?
//!
//! The truth about saturation is in the histogram of waits and in the timeouts: a gauge is read every few seconds and
//! misses what happens between. Two more numbers cannot miss it, by Little's law: seconds held a second are connections
//! in use on average, seconds waited a second are callers in the queue on average.

use glasshouse::database::DatabaseMetrics;

use super::parts::{self, QUANTILES};
use super::{DATABASE_POOL, ERRORS, LATENCY};
use crate::grafana::{Colour, Dashboard, Panel, Row, Unit, Variable};
use crate::query::{Expr, Series};
use glasshouse::telemetry::metrics::Declaration;

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        DATABASE_POOL,
        "Glasshouse database pool",
        "Are there enough connections? The second row shows saturation beside the latency that it explains.",
    )
    .variable(Variable::pool())
    .row(now())
    .row(saturation())
    .row(waits_and_holds())
    .row(connections())
    .row(operations())
}

/// A metric of the pools that are chosen.
fn of(metric: Declaration) -> Series {
    Series::of(metric).where_like("pool", "$pool")
}

fn in_state(state: &str) -> Series {
    of(DatabaseMetrics::connections()).where_is("state", state)
}

fn use_by_pool() -> Expr {
    in_state("used")
        .lately()
        .over_without("state", of(DatabaseMetrics::connections_max()).now())
        .max(&["pool"])
}

fn now() -> Row {
    let used = Panel::stat(
        "Use",
        "Connections in use on average over the last scrapes, as a share of what the pool may open, on the instance where it is highest.",
        "Near 100 % for longer than a moment.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .from(0.7, Colour::YELLOW)
    .limit(0.9)
    .query(use_by_pool(), "{{pool}}");
    let busy = Panel::stat(
        "Busy on average",
        "Connections in use on average, from the time that they were held: no peak between two scrapes is missed.",
        "Close to the size of the pool.",
    )
    .hundredths()
    .query(of(DatabaseMetrics::hold()).at_once().sum(&["pool"]), "{{pool}}");
    let queue = Panel::stat(
        "Queue on average",
        "Callers waiting for a connection on average, from the time that they waited.",
        "1 or more: there is always somebody waiting.",
    )
    .hundredths()
    .from(0.1, Colour::YELLOW)
    .limit(1.0)
    .query(
        of(DatabaseMetrics::wait()).at_once().sum(&["pool"]),
        "{{pool}}",
    );
    let wait = Panel::stat(
        "Wait p99",
        "99 of 100 callers had their connection sooner than this.",
        "Above 100 ms: DbPoolWaitSlow fires when it lasts.",
    )
    .unit(Unit::Seconds)
    .from(0.01, Colour::YELLOW)
    .limit(0.1)
    .when_empty("nothing asked")
    .query(
        of(DatabaseMetrics::wait()).quantile(0.99, &["pool"]),
        "{{pool}}",
    );
    let timeouts = Panel::stat(
        "Timeouts",
        "Callers that gave up, in the time that is shown. Each is a request that was answered with 503.",
        "Anything but 0.",
    )
    .limit(1.0)
    .whole()
    .query(of(DatabaseMetrics::timeouts()).in_range().sum(&[]), "timeouts");
    let errors = Panel::stat(
        "Failed operations",
        "Share of the operations that the database failed or was too slow for.",
        "Anything but 0: which class it is stands in the last row.",
    )
    .unit(Unit::Share)
    .limit(0.001)
    .query(
        Series::of(DatabaseMetrics::operations())
            .where_is("outcome", "failed")
            .observations()
            .sum(&[])
            .share_of(
                &Series::of(DatabaseMetrics::operations())
                    .observations()
                    .sum(&[]),
            ),
        "failed",
    );
    Row::new(
        "Now",
        [used, busy, queue, wait, timeouts, errors].map(|stat| stat.size(4, 4)),
    )
}

fn saturation() -> Row {
    let pool = Panel::graph(
        "Connections",
        "Connections in use and idle on top of each other, and the most that the chosen pools may open together.",
        "Orange up to the red line: whoever comes next waits.",
    )
    .stacked()
    .query(in_state("used").now().sum(&[]), "used")
    .query(in_state("idle").now().sum(&[]), "idle")
    .query(of(DatabaseMetrics::connections_max()).now().sum(&[]), "most");
    let queue = Panel::graph(
        "Queue",
        "Callers without a connection: as seen by the scrape, and on average between two scrapes. An opening pool shows waiters without need.",
        "An average of 1 or more.",
    )
    .query(of(DatabaseMetrics::waiting()).now().sum(&[]), "waiting")
    .query(of(DatabaseMetrics::wait()).at_once().sum(&[]), "on average");
    let timeouts = Panel::graph(
        "Timeouts",
        "Callers that gave up a second, by what took too long: wait for a free connection, create a new one, recycle an idle one.",
        "wait: the pool is too small, or connections are held too long. create and recycle: the database does not answer.",
    )
    .unit(Unit::PerSecond)
    .query(of(DatabaseMetrics::timeouts()).rate().sum(&["phase"]), "{{phase}}")
    .details(ERRORS);
    let wait = parts::quantiles(
        Panel::graph(
            "Wait",
            "Quantiles of the time from asking for a connection to having one or giving up. The dashed line is where DbPoolWaitSlow fires.",
            "Anything above a few milliseconds.",
        )
        .unit(Unit::Seconds)
        .limit(0.1)
        .when_empty("nothing asked"),
        &of(DatabaseMetrics::wait()),
    );
    let cause = Panel::graph(
        "Wait beside latency",
        "The p99 of requests, of the wait for a connection and of database operations (which include that wait), on one axis.",
        "Lines that rise together: the pool is why requests are slow. An operation that rises without the wait is the database itself.",
    )
    .unit(Unit::Seconds)
    .when_empty("no requests")
    .query(parts::times().quantile(0.99, &[]), "request")
    .query(Series::of(DatabaseMetrics::operations()).quantile(0.99, &[]), "database")
    .query(of(DatabaseMetrics::wait()).quantile(0.99, &[]), "pool wait")
    .details(LATENCY);
    let used = Panel::graph(
        "Use by pool",
        "Connections in use on average over the last scrapes, as a share of what the pool may open, on the instance where it is highest. The dashed line is 90 %.",
        "On the line for longer than a moment; on PostgreSQL also at 75 % beside a queue, because writes get no more.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .limit(0.9)
    .query(use_by_pool(), "{{pool}}");
    Row::new(
        "Saturation, and the latency that it explains",
        [pool, queue, timeouts, wait, cause, used],
    )
}

fn waits_and_holds() -> Row {
    let waits = Panel::heatmap(
        "Waits",
        "How many callers waited how long.",
        "A second band high above the lowest: some callers wait for others to finish.",
    )
    .size(8, 8)
    .unit(Unit::Seconds)
    .when_empty("nothing asked")
    .query(of(DatabaseMetrics::wait()).heat(), "{{le}}");
    let holds = parts::quantiles(
        Panel::graph(
            "Hold",
            "Quantiles of the time that a connection was held, from checkout to return.",
            "A rise: transactions take longer, so the same pool carries fewer of them.",
        )
        .unit(Unit::Seconds)
        .when_empty("nothing held"),
        &of(DatabaseMetrics::hold()),
    );
    let checkouts = Panel::graph(
        "Checkouts",
        "Connections asked for a second, by pool.",
        "More of them for the same requests: something asks more often than it did.",
    )
    .unit(Unit::PerSecond)
    .query(
        of(DatabaseMetrics::wait()).observations().sum(&["pool"]),
        "{{pool}}",
    );
    Row::new("Waits and holds", [waits, holds, checkouts])
}

fn connections() -> Row {
    let opened = Panel::graph(
        "Opened",
        "Connections opened a second, by pool.",
        "A steady rate: connections do not last. After a restart of the database it is right.",
    )
    .unit(Unit::PerSecond)
    .query(
        of(DatabaseMetrics::opened()).rate().sum(&["pool"]),
        "{{pool}}",
    );
    let closed = Panel::graph(
        "Closed",
        "Connections closed a second, by reason.",
        "broken: the database went away, or work left a connection unusable.",
    )
    .unit(Unit::PerSecond)
    .query(
        of(DatabaseMetrics::closed()).rate().sum(&["reason"]),
        "{{reason}}",
    );
    let create = parts::quantiles(
        Panel::graph(
            "Time to open one",
            "Quantiles of the time to open a connection and set it up. Empty while none is opened.",
            "Near database.create_timeout: the database takes no connections.",
        )
        .unit(Unit::Seconds)
        .when_empty("none opened"),
        &of(DatabaseMetrics::create()),
    );
    Row::new("Connections", [opened, closed, create])
}

fn operations() -> Row {
    let all = || Series::of(DatabaseMetrics::operations());
    let slowest = Panel::graph(
        "Operations p95",
        "95 of 100 were faster than this, by operation: waiting for a connection, statements, commit and retries. The ten slowest.",
        "One that rises alone: its statements or their plan. All of them: the pool or the database.",
    )
    .size(12, 8)
    .unit(Unit::Seconds)
    .many()
    .when_empty("no operations")
    .query(all().quantile(QUANTILES[1].0, &["operation"]).topk(10), "{{operation}}");
    let rate = Panel::graph(
        "Operations",
        "Operations a second, by name.",
        "One that grows faster than the requests that need it.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .many()
    .query(all().observations().sum(&["operation"]), "{{operation}}");
    let outcomes = Panel::graph(
        "Outcomes",
        "Operations a second by outcome. rejected: the work itself refused, as for want of stock; the database did its part.",
        "Any red.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .stacked()
    .query(all().observations().sum(&["outcome"]), "{{outcome}}");
    let errors = Panel::graph(
        "Failures by class",
        "Operations a second that the database did not carry out, by class.",
        "Anything but 0. unique_violation aside: that is two of a name at once, and no fault of the database.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .query(Series::of(DatabaseMetrics::errors()).rate().sum(&["kind"]), "{{kind}}");
    Row::new("Operations", [slowest, rate, outcomes, errors])
}
