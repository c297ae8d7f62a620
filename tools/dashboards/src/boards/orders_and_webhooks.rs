//! Do orders come through, and if not, why?
//!
//! The webhooks' part comes with the webhooks: deliveries by outcome, the depth and age of the outbox, the states of the
//! circuit breakers, as rows after the orders'. Until then there is nothing to ask for, and so no panel.

use glasshouse::accounts::AccountMetrics;
use glasshouse::orders::OrderMetrics;
use glasshouse::telemetry::metrics::Declaration;

use super::parts;
use super::{LATENCY, ORDERS_AND_WEBHOOKS};
use crate::grafana::{Dashboard, Panel, Row, Unit};
use crate::query::{Expr, Series};
use crate::slo::FAST_SECONDS;

pub(super) fn dashboard() -> Dashboard {
    Dashboard::new(
        ORDERS_AND_WEBHOOKS,
        "Glasshouse orders and webhooks",
        "Do orders come through, and if not, why? Webhooks are not delivered by this version; their rows come with them.",
    )
    .row(now())
    .row(accounts())
    .row(placing())
    .row(afterwards())
}

/// A counter by one of its labels.
fn rate(metric: Declaration, by: &'static str) -> Expr {
    Series::of(metric).rate().sum(&[by])
}

/// Requests to place an order by how they ended.
fn placed(outcome: &str) -> Expr {
    Series::of(OrderMetrics::creation_duration())
        .where_is("outcome", outcome)
        .observations()
        .sum(&[])
}

fn now() -> Row {
    let all = || {
        Series::of(OrderMetrics::creation_duration())
            .observations()
            .sum(&[])
    };
    let orders = Panel::stat(
        "Orders",
        "Orders stored a second.",
        "0 when there should be some.",
    )
    .unit(Unit::PerSecond)
    .query(
        Series::of(OrderMetrics::created()).rate().sum(&[]),
        "orders",
    );
    let refused = Panel::stat(
        "Refused",
        "Share of the requests to place an order that were refused, for whatever reason.",
        "Far from what is usual: the reasons stand below.",
    )
    .unit(Unit::Share)
    .query(placed("rejected").share_of(&all()), "rejected");
    let failed = Panel::stat(
        "Failed",
        "Share of the requests to place an order that the database or this service failed.",
        "Anything but 0: those clients do not know whether they have an order. With an Idempotency-Key they may ask again.",
    )
    .unit(Unit::Share)
    .limit(0.001)
    .query(placed("failed").share_of(&all()), "failed");
    let time = Panel::stat(
        "Placing p99",
        "99 of 100 orders were placed faster than this, from the body having been read to the answer.",
        "Above 250 ms.",
    )
    .unit(Unit::Seconds)
    .limit(FAST_SECONDS)
    .when_empty("no orders")
    .query(
        Series::of(OrderMetrics::creation_duration()).where_is("outcome", "created").quantile(0.99, &[]),
        "p99",
    );
    let sold_out = Panel::stat(
        "Out of stock",
        "Orders refused for want of stock, in the time that is shown. Nothing is ever sold twice: the next buyer is refused.",
        "A rise says that something sells out; it is no fault.",
    )
    .whole()
    .query(
        Series::of(OrderMetrics::rejected()).where_is("reason", "out_of_stock").in_range().sum(&[]),
        "out_of_stock",
    );
    let replayed = Panel::stat(
        "Replayed",
        "Requests that repeated an Idempotency-Key and got the first answer again, in the time that is shown: orders that would otherwise exist twice.",
        "Many: clients do not get their first answer. Look at latency, and at clients that went away.",
    )
    .whole()
    .query(
        Series::of(OrderMetrics::keys()).where_is("outcome", "replayed").in_range().sum(&[]),
        "replayed",
    );
    Row::new(
        "Now",
        [orders, refused, failed, time, sold_out, replayed].map(|stat| stat.size(4, 4)),
    )
}

fn accounts() -> Row {
    let logins = Panel::graph(
        "Log-ins",
        "Attempts to log in a second, by how they ended.",
        "invalid_credentials or throttled that grow: somebody guesses passwords. overloaded: more log-ins at once than can be hashed.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(rate(AccountMetrics::logins(), "outcome"), "{{outcome}}");
    let registrations = Panel::graph(
        "Registrations",
        "Attempts to register an account a second, by how they ended.",
        "throttled that grows: one address registers many. failed: the database.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(
        rate(AccountMetrics::registrations(), "outcome"),
        "{{outcome}}",
    );
    let refreshes = Panel::graph(
        "Token refreshes",
        "Exchanges of refresh tokens a second, by how they ended.",
        "reused: a token was used twice. A client lost an answer, or somebody stole a token.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(rate(AccountMetrics::refreshes(), "outcome"), "{{outcome}}");
    Row::new("Who comes", [logins, registrations, refreshes])
}

fn placing() -> Row {
    let created = Panel::graph(
        "Orders by type",
        "Orders stored a second, by the type of their products; mixed is an order over several types.",
        "A type that stops while the others go on.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(rate(OrderMetrics::created(), "product_type"), "{{product_type}}");
    let outcomes = Panel::graph(
        "Requests to place an order",
        "Requests a second by how they ended: stored, answered again for a repeated key, refused, failed.",
        "Any red.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(
        Series::of(OrderMetrics::creation_duration()).observations().sum(&["outcome"]),
        "{{outcome}}",
    );
    let refused = Panel::graph(
        "Refused by reason",
        "Orders refused a second, by reason.",
        "out_of_stock is business. invalid, unknown_product or duplicate_product: a client does something wrong. in_progress: a client repeats before its first request has ended.",
    )
    .unit(Unit::PerSecond)
    .query(rate(OrderMetrics::rejected(), "reason"), "{{reason}}");
    let time = parts::quantiles(
        Panel::graph(
            "Placing an order",
            "Quantiles of the time to store an order, from the body having been read to the end of the request. The dashed line is 250 ms.",
            "p99 above the line.",
        )
        .unit(Unit::Seconds)
        .limit(FAST_SECONDS)
        .when_empty("no orders"),
        &Series::of(OrderMetrics::creation_duration()).where_is("outcome", "created"),
    )
    .details(LATENCY);
    let by_outcome = Panel::graph(
        "p99 by outcome",
        "99 of 100 requests to place an order were faster than this, by how they ended.",
        "failed that is slow: those waited for a limit before they were told. rejected that is slower than created: rows that many want are locked.",
    )
    .unit(Unit::Seconds)
    .when_empty("no orders")
    .query(
        Series::of(OrderMetrics::creation_duration()).quantile(0.99, &["outcome"]),
        "{{outcome}}",
    )
    .details(LATENCY);
    let keys = Panel::graph(
        "Idempotency keys",
        "Requests with an Idempotency-Key that it decided about, a second: first use, answered again, refused because the first was still running, refused because it was used for something else.",
        "reused: a client makes keys that are not unique. in_progress: it repeats too soon.",
    )
    .unit(Unit::PerSecond)
    .stacked()
    .query(rate(OrderMetrics::keys(), "outcome"), "{{outcome}}");
    Row::new(
        "Placing",
        [created, outcomes, refused, time, by_outcome, keys],
    )
}

fn afterwards() -> Row {
    let steps = Panel::graph(
        "Steps",
        "Steps a second that orders made after they were placed.",
        "Payments without shipments: somebody downstream is stuck.",
    )
    .size(12, 8)
    .unit(Unit::PerSecond)
    .query(
        Series::of(OrderMetrics::transitions())
            .rate()
            .sum(&["from", "to"]),
        "{{from}} to {{to}}",
    );
    let cancelled = Panel::graph(
        "Cancelled",
        "Cancelled orders as a share of the orders stored at the same time; their stock is put back.",
        "A rise: look at what those orders have in common.",
    )
    .size(12, 8)
    .unit(Unit::Share)
    .query(
        Series::of(OrderMetrics::transitions())
            .where_is("to", "cancelled")
            .rate()
            .sum(&[])
            .share_of(&Series::of(OrderMetrics::created()).rate().sum(&[])),
        "cancelled",
    );
    Row::new("Afterwards", [steps, cancelled])
}
