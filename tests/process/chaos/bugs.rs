//! The chaos against itself: bugs are planted in the service, one after the other, and each must be found for what it is. In
//! a build with them of which none is in force, nothing may be found.

use std::time::Duration;

use super::checker::Kind;
use super::report::Report;
use super::{Nemesis, Plan};
use crate::support::database::Backend;
use crate::support::on_both;

/// A bug of `src/planted.rs`.
struct Bug {
    name: &'static str,
    /// Any of these gives it away.
    shows_as: &'static [Kind],
    /// Where it does not show without faults. On PostgreSQL a transaction that is not whole lets go of its locks, and then the
    /// same request twice at once is enough.
    needs_faults: &'static [Backend],
}

const ANYWHERE: &[Backend] = &[Backend::Sqlite, Backend::Postgres];

const BUGS: [Bug; 11] = [
    bug("answered-before-commit", &[Kind::Lost], ANYWHERE),
    bug("commit-unheeded", &[Kind::Lost], ANYWHERE),
    bug(
        "no-transaction",
        &[Kind::Invented, Kind::Stock, Kind::Sum],
        &[Backend::Sqlite],
    ),
    bug("stock-apart", &[Kind::Stock], &[Backend::Sqlite]),
    bug("key-apart", &[Kind::Invented], &[Backend::Sqlite]),
    bug("event-apart", &[Kind::Events], &[Backend::Sqlite]),
    bug("short-memory", &[Kind::Inconsistent], &[]),
    bug("put-back-twice", &[Kind::Stock], &[]),
    bug("wrong-total", &[Kind::Sum], &[]),
    bug("status-forgotten", &[Kind::StepLost], &[]),
    bug("stale-read", &[Kind::Backwards], &[]),
];

const fn bug(
    name: &'static str,
    shows_as: &'static [Kind],
    needs_faults: &'static [Backend],
) -> Bug {
    Bug {
        name,
        shows_as,
        needs_faults,
    }
}

/// How long faults are done. A bug that shows itself is there within seconds.
const TIME: Duration = Duration::from_secs(10);

/// For all of them, on a slow machine.
const LONGEST: Duration = Duration::from_hours(1);

/// How often it is tried: not every series of faults hits the one moment that matters.
const TRIES: u64 = 6;

/// Letters of a violation that are shown.
const SHOWN: usize = 240;

impl Bug {
    fn exists_on(&self, backend: Backend) -> bool {
        // On SQLite no commit fails of which the work before it did not know.
        self.name != "commit-unheeded" || backend == Backend::Postgres
    }

    async fn run(&self, backend: Backend, nemesis: Nemesis, seed: u64) -> Report {
        let plan = Plan {
            bug: Some(self.name),
            ..plan(backend, nemesis, seed)
        };
        plan.run().await
    }

    fn is_found_by(&self, report: &Report) -> bool {
        let mut kinds = report.violations.iter().map(|violation| violation.kind);
        kinds.any(|kind| self.shows_as.contains(&kind))
    }
}

fn plan(backend: Backend, nemesis: Nemesis, seed: u64) -> Plan {
    Plan {
        backend,
        seed,
        time: TIME,
        nemesis,
        bug: None,
    }
}

on_both!(every_planted_bug_is_found, within = LONGEST);
async fn every_planted_bug_is_found(backend: Backend) {
    let seed = Plan::asked_for(backend).seed;
    let clean = plan(backend, Nemesis::Hasty, seed).run().await;
    clean.assert_right();
    let mut told = vec![format!("{backend:?}: nothing planted: nothing found")];
    for bug in BUGS.iter().filter(|bug| bug.exists_on(backend)) {
        if bug.needs_faults.contains(&backend) {
            let calm = bug.run(backend, Nemesis::Away, seed).await;
            assert!(!bug.is_found_by(&calm), "{} in calm: {calm}", bug.name);
        }
        let nemesis = if bug.needs_faults.is_empty() {
            Nemesis::Away
        } else {
            Nemesis::Hasty
        };
        let mut tries = 1;
        let mut report = bug.run(backend, nemesis, seed).await;
        while !bug.is_found_by(&report) {
            assert!(tries < TRIES, "{} was not found: {report}", bug.name);
            report = bug.run(backend, nemesis, seed + 10 * tries).await;
            tries += 1;
        }
        let violation = report.violations.iter();
        let mut violation = violation.filter(|one| bug.shows_as.contains(&one.kind));
        let violation = violation.next().expect("it was found").to_string();
        told.push(format!(
            "{backend:?}: {}: found in run {tries}, {} violations, such as\n    {violation:.SHOWN$}",
            bug.name,
            report.violations.len(),
        ));
    }
    println!("{}\nseed {seed}", told.join("\n"));
}
