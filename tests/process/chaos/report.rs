//! What happened in a run, in numbers, and whether it was enough to prove anything.

use std::fmt;
use std::time::Duration;

use super::Plan;
use super::checker::{Evidence, Violation};
use super::history::{Decision, Purchase, Status};
use super::nemesis::Tally;
use crate::support::database::Backend;

/// Violations that are shown; the others are counted.
const SHOWN: usize = 20;

/// A run.
#[derive(Debug)]
pub(crate) struct Report {
    plan: Plan,
    took: Duration,
    faults: Tally,
    /// Orders that were acknowledged.
    acknowledged: usize,
    /// Wishes that were refused for want of stock.
    refused: usize,
    /// Answers that were given again.
    replayed: usize,
    /// Wishes of which nobody knew at some time what had become of them.
    unknown: usize,
    /// Those of them that were decided in the end.
    settled: usize,
    /// Those of them that had been done.
    done: usize,
    /// Steps that were acknowledged, cancellations apart.
    steps: usize,
    cancelled: usize,
    /// Deliveries that were acknowledged, or turned out to have been done.
    deliveries: usize,
    sightings: usize,
    pub(crate) violations: Vec<Violation>,
}

impl Report {
    /// What the evidence says.
    pub(super) fn of(plan: &Plan, took: Duration, faults: Tally, evidence: &Evidence) -> Self {
        let purchases: Vec<&Purchase> = evidence.purchases().map(|(_, one)| one).collect();
        let count = |holds: &dyn Fn(&Purchase) -> bool| {
            purchases.iter().filter(|purchase| holds(purchase)).count()
        };
        let decisions = || purchases.iter().flat_map(|purchase| &purchase.replies);
        let replayed = |decision: &Decision| matches!(decision, Decision::Placed { replayed, .. } if *replayed);
        let made = |to_end: bool| {
            let steps = evidence.histories.iter().flat_map(|one| &one.steps);
            steps
                .filter(|step| step.was_made() && (step.to == Status::Cancelled) == to_end)
                .count()
        };
        let sum = |number: &dyn Fn(&super::history::History) -> usize| {
            evidence.histories.iter().map(number).sum()
        };
        Self {
            plan: plan.clone(),
            took,
            faults,
            acknowledged: count(&|one| one.acknowledged().is_some()),
            refused: count(&|one| one.decision() == Some(&Decision::OutOfStock)),
            replayed: decisions()
                .filter(|(_, reply)| reply.told().is_some_and(replayed))
                .count(),
            unknown: count(&Purchase::was_unknown),
            settled: count(&|one| one.was_unknown() && one.decision().is_some()),
            done: count(&|one| one.was_unknown() && one.decision().is_some_and(replayed)),
            steps: made(false),
            cancelled: made(true),
            deliveries: sum(&|one| one.deliveries.len()),
            sightings: sum(&|one| one.sightings.len()),
            violations: evidence.violations(),
        }
    }

    /// Fails unless there was enough of everything: without it, nothing is proved.
    #[track_caller]
    pub(crate) fn assert_chaotic(&self) {
        let kinds = match self.plan.backend {
            Backend::Sqlite => 3,
            Backend::Postgres => 12,
        };
        assert_eq!(self.faults.len(), kinds, "{self}");
        for (what, number, least) in [
            ("orders acknowledged", self.acknowledged, 50),
            ("orders refused", self.refused, 5),
            ("answers repeated", self.replayed, 5),
            ("unknown outcomes", self.unknown, 10),
            ("steps", self.steps, 10),
            ("cancellations", self.cancelled, 5),
            ("deliveries", self.deliveries, 5),
            ("sightings", self.sightings, 50),
        ] {
            assert!(number >= least, "only {number} {what}: {self}");
        }
    }

    /// Fails unless every invariant holds.
    #[track_caller]
    pub(crate) fn assert_right(&self) {
        assert!(self.violations.is_empty(), "{self}");
        assert_eq!(self.settled, self.unknown, "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self
            .faults
            .iter()
            .map(|(fault, times)| format!("{fault:?} {times}"))
            .collect();
        let Plan { backend, seed, .. } = &self.plan;
        writeln!(f, "chaos on {backend:?} for {:.0?}", self.took)?;
        writeln!(f, "  faults      {}", faults.join(", "))?;
        writeln!(
            f,
            "  orders      {} acknowledged, {} refused for want of stock, {} answers repeated",
            self.acknowledged, self.refused, self.replayed
        )?;
        writeln!(
            f,
            "  unknown     {} outcomes, {} settled, of which {} had been done",
            self.unknown, self.settled, self.done
        )?;
        writeln!(
            f,
            "  meanwhile   {} steps, {} cancellations, {} deliveries, {} sightings of orders",
            self.steps, self.cancelled, self.deliveries, self.sightings
        )?;
        writeln!(f, "  violations  {}", self.violations.len())?;
        for violation in self.violations.iter().take(SHOWN) {
            writeln!(f, "    {violation}")?;
        }
        write!(f, "  seed        {seed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::Nemesis;
    use crate::chaos::nemesis::Fault;

    fn report() -> Report {
        Report {
            plan: Plan {
                backend: Backend::Sqlite,
                seed: 1,
                time: Duration::ZERO,
                nemesis: Nemesis::Thorough,
                bug: None,
            },
            took: Duration::ZERO,
            faults: [Fault::Kill, Fault::Pause, Fault::Lock]
                .map(|fault| (fault, 1))
                .into(),
            acknowledged: 100,
            refused: 100,
            replayed: 100,
            unknown: 100,
            settled: 100,
            done: 100,
            steps: 100,
            cancelled: 100,
            deliveries: 100,
            sightings: 100,
            violations: Vec::new(),
        }
    }

    #[test]
    fn a_run_with_enough_of_everything_proves_something() {
        report().assert_chaotic();
        report().assert_right();
    }

    #[test]
    #[should_panic(expected = "only 9 unknown outcomes")]
    fn a_run_that_was_too_tame_proves_nothing() {
        let tame = Report {
            unknown: 9,
            ..report()
        };
        tame.assert_chaotic();
    }

    #[test]
    #[should_panic(expected = "faults      Kill 1, Pause 1")]
    fn a_run_without_one_of_the_faults_proves_nothing() {
        let mut tame = report();
        tame.faults.remove(&Fault::Lock);
        tame.assert_chaotic();
    }

    #[test]
    #[should_panic(expected = "99 settled")]
    fn a_run_that_leaves_something_open_is_not_right() {
        let open = Report {
            settled: 99,
            ..report()
        };
        open.assert_right();
    }
}
