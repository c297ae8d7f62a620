//! That every selector in a dashboard or a rule selects something. A query may be right in its names and labels, and ask for a
//! value that a label never has: a share of nothing is 0 on a panel, and an alert about nothing is silent for ever.

use std::collections::BTreeSet;

use crate::dashboards::Place;
use crate::probe::{Chosen, Findings, Window};
use crate::repository::none;

use super::stack::Stack;

/// What is not there until it has happened once, and does not happen here.
const UNBORN: [&str; 1] = ["k6_dropped_iterations_total"];

/// Asked of all that there was in this time.
pub(super) async fn select_something(stack: &Stack, findings: &Findings, window: Window) {
    // Variables have their values asked for, and are no queries.
    let shown = findings
        .0
        .iter()
        .filter(|one| one.chosen == Chosen::All && !matches!(one.place, Place::Variable(_)));
    let shown = shown.map(|finding| finding.query.clone());
    let queries = shown.chain(crate::rules::expressions());
    let selectors: BTreeSet<_> = queries.flat_map(|query| selectors(&query)).collect();
    assert!(selectors.len() > 100, "only {} were found", selectors.len());
    let mut empty = Vec::new();
    for selector in &selectors {
        let born = !UNBORN.iter().any(|name| selector.starts_with(name));
        if born && stack.series(selector, window).await == 0 {
            empty.push(selector.clone());
        }
    }
    none("selectors that select nothing", &empty);
}

/// Each `name{…}` in a query. No value here has a brace in it: routes have, and those are chosen by `.*`.
fn selectors(query: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (open, _) in query.match_indices('{') {
        let before = &query[..open];
        let name = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "_:".contains(c));
        let length = query[open..].find('}').expect("a brace that closes") + 1;
        found.push(query[name.len()..open + length].to_owned());
    }
    found
}

#[test]
fn selectors_are_found() {
    let query = r#"sum(rate(a_total{b="c"}[5m])) / x:y{d=~".*",e!="f"} offset 5m"#;
    let expected = [r#"a_total{b="c"}"#, r#"x:y{d=~".*",e!="f"}"#];
    assert_eq!(selectors(query), expected);
}
