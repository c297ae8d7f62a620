//! The ordered end of the process: named steps, each with a limit, all under one bound.
//!
//! The order is: not ready, keep serving while the load balancer notices, stop accepting, finish
//! what is in flight, stop the background tasks, close the pool, the admin listener last (so that
//! the end can be watched). `app.rs` writes those steps. The one rule: a step that does not end
//! in time is left behind and named, never waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

type StepFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Unfinished>> + 'a>>;

struct Step<'a> {
    name: &'static str,
    limit: Duration,
    run: StepFuture<'a>,
    left: Box<dyn Fn() -> Option<String> + 'a>,
}

/// What a step had to leave unfinished, in words for the log: "3 requests in flight".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfinished(pub String);

/// A step that did not do all of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The step's name.
    pub step: &'static str,
    /// Why, and what was lost.
    pub reason: CutReason,
    /// What the step knows to be lost when it could not end by itself.
    pub left: Option<String>,
}

/// Why a step did not do all of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutReason {
    /// It ran into its own limit or the bound of the whole.
    TimedOut(Duration),
    /// It ended and said itself what it left behind.
    Unfinished(Unfinished),
    /// It was not begun: the bound was used up or a second signal came.
    Skipped,
}

/// The steps of the end, in their order.
pub struct Shutdown<'a> {
    bound: Duration,
    steps: Vec<Step<'a>>,
}

/// How the end went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownReport {
    /// What was cut, in the order of the steps; empty after a clean end.
    pub cut: Vec<Cut>,
    /// How long the whole took.
    pub took: Duration,
}

impl<'a> Shutdown<'a> {
    /// All steps together get at most `bound`.
    pub fn new(bound: Duration) -> Self {
        Self {
            bound,
            steps: Vec::new(),
        }
    }

    /// Adds a step that may take up to `limit`; its future is not polled before its turn.
    #[must_use]
    pub fn step(
        mut self,
        name: &'static str,
        limit: Duration,
        run: impl Future<Output = Result<(), Unfinished>> + 'a,
    ) -> Self {
        self.steps.push(Step {
            name,
            limit,
            run: Box::pin(run),
            left: Box::new(|| None),
        });
        self
    }

    /// Lets the step that was added last tell what it leaves behind, should it be cut or skipped: a future that is
    /// dropped cannot say it itself.
    #[must_use]
    pub fn leaving(mut self, left: impl Fn() -> Option<String> + 'a) -> Self {
        if let Some(step) = self.steps.last_mut() {
            step.left = Box::new(left);
        }
        self
    }

    /// Runs the steps one after the other; `exit_now` (a second signal) skips what is left.
    pub async fn run(self, exit_now: impl Future<Output = ()>) -> ShutdownReport {
        let started = Instant::now();
        let mut cut = Vec::new();
        let mut exit_now = std::pin::pin!(exit_now);
        let mut exiting = false;
        for step in self.steps {
            let left = self.bound.saturating_sub(started.elapsed());
            let limit = step.limit.min(left);
            if exiting || left.is_zero() {
                // Not logged each: the last line names them all.
                cut.push(Cut {
                    step: step.name,
                    reason: CutReason::Skipped,
                    left: (step.left)(),
                });
                continue;
            }
            let begun = Instant::now();
            let result = tokio::select! {
                ended = tokio::time::timeout(limit, step.run) => match ended {
                    Ok(result) => result.map_err(CutReason::Unfinished),
                    Err(_) => Err(CutReason::TimedOut(limit)),
                },
                () = &mut exit_now => {
                    exiting = true;
                    Err(CutReason::TimedOut(begun.elapsed()))
                }
            };
            let result = result.map_err(|reason| {
                // One that ended by itself has said it.
                let ended = matches!(reason, CutReason::Unfinished(_));
                Cut {
                    step: step.name,
                    left: if ended { None } else { (step.left)() },
                    reason,
                }
            });
            cut.extend(finish(step.name, begun.elapsed(), result));
        }
        let report = ShutdownReport {
            cut,
            took: started.elapsed(),
        };
        report.log();
        report
    }
}

/// Logs the end of a step; gives back what was cut, if anything.
fn finish(step: &'static str, took: Duration, result: Result<(), Cut>) -> Option<Cut> {
    let duration_ms = millis(took);
    match result {
        Ok(()) => {
            tracing::info!(step.name = step, duration_ms, "shutdown step completed");
            None
        }
        Err(cut) => {
            let reason = cut.why();
            tracing::warn!(step.name = step, duration_ms, reason, "shutdown step cut");
            Some(cut)
        }
    }
}

impl ShutdownReport {
    /// Whether every step did all of its work: exit code 0, else 1.
    pub fn is_clean(&self) -> bool {
        self.cut.is_empty()
    }

    fn log(&self) {
        let duration_ms = millis(self.took);
        if self.is_clean() {
            tracing::info!(duration_ms, "shutdown completed");
        } else {
            let cut: Vec<_> = self.cut.iter().map(ToString::to_string).collect();
            tracing::error!(duration_ms, cut = cut.join("; "), "shutdown was forced");
        }
    }
}

impl Cut {
    fn why(&self) -> String {
        match &self.left {
            Some(left) => format!("{}, {left}", self.reason),
            None => self.reason.to_string(),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.why())
    }
}

impl fmt::Display for CutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(after) => write!(f, "cut after {} ms", after.as_millis()),
            Self::Unfinished(what) => write!(f, "{what}"),
            Self::Skipped => write!(f, "skipped"),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::future::{pending, ready};

    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn steps_run_in_their_order_and_a_clean_end_cuts_nothing() {
        let order = RefCell::new(Vec::new());
        let note = |name| {
            order.borrow_mut().push(name);
            Ok(())
        };
        let report = Shutdown::new(LONG)
            .step("first", LONG, async { note("first") })
            .step("second", LONG, async { note("second") })
            .run(pending())
            .await;
        assert!(report.is_clean());
        assert_eq!(*order.borrow(), ["first", "second"]);
    }

    #[tokio::test]
    async fn a_step_over_its_limit_is_named_and_the_next_one_runs() {
        let ran = RefCell::new(false);
        let report = Shutdown::new(LONG)
            .step("stuck", SHORT, pending())
            .step("next", LONG, async {
                *ran.borrow_mut() = true;
                Ok(())
            })
            .run(pending())
            .await;
        assert_eq!(report.cut.len(), 1);
        assert_eq!(report.cut[0].to_string(), "stuck: cut after 20 ms");
        assert!(*ran.borrow());
    }

    #[tokio::test]
    async fn what_a_step_left_unfinished_is_reported() {
        let left = Unfinished("3 requests in flight".into());
        let report = Shutdown::new(LONG)
            .step("http", LONG, ready(Err(left)))
            .run(pending())
            .await;
        assert_eq!(report.cut[0].to_string(), "http: 3 requests in flight");
        assert!(!report.is_clean());
    }

    #[tokio::test]
    async fn the_bound_holds_whatever_the_steps_were_promised() {
        let report = Shutdown::new(SHORT)
            .step("stuck", LONG, pending())
            .step("late", LONG, ready(Ok(())))
            .run(pending())
            .await;
        let names: Vec<_> = report.cut.iter().map(|cut| cut.step).collect();
        assert_eq!(names, ["stuck", "late"]);
        assert!(report.took < LONG);
    }

    #[tokio::test]
    async fn a_second_signal_skips_what_is_left_and_each_step_tells_what_it_leaves() {
        let report = Shutdown::new(LONG)
            .step("stuck", LONG, pending())
            .leaving(|| Some("2 requests".into()))
            .step("late", LONG, ready(Ok(())))
            .leaving(|| Some("1 task".into()))
            .run(ready(()))
            .await;
        let told: Vec<_> = report.cut.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["stuck: cut after 0 ms, 2 requests", "late: skipped, 1 task"]
        );
    }
}
