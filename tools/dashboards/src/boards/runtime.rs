//! Is the process itself well: processor, memory, threads, descriptors, restarts, and what it tells of itself?

use glasshouse::http::HttpMetrics;
use glasshouse::http::probes::HealthMetrics;
use glasshouse::telemetry::logs::LogMetrics;
use glasshouse::telemetry::metrics::{ProcessMetrics, RuntimeMetrics};
use glasshouse::telemetry::traces::TraceMetrics;

use super::parts::WELL;
use super::{ERRORS, RUNTIME};
use crate::grafana::{Colour, Dashboard, Panel, Row, Unit};
use crate::query::{Expr, Series, prometheus};

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        RUNTIME,
        "Glasshouse runtime",
        "Is the process itself well: health checks, processor, memory, descriptors, restarts, and its own telemetry?",
    )
    .row(now())
    .row(health())
    .row(process())
    .row(workers())
    .row(telemetry())
}

fn descriptors() -> Expr {
    Series::of(ProcessMetrics::open_fds())
        .now()
        .over(Series::of(ProcessMetrics::max_fds()).now())
}

fn processor() -> Expr {
    Series::of(ProcessMetrics::cpu()).rate()
}

fn now() -> Row {
    let up = Panel::stat(
        "Reachable",
        "Instances that Prometheus could scrape, of those that it should.",
        "Below 100 %: InstanceDown fires.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .at_least(1.0)
    .when_empty("no instances")
    .query(
        Series::of(prometheus::UP)
            .now()
            .sum(&[])
            .over(Series::of(prometheus::UP).now().count(&[])),
        "up",
    );
    let uptime = Panel::stat(
        "Youngest",
        "How long the instance runs that was started last.",
        "Minutes, outside of a deployment: something restarts it.",
    )
    .unit(Unit::Seconds)
    .when_empty("no instances")
    .query(
        Expr::time().minus(Series::of(ProcessMetrics::start_time()).now().max(&[])),
        "uptime",
    );
    let cpu = Panel::stat(
        "Processor",
        "Processor time of the busiest instance; 100 % is one core.",
        "Close to the cores that it may use: requests wait for the processor.",
    )
    .unit(Unit::Share)
    .query(processor().max(&[]), "cpu");
    let memory = Panel::stat(
        "Memory",
        "Memory held in RAM by the largest instance.",
        "Close to its limit: it will be killed.",
    )
    .unit(Unit::Bytes)
    .when_empty("no instances")
    .query(
        Series::of(ProcessMetrics::resident()).now().max(&[]),
        "memory",
    );
    let files = Panel::stat(
        "Descriptors",
        "Open file descriptors as a share of what may be open, of the instance closest to its limit.",
        "Above 80 %: FdExhaustion fires. At 100 % no connection is taken.",
    )
    .unit(Unit::Share)
    .up_to(1.0)
    .from(0.6, Colour::YELLOW)
    .limit(0.8)
    .when_empty("no instances")
    .query(descriptors().max(&[]), "descriptors");
    let lost = Panel::stat(
        "Log lines lost",
        "Log lines that never came out, in the time that is shown: nobody read them in time, or writing failed.",
        "Anything but 0: the log is not whole. LogLinesDropped fires.",
    )
    .limit(1.0)
    .whole()
    .query(Series::of(LogMetrics::dropped()).in_range().sum(&[]), "lost");
    Row::new(
        "Now",
        [up, uptime, cpu, memory, files, lost].map(|stat| stat.size(4, 4)),
    )
}

fn health() -> Row {
    let checks = Panel::states(
        "Checks",
        "Whether each check of /health/ready passed, by instance.",
        "no: that instance asks for no traffic.",
    )
    .size(8, 8)
    .unit(Unit::None)
    .called(WELL)
    .query(
        Series::of(HealthMetrics::check_up()).now(),
        "{{check}} {{instance}}",
    );
    let durations = Panel::graph(
        "Time of checks",
        "95 of 100 runs of each check were faster than this.",
        "A rise: the database answers late, on a connection of its own that waits for no pool.",
    )
    .unit(Unit::Seconds)
    .when_empty("no checks")
    .query(
        Series::of(HealthMetrics::check_duration()).quantile(0.95, &["check"]),
        "{{check}}",
    );
    let uptime = Panel::graph(
        "Uptime",
        "How long each instance runs.",
        "A fall to 0 outside of a deployment: it was started anew. CrashLoop fires at the third in 15 minutes.",
    )
    .unit(Unit::Seconds)
    .query(
        Expr::time().minus(Series::of(ProcessMetrics::start_time()).now()),
        "{{instance}}",
    );
    Row::new("Health", [checks, durations, uptime])
}

fn process() -> Row {
    let cpu = Panel::graph(
        "Processor",
        "Processor time by instance; 100 % is one core.",
        "More of it for the same requests; or all cores of the machine.",
    )
    .size(6, 8)
    .unit(Unit::Share)
    .query(processor(), "{{instance}}");
    let memory = Panel::graph(
        "Memory",
        "Memory held in RAM, by instance.",
        "A rise that does not end when the load does.",
    )
    .size(6, 8)
    .unit(Unit::Bytes)
    .query(Series::of(ProcessMetrics::resident()).now(), "{{instance}}");
    let files = Panel::graph(
        "Descriptors",
        "Open file descriptors as a share of what may be open, by instance. The dashed line is where FdExhaustion fires.",
        "On its way to the line.",
    )
    .size(6, 8)
    .unit(Unit::Share)
    .limit(0.8)
    .query(descriptors(), "{{instance}}");
    let threads = Panel::graph(
        "Threads",
        "Threads by instance. Blocking work has threads of its own, which come and go.",
        "A rise that does not end.",
    )
    .size(6, 8)
    .query(Series::of(ProcessMetrics::threads()).now(), "{{instance}}");
    Row::new("Process", [cpu, memory, files, threads])
}

fn workers() -> Row {
    let lag = Panel::graph(
        "Lag p99",
        "How much later than asked a sleeping task was woken, by runtime. The dashed line is where RuntimeLag fires.",
        "Above 100 ms: something blocks a worker, or there is too little processor time.",
    )
    .size(12, 8)
    .unit(Unit::Seconds)
    .limit(0.1)
    .query(
        Series::of(RuntimeMetrics::lag()).quantile(0.99, &["runtime"]),
        "{{runtime}}",
    );
    let connections = Panel::graph(
        "Connections",
        "Open connections of the public listener by instance, idle ones included.",
        "Close to server.max_connections: more are turned away.",
    )
    .size(12, 8)
    .query(Series::of(HttpMetrics::connections()).now(), "{{instance}}");
    let closed = Panel::graph(
        "Connections closed",
        "Connections a second that the service closed or did not take against the will of their client, by reason; all at 0 in a healthy hour.",
        "limit: too many clients, or clients that do not reuse connections. The timeouts: a bad network, or somebody who tries. malformed: a scanner, or a proxy that is not one.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .stacked()
    .query(
        Series::of(HttpMetrics::connections_closed()).rate().sum(&["reason"]),
        "{{reason}}",
    );
    let workers = Panel::graph(
        "Workers",
        "Worker threads of each runtime, of all instances.",
        "Fewer than server.workers for each instance.",
    )
    .size(12, 8)
    .query(
        Series::of(RuntimeMetrics::workers())
            .now()
            .sum(&["runtime"]),
        "{{runtime}}",
    );
    Row::new(
        "Workers and connections",
        [lag, workers, connections, closed],
    )
}

fn telemetry() -> Row {
    let scrape = Panel::graph(
        "Time of a scrape",
        "How long Prometheus took to read /metrics, by instance.",
        "Close to the scrape timeout. It does not depend on load or database.",
    )
    .unit(Unit::Seconds)
    .query(
        Series::of(prometheus::SCRAPE_DURATION).now(),
        "{{instance}}",
    );
    let samples = Panel::graph(
        "Samples of a scrape",
        "How many samples each scrape brought, by instance.",
        "A rise that does not end: a label is not closed.",
    )
    .query(Series::of(prometheus::SCRAPE_SAMPLES).now(), "{{instance}}");
    let events = Panel::graph(
        "Log events",
        "Events a second that passed the log filter, by level.",
        "debug or trace that nobody asked for: PUT /log on the admin listener changes the filter.",
    )
    .unit(Unit::PerSecond)
    .query(
        Series::of(LogMetrics::events()).rate().sum(&["level"]),
        "{{level}}",
    )
    .details(ERRORS);
    let lost = Panel::graph(
        "Log lines lost",
        "Log lines a second that never came out, by instance.",
        "Anything but 0: whoever reads standard output does not keep up.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .query(Series::of(LogMetrics::dropped()).rate(), "{{instance}}");
    let spans = Panel::graph(
        "Trace spans",
        "Spans of sampled requests a second, by what became of them; all at 0 while traces are off.",
        "failed: the collector is down or refuses. dropped: spans come faster than they can be sent. TraceExportFailing fires when it lasts.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .stacked()
    .query(Series::of(TraceMetrics::spans()).rate().sum(&["outcome"]), "{{outcome}}");
    Row::new("Its own telemetry", [scrape, samples, events, lost, spans])
}
