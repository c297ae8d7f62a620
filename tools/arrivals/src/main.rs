//! Requests in phases, one after the other, each at its own rate of arrivals, whatever becomes of them: an open load, as
//! that of many people who know nothing of each other. `scripts/overload` puts the phases together and reads what is
//! written: for each phase what was served in time, what was late, refused or failed, and how long that took, counted from
//! when a request should have been sent.
//!
//! What should have been sent while one of the processors stood still, or half a second around that, is left out, and so is
//! that time: a virtual machine is stopped by its host now and then, for longer than a refusal takes.
//!
//! The plan is read from standard input, as JSON ([`plan::Plan`]); what was seen is written to standard output.

mod client;
// The watch that tests keep too.
#[path = "../../../tests/support/machine.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod machine;
mod plan;
mod tally;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use client::{Client, Requests};
use machine::Watch;
use plan::{Phase, Plan};
use tally::{AROUND, Tally, TallyOfPhase};

/// How often it is looked whether something is to be sent, or has come, by who may sleep in between.
const TICK: Duration = Duration::from_millis(1);
/// So many may be on their way at once; who comes then is not sent, and counted.
const MOST_ON_THEIR_WAY: usize = 8_000;
/// Who has no answer by then has failed.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let plan: Plan = serde_json::from_reader(io::stdin().lock())
        .map_err(|error| format!("the plan on standard input: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tally = LocalSet::new().block_on(&runtime, run(plan))?;
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &tally)?;
    writeln!(out)?;
    Ok(())
}

async fn run(plan: Plan) -> Result<Tally, Box<dyn Error>> {
    let client = Client::new(plan.api);
    let requests = client.requests(&plan).await?;
    let source = Rc::new(Source {
        alone: plan.alone,
        client,
        requests,
        sent: Cell::new(0),
        on_their_way: Cell::new(0),
    });
    let watch = Watch::on(plan.processors);
    let mut phases = Vec::new();
    for phase in &plan.phases {
        let seen = Rc::new(RefCell::new(TallyOfPhase::of(phase)));
        source.send_all(phase, &seen).await;
        phases.push(seen);
        tokio::time::sleep(Duration::from_secs_f64(phase.pause)).await;
    }
    let since = Instant::now();
    while source.on_their_way.get() > 0 && since.elapsed() < 2 * PATIENCE {
        tokio::time::sleep(TICK).await;
    }
    let stalls = watch.stop()?.with_margins(AROUND);
    Ok(Tally::of(
        phases.iter().map(|phase| phase.borrow().summary(&stalls)),
    ))
}

/// Where requests come from.
struct Source {
    alone: bool,
    client: Client,
    requests: Requests,
    sent: Cell<usize>,
    on_their_way: Cell<usize>,
}

impl Source {
    /// Sends the requests of a phase, each at its time. On a processor of its own it never sleeps meanwhile: to wake one that
    /// does costs who sends, which is the service with each of its answers, and half as much as the answer. Clients on
    /// machines of their own cost it nothing of that.
    async fn send_all(self: &Rc<Self>, phase: &Phase, seen: &Rc<RefCell<TallyOfPhase>>) {
        let between = Duration::from_secs_f64(1.0 / phase.rate);
        let end = Duration::from_secs_f64(phase.seconds);
        let start = Instant::now();
        let mut next = Duration::ZERO;
        while next < end {
            while next < end && next <= start.elapsed() {
                self.send(start + next, seen);
                next += between;
            }
            if self.alone {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(TICK).await;
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a load generator has a task for each request and ends with them; it is no service"
    )]
    fn send(self: &Rc<Self>, due: Instant, seen: &Rc<RefCell<TallyOfPhase>>) {
        if self.on_their_way.get() >= MOST_ON_THEIR_WAY {
            seen.borrow_mut().not_sent(due);
            return;
        }
        self.on_their_way.set(self.on_their_way.get() + 1);
        let number = self.sent.get();
        self.sent.set(number + 1);
        let (source, seen) = (Rc::clone(self), Rc::clone(seen));
        tokio::task::spawn_local(async move {
            let sent_late = due.elapsed();
            let request = source.requests.of(number);
            let answer = tokio::time::timeout(PATIENCE, source.client.exchange(request)).await;
            let status = answer.ok().and_then(Result::ok);
            let took = due.elapsed();
            seen.borrow_mut().answered(due, sent_late, status, took);
            source.on_their_way.set(source.on_their_way.get() - 1);
        });
    }
}
