//! The chaos against itself: bugs are planted in the service, one after the other, and each must be found for what it is. In
//! a build with them of which none is in force, nothing may be found.

use std::time::Duration;

use super::checker::Kind;
use super::report::Report;
use super::{LONGEST, Nemesis, Plan};
use crate::support::database::Backend;
use crate::support::on_both;

/// A bug of `src/planted.rs`.
struct Bug {
    name: &'static str,
    /// Any of these gives it away.
    shows_as: &'static [Kind],
    /// Not without faults.
    needs_faults: bool,
}

const BUGS: [Bug; 11] = [
    faulty("answered-before-commit", &[Kind::Lost]),
    faulty("commit-unheeded", &[Kind::Lost]),
    faulty("no-transaction", &[Kind::Invented, Kind::Stock, Kind::Sum]),
    faulty("stock-apart", &[Kind::Stock]),
    faulty("key-apart", &[Kind::Invented]),
    faulty("event-apart", &[Kind::Events]),
    plain("short-memory", &[Kind::Inconsistent]),
    plain("put-back-twice", &[Kind::Stock]),
    plain("wrong-total", &[Kind::Sum]),
    plain("status-forgotten", &[Kind::StepLost]),
    plain("stale-read", &[Kind::Backwards]),
];

const fn faulty(name: &'static str, shows_as: &'static [Kind]) -> Bug {
    Bug {
        name,
        shows_as,
        needs_faults: true,
    }
}

const fn plain(name: &'static str, shows_as: &'static [Kind]) -> Bug {
    Bug {
        name,
        shows_as,
        needs_faults: false,
    }
}

/// How long faults are done. A bug that shows itself is there within seconds.
const TIME: Duration = Duration::from_secs(10);

/// How often it is tried: not every series of faults hits the one moment that matters.
const TRIES: u64 = 4;

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
        let mut found = None;
        let nemesis = if bug.needs_faults {
            let calm = bug.run(backend, Nemesis::Away, seed).await;
            assert!(!bug.is_found_by(&calm), "{} in calm: {calm}", bug.name);
            Nemesis::Hasty
        } else {
            Nemesis::Away
        };
        for number in 0..TRIES {
            let report = bug.run(backend, nemesis, seed + 10 * number).await;
            if bug.is_found_by(&report) {
                found = Some((number + 1, report));
                break;
            }
        }
        let (tries, report) = found.unwrap_or_else(|| panic!("{} was not found", bug.name));
        let violation = report.violations.iter();
        let mut violation = violation.filter(|one| bug.shows_as.contains(&one.kind));
        told.push(format!(
            "{backend:?}: {}: found in run {tries}, {} violations, such as\n    {}",
            bug.name,
            report.violations.len(),
            violation.next().expect("it was found")
        ));
    }
    println!("{}\nseed {seed}", told.join("\n"));
}
