//! The checker: pure functions over what the clients wrote down and what the database holds. Each invariant has a kind; each
//! violation a sentence that says which order, key or client it is about.
//!
//! # Layout
//! - `keys`: acknowledged once and as it was answered, none invented, one answer a key
//! - `orders`: sums, history and events of each order in the database
//! - `stock`: conserved
//! - `steps`: acknowledged steps are there, others were wished for
//! - `reads`: nobody saw an order vanish or go backwards
//! - `tests`: a violation of each kind is fabricated, and found

mod keys;
mod orders;
mod reads;
mod steps;
mod stock;
mod tests;

use std::fmt;

use super::contents::Contents;
use super::history::{History, Purchase};
use super::market::Product;

/// An invariant, by what it looks like when it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An acknowledged order is not there.
    Lost,
    /// It is there, with something else in it than was asked for, answered or stored before.
    Altered,
    /// An order belongs to no key that anybody sent, or a key has more than one.
    Invented,
    /// A key was answered in two ways.
    Inconsistent,
    /// It never could be found out what became of a request.
    Unsettled,
    /// An order's total is not the sum of its lines, or a line not price times quantity.
    Sum,
    /// The steps of an order are no path from its first status to the one that it has.
    History,
    /// The events of an order are not those of its steps.
    Events,
    /// Pieces appeared or vanished.
    Stock,
    /// An acknowledged step is not there.
    StepLost,
    /// A step was made that nobody wished for.
    StepInvented,
    /// Somebody saw an order go backwards or vanish.
    Backwards,
    /// A list lacked an order that was acknowledged before.
    Unlisted,
    /// An answer that the API does not have.
    Odd,
}

/// One invariant that did not hold, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    sentence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.sentence)
    }
}

/// What came to light.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, kind: Kind, sentence: String) {
        self.0.push(Violation { kind, sentence });
    }
}

/// Everything that is known in the end.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// As they were put on sale.
    pub(crate) products: Vec<Product>,
    pub(crate) histories: Vec<History>,
    pub(crate) contents: Contents,
}

impl Evidence {
    /// Every invariant that does not hold, with each place where it does not.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let mut findings = Findings::default();
        keys::check(self, &mut findings);
        orders::check(self, &mut findings);
        stock::check(self, &mut findings);
        steps::check(self, &mut findings);
        reads::check(self, &mut findings);
        for odd in self.histories.iter().flat_map(|history| &history.oddities) {
            findings.add(Kind::Odd, odd.clone());
        }
        findings.0
    }

    /// Every wish for an order, and whose it was.
    pub(crate) fn purchases(&self) -> impl Iterator<Item = (&History, &Purchase)> {
        self.histories
            .iter()
            .flat_map(|history| history.purchases.iter().map(move |one| (history, one)))
    }
}
