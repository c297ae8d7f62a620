//! The proof that the dashboards, the rules and the alerts show what happens: the whole stack but Grafana, for real, under
//! load, with slow stretches, a restart and a starved pool. Then everything that a dashboard would ask for is asked for.
//!
//! What fails here and nowhere else: a metric that has another name than its panel, a label that is gone, a query that is
//! right by its form and selects nothing, a number that is on the panel and is not what happened.
//!
//! # Layout
//! - `stack`: the programs; `faults`: what is done to the service
//! - `timely`: whether what was measured can be judged
//! - `following`: one request from its answer to the panel; `agreement`: panels against the load generator's own numbers
//! - `selectors`: none that selects nothing; `alerts`: rules and who is told; `floors`: how far panels have to go

mod agreement;
mod alerts;
mod faults;
mod floors;
mod following;
mod selectors;
mod stack;
mod timely;

use std::time::Instant;

use crate::dashboards::Dashboard;
use crate::probe::{MayBeEmpty, Window, probe};
use crate::repository::none;

use stack::{SCRAPE, Stack};

#[actix_web::test]
async fn every_panel_and_every_rule_shows_what_happens_on_postgres() {
    let begin = Instant::now();
    let mut stack = Stack::start().await;

    // Every route and every kind of refusal once, so that every series is there before anything is counted.
    let smoke = stack.load("smoke", &[("TESTID", "smoke"), ("USERS", "1")]);
    faults::until_the_end(smoke).await.assert_passed();
    following::one_request(&stack).await;
    alerts::only_the_watchdog(&stack).await;
    stack.rest().await;

    // Slow, and nothing worse: load generator and panels have to tell the same.
    let (before, slow) = timely::measured(&stack, "slow", async |id| {
        let before = Window::now();
        let mut slow = stack.load("average", &visits(&id, "20s", "50"));
        faults::slow_stretches(&stack, &mut slow).await;
        let slow = faults::until_the_end(slow).await;
        stack.rest().await;
        (before, slow)
    })
    .await;
    slow.assert_passed();
    agreement::with_the_load_generator(&stack, before, &slow).await;
    alerts::every_rule_says_something(&stack).await;

    stack.restart().await;

    // Starved. The dashboards are looked at as they are when that is over and the load is not.
    let (before, window, starved) = timely::measured(&stack, "starved", async |id| {
        let before = Window::now();
        let mut starved = stack.load("average", &visits(&id, "28s", "150"));
        faults::starved_stretches(&stack, &mut starved).await;
        stack.rest().await;
        assert!(!starved.has_ended(), "the load ended before anybody looked");
        let window = Window {
            end: Window::now(),
            range: begin.elapsed(),
            step: SCRAPE,
            scrape: SCRAPE,
        };
        alerts::about_the_pool(&stack).await;
        let starved = faults::until_the_end(starved).await;
        stack.rest().await;
        (before, window, starved)
    })
    .await;
    starved.assert_passed();
    let failed = &starved.summary["phases"]["steady"]["failed"];
    assert!(
        failed.as_f64() > Some(0.05),
        "nothing was starved: {}",
        starved.said
    );
    agreement::about_errors(&stack, before, &starved).await;

    let findings = probe(stack.prometheus.client(), &Dashboard::all(), window).await;
    none(
        "what the dashboards would show",
        &MayBeEmpty::committed().faults(&findings),
    );
    selectors::select_something(&stack, &findings, window).await;
    floors::are_passed(&findings);
}

/// Forty visits a second, whose latency nobody judges, by so many users: each is busy for as long as a stretch takes, and
/// the fewer there are, the more often they see a product again.
fn visits<'a>(id: &'a str, duration: &'a str, users: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("TESTID", id),
        ("RATE", "40"),
        ("DURATION", duration),
        ("USERS", users),
    ]
}
