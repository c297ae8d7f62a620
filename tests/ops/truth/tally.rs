//! What clients saw, counted by method, route and status, and held against what the service says it did.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use crate::support::metrics::{Metrics, whole};

/// Requests by method, route and status, as the labels of `http_requests_total` tell them apart.
pub(crate) type Counts = BTreeMap<(String, String, u16), u64>;

/// What several clients saw. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Rc<RefCell<Counts>>);

/// What the service calls a method.
fn label(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT" => {
            method
        }
        _ => "_OTHER",
    }
}

impl Tally {
    /// One request ended so, or was left by its client: 499.
    pub(crate) fn count(&self, method: &str, route: &str, status: u16) {
        let key = (label(method).to_owned(), route.to_owned(), status);
        *self.0.borrow_mut().entry(key).or_default() += 1;
    }

    /// All of them.
    pub(crate) fn counts(&self) -> Counts {
        self.0.borrow().clone()
    }

    /// How many there were.
    pub(crate) fn total(&self) -> u64 {
        self.0.borrow().values().sum()
    }

    /// How many ended so on this route.
    pub(crate) fn of(&self, method: &str, route: &str, status: u16) -> u64 {
        let key = (method.to_owned(), route.to_owned(), status);
        self.0.borrow().get(&key).copied().unwrap_or_default()
    }
}

/// What a family of a scrape counted, without the series that stand at 0.
pub(crate) fn counted(metrics: &Metrics, name: &str) -> Counts {
    let mut counts = Counts::new();
    for sample in metrics.all(name, &[]).filter(|sample| sample.value > 0.0) {
        let label = |name: &str| sample.labels[name].clone();
        let status = label("status").parse().expect("a status");
        counts.insert(
            (label("method"), label("path"), status),
            whole(sample.value),
        );
    }
    counts
}

/// What the access lines of a log tell.
pub(crate) fn logged(log: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for line in log.iter().filter(|line| is_access_line(line)) {
        let text = |name: &str| line[name].as_str().expect("a text").to_owned();
        let status = line["http.status"].as_u64().expect("a number");
        let status = u16::try_from(status).expect("a status");
        *counts
            .entry((text("http.method"), text("http.route"), status))
            .or_default() += 1;
    }
    counts
}

/// Whether this line is the one of a request on the public listener.
pub(crate) fn is_access_line(line: &Value) -> bool {
    line["target"] == "glasshouse::access"
}

/// Fails with the differences alone: the whole of it is too long to read.
#[track_caller]
pub(crate) fn assert_same(what: &str, told: &Counts, seen: &Counts) {
    let keys = told.keys().chain(seen.keys());
    let mut different: Vec<_> = keys
        .filter(|key| told.get(*key) != seen.get(*key))
        .map(|key| {
            let of = |counts: &Counts| counts.get(key).copied().unwrap_or_default();
            format!("{key:?}: told {}, seen {}", of(told), of(seen))
        })
        .collect();
    different.sort();
    different.dedup();
    assert!(
        different.is_empty(),
        "{what} differ from what clients saw:\n  {}",
        different.join("\n  ")
    );
}
