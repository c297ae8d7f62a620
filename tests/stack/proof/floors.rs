//! How far panels have to go when what they are for happens: a panel that shows 0 is not empty, and shows nothing.

use crate::probe::Findings;
use crate::repository::none;

/// Dashboard, row, title, legend, and the least that its highest point has to be after the starved stretches. A third of
/// what an idle machine shows, where that is not given by the deadlines and the size of the pool.
const FLOORS: &[(&str, &str, &str, &str, f64)] = &[
    // Latency: longer than a caller waits for a connection.
    ("overview", "Requests", "Latency", "p99", 1.5),
    ("latency", "How they spread", "Quantiles", "p99", 1.5),
    (
        "latency",
        "Where the time goes",
        "Mean time of a request",
        "request",
        0.5,
    ),
    (
        "latency",
        "Where the time goes",
        "In flight",
        "on average",
        20.0,
    ),
    ("slo", "Latency: 99 % within 250 ms", "Burn rate", "5m", 1.0),
    // Errors: at worst nothing but them.
    ("overview", "Requests", "Requests by status", "5xx", 10.0),
    ("overview", "Requests", "Share of 5xx", "5xx", 0.5),
    (
        "errors",
        "This service's (5xx)",
        "5xx by status",
        "{{status}}",
        10.0,
    ),
    ("errors", "Now", "ERROR lines", "error", 20.0),
    (
        "orders-and-webhooks",
        "Placing",
        "Placing an order",
        "p99",
        1.0,
    ),
    // Saturation: all four connections, a queue behind them, and callers that give up.
    (POOL, SATURATION, "Connections", "used", 4.0),
    (POOL, SATURATION, "Use by pool", "{{pool}}", 1.0),
    (POOL, SATURATION, "Queue", "waiting", 20.0),
    (POOL, SATURATION, "Queue", "on average", 20.0),
    (POOL, SATURATION, "Wait", "p99", 1.0),
    (POOL, SATURATION, "Timeouts", "{{phase}}", 10.0),
    (POOL, "Now", "Timeouts", "timeouts", 50.0),
    (POOL, "Waits and holds", "Hold", "p99", 2.5),
    (POOL, "Operations", "Failures by class", "{{kind}}", 1.0),
    // Business, while it lasts.
    (
        "orders-and-webhooks",
        "Placing",
        "Orders by type",
        "{{product_type}}",
        1.0,
    ),
    (
        "orders-and-webhooks",
        "Who comes",
        "Log-ins",
        "{{outcome}}",
        0.5,
    ),
    // Both views of the load.
    (
        LOAD,
        "Both views",
        "Requests: client and server",
        "client",
        30.0,
    ),
    (
        LOAD,
        "Both views",
        "Requests: client and server",
        "server",
        30.0,
    ),
    (
        LOAD,
        "Both views",
        "Errors: client and server",
        "client",
        0.5,
    ),
    (
        LOAD,
        "Both views",
        "Errors: client and server",
        "server",
        0.5,
    ),
    (LOAD, "Client", "Virtual users", "used", 30.0),
    // The telemetry itself, and what is marked on every graph.
    (
        "runtime",
        "Its own telemetry",
        "Trace spans",
        "{{outcome}}",
        0.5,
    ),
    ("overview", "Now", "Alerts", "firing", 1.0),
];

const POOL: &str = "database-pool";
const SATURATION: &str = "Saturation, and the latency that it explains";
const LOAD: &str = "load-test";

pub(super) fn are_passed(findings: &Findings) {
    let below = FLOORS
        .iter()
        .filter_map(|&(dashboard, row, title, legend, floor)| {
            let uid = format!("glasshouse-{dashboard}");
            let highest = findings.highest(&uid, row, title, legend);
            (highest < floor)
                .then(|| format!("{uid} | {row} | {title} ({legend}): {highest}, not {floor}"))
        });
    none(
        "panels that did not go as far as they had to",
        &below.collect::<Vec<_>>(),
    );
}
