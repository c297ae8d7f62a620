//! Are the promises kept, and how fast is the error budget used up?
//!
//! Everything here is read from what the rules record, so it is exactly what the alerts see.

use super::parts;
use super::{ERRORS, LATENCY, SLO};
use crate::grafana::{Colour, Dashboard, Panel, Row, Unit};
use crate::query::{Expr, Window, budget_left, burn_rate, errors, objective, slow};
use crate::slo::{BURN_RATES, ERRORS_ALLOWED, FAST_SHARE};

/// Long windows of the alerts, and the short one that ends them.
const WINDOWS: [(Window, &str); 5] = [
    (Window::FiveMinutes, "5m"),
    (Window::OneHour, "1h"),
    (Window::SixHours, "6h"),
    (Window::OneDay, "1d"),
    (Window::ThreeDays, "3d"),
];

/// One promise.
struct Promise {
    slo: &'static str,
    /// Share of what breaks it, over a window.
    broken: fn(Window) -> Expr,
    allowed: f64,
}

pub(super) fn dashboard() -> Dashboard {
    let availability = Promise {
        slo: "availability",
        broken: errors,
        allowed: ERRORS_ALLOWED,
    };
    let latency = Promise {
        slo: "latency",
        broken: slow,
        allowed: 1.0 - FAST_SHARE,
    };
    Dashboard::new(
        SLO,
        "Glasshouse SLO",
        "Are the promises kept? 99.9 % of the requests without 5xx, and 99 % of those within 250 ms, over 30 days. With several jobs chosen, the worst of them is shown.",
    )
    .showing("now-6h", "1m")
    .row(availability.row(
        "Availability: 99.9 % without 5xx",
        "Share of 5xx",
        ERRORS,
    ))
    .row(Row::new(
        "What availability is made of",
        [parts::class_graph().size(12, 8).details(ERRORS), parts::error_graph().size(12, 8).details(ERRORS)],
    ))
    .row(latency.row(
        "Latency: 99 % within 250 ms",
        "Share of slow requests",
        LATENCY,
    ))
    .row(Row::new(
        "What latency is made of",
        [
            parts::latency_graph().size(12, 8).details(LATENCY),
            slow_graph().size(12, 8).details(LATENCY),
        ],
    ))
}

fn slow_graph() -> Panel {
    let answered = || parts::times().where_unlike("status", "5..");
    let all = answered().observations().sum(&[]);
    let slow = all
        .clone()
        .minus(answered().within(crate::slo::FAST_SECONDS).sum(&[]));
    Panel::graph(
        "Slow requests",
        "Requests a second without 5xx, and those of them that took longer than 250 ms.",
        "Slow ones that are more than 1 of 100.",
    )
    .unit(Unit::Requests)
    .when_empty("no requests, or no rules")
    .query(all, "all")
    .query(slow, "slow")
}

impl Promise {
    fn row(&self, title: &'static str, share: &'static str, details: &'static str) -> Row {
        let objective = || objective(self.slo);
        let promised = Panel::stat(
            "Objective",
            "The share of requests that has to be good, over 30 days, as the alert rules have it.",
            "Nothing there: the rules are not loaded, and there are no alerts.",
        )
        .unit(Unit::Share)
        .when_empty("no rules")
        .query(objective(), self.slo);
        let kept = Panel::stat(
            "Attained",
            "The share of requests of the last 30 days that were good.",
            "Below the objective.",
        )
        .unit(Unit::Share)
        .at_least(1.0 - self.allowed)
        .when_empty("no requests, or no rules")
        .query(
            Expr::number(1).minus((self.broken)(Window::ThirtyDays)),
            self.slo,
        );
        let left = Panel::stat(
            "Budget left",
            "What is left of the bad requests that the objective allows in 30 days.",
            "Below a quarter: be careful with deployments. Below 0: the objective is missed.",
        )
        .unit(Unit::Share)
        .below_zero()
        .better_from(&[(0.0, Colour::YELLOW), (0.25, Colour::GREEN)])
        .when_empty("no requests, or no rules")
        .query(budget_left(self.slo), self.slo);
        let burn = WINDOWS.iter().fold(
            Panel::graph(
                "Burn rate",
                "How fast the budget is used up: at 1 it lasts exactly 30 days. Each line is a window. The dashed lines are where alerts go out: 14.4 (page, over 1h and 5m), 6 (page, 6h and 30m), 3 (ticket, 1d and 2h), 1 (ticket, 3d and 6h).",
                "The 1h line above 14.4, or the 6h line above 6. 5m shows whether it is still going on.",
            )
            .size(9, 8)
            .unit(Unit::Times)
            .when_empty("no requests, or no rules"),
            |panel, (window, name)| {
                panel.query(burn_rate(self.slo, *window), name)
            },
        );
        let [fastest, fast, slow, trickle] = BURN_RATES;
        let burn = burn
            .limit(trickle)
            .from(slow, Colour::RED)
            .from(fast, Colour::RED)
            .from(fastest, Colour::RED)
            .details(details);
        let share = Panel::graph(
            share,
            "The share of bad requests, over 5 minutes and over an hour. The dashed line is what the objective allows on average.",
            "An hour above the line.",
        )
        .size(9, 8)
        .unit(Unit::Share)
        .limit(self.allowed)
        .when_empty("no requests, or no rules")
        .query((self.broken)(Window::FiveMinutes), "5m")
        .query((self.broken)(Window::OneHour), "1h")
        .details(details);
        let budget = Panel::graph(
            "Budget left over time",
            "What is left of the error budget of the 30 days before each moment.",
            "A steep fall. A flat line is a service that keeps its promise.",
        )
        .size(6, 8)
        .unit(Unit::Share)
        .below_zero()
        .at_least(0.0)
        .when_empty("no requests, or no rules")
        .query(budget_left(self.slo), self.slo);
        Row::new(
            title,
            [
                promised.size(8, 4),
                kept.size(8, 4),
                left.size(8, 4),
                burn,
                share,
                budget,
            ],
        )
    }
}
