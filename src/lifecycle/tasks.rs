//! The only place that starts tasks and threads.
//!
//! A background task has a name, is started again with a growing pause when it panics, and is
//! asked to stop before it is made to. Not for work that belongs to a request: that is awaited
//! by its handler. The one rule: a task watches its [`StopToken`] wherever it waits.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

/// The pause after the first panic; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts: a task that always panics costs next to nothing, and
/// one whose cause has gone is back within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A task that ran this long before it panicked starts again with the shortest pause.
const STEADY: Duration = Duration::from_mins(1);

/// Tells a task that it should come to its end.
#[derive(Debug, Clone)]
pub struct StopToken {
    stop: watch::Receiver<bool>,
}

impl StopToken {
    /// Whether the task should end now.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until the task should end. Safe to use in `select!`.
    pub async fn stopped(&self) {
        // An error means that `Tasks` itself is gone, which asks for the same.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Sleeps, but not past the request to stop. Returns whether the task should go on.
    pub async fn sleep(&self, duration: Duration) -> bool {
        tokio::select! {
            () = self.stopped() => false,
            () = tokio::time::sleep(duration) => true,
        }
    }
}

/// The background tasks of one process (or of one test). Clones share them.
#[derive(Debug, Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    stop: watch::Sender<bool>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                stop: watch::Sender::new(false),
                running: Mutex::default(),
            }),
        }
    }

    /// A token that is stopped together with the tasks, for work that is awaited elsewhere.
    pub fn token(&self) -> StopToken {
        StopToken {
            stop: self.inner.stop.subscribe(),
        }
    }

    /// Runs `task` in the background, on the runtime this is called in, until it returns.
    ///
    /// When it panics it is made anew after a pause. Panics outside a runtime.
    pub fn supervise<F, Fut>(&self, name: &'static str, task: F)
    where
        F: Fn(StopToken) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let token = self.token();
        let attempts = supervised(name, token.clone(), move |set| {
            set.spawn(task(token.clone()));
        });
        let mut running = self.running();
        let id = running.set.spawn(attempts).id();
        running.names.insert(id, name);
    }

    /// Like [`supervise`](Self::supervise), for a loop without an end that may be dropped wherever
    /// it waits: a sampler, a health check. When the tasks are stopped it just goes.
    pub fn supervise_endless<F, Fut>(&self, name: &'static str, task: F)
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.supervise(name, move |token| {
            let endless = task();
            async move {
                tokio::select! {
                    () = token.stopped() => {}
                    () = endless => {}
                }
            }
        });
    }

    /// Asks every task to stop and waits up to `deadline`, then ends the rest by force.
    ///
    /// Returns the names of those that had to be ended, in no order.
    pub async fn shutdown(&self, deadline: Duration) -> Vec<&'static str> {
        self.inner.stop.send_replace(true);
        let Running { mut set, mut names } = std::mem::take(&mut *self.running());
        let all_ended = async {
            while let Some(ended) = set.join_next_with_id().await {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                names.remove(&id);
            }
        };
        if tokio::time::timeout(deadline, all_ended).await.is_err() {
            // Ends each at its next await; `shutdown` waits until that has happened.
            set.shutdown().await;
        }
        names.into_values().collect()
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a future of one HTTP worker (which may hold what is not `Send`) until it ends or the
/// worker does. A panic ends it and is logged.
///
/// Must be called on a worker: outside a `LocalSet` it panics.
pub fn spawn_local(name: &'static str, future: impl Future<Output = ()> + 'static) {
    let mut set = JoinSet::new();
    set.spawn_local(future);
    detach(async move {
        if let Some(Err(error)) = set.join_next().await
            && error.is_panic()
        {
            tracing::error!(task.name = name, "worker task panicked");
        }
    });
}

/// Like [`spawn_local`], but the task is made anew after a pause when it panics.
pub fn supervise_local<F, Fut>(name: &'static str, token: StopToken, task: F)
where
    F: Fn(StopToken) -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let attempts = supervised(name, token.clone(), move |set| {
        set.spawn_local(task(token.clone()));
    });
    detach(attempts);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that the others are sent to; what it is given is named and watched"
)]
fn detach(task: impl Future<Output = ()> + 'static) {
    tokio::task::spawn_local(task);
}

/// Starts a thread of its own, for a listener that must answer while every worker is stuck.
pub fn spawn_thread<T: Send + 'static>(
    name: &'static str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Runs attempt after attempt until one ends without a panic or the token is stopped.
async fn supervised(name: &'static str, token: StopToken, start: impl Fn(&mut JoinSet<()>)) {
    let mut pause = FIRST_PAUSE;
    // A set of one: dropping it ends the attempt together with its supervisor.
    let mut attempt = JoinSet::new();
    while !token.is_stopping() {
        let started = Instant::now();
        start(&mut attempt);
        match attempt.join_next().await {
            Some(Err(error)) if error.is_panic() => {}
            _ => return,
        }
        pause = next_pause(pause, started.elapsed());
        tracing::error!(
            task.name = name,
            restart_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "background task panicked"
        );
        token.sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}

/// The pause before the next attempt, given the one due and how long the last attempt ran.
fn next_pause(due: Duration, ran_for: Duration) -> Duration {
    if ran_for >= STEADY {
        FIRST_PAUSE
    } else {
        due.min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_pause_is_bounded_and_forgotten_after_a_steady_run() {
        let second = Duration::from_secs(1);
        assert_eq!(next_pause(second, second), second);
        assert_eq!(next_pause(100 * second, second), LONGEST_PAUSE);
        assert_eq!(next_pause(LONGEST_PAUSE, STEADY), FIRST_PAUSE);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_started_again() {
        let tasks = Tasks::new();
        let attempts = Arc::new(AtomicU32::new(0));
        let (done, mut is_done) = watch::channel(false);
        let seen = Arc::clone(&attempts);
        tasks.supervise("shaky", move |_| {
            let (attempt, done) = (seen.fetch_add(1, Ordering::SeqCst), done.clone());
            async move {
                assert!(attempt > 0, "the first attempt fails on purpose");
                done.send_replace(true);
            }
        });
        is_done.wait_for(|done| *done).await.unwrap();
        assert_eq!(attempts.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn shutdown_asks_first_and_names_those_it_had_to_end() {
        let tasks = Tasks::new();
        tasks.supervise("polite", |stop| async move { stop.stopped().await });
        let (begun, mut has_begun) = watch::channel(false);
        tasks.supervise("deaf", move |_| {
            begun.send_replace(true);
            std::future::pending()
        });
        has_begun.wait_for(|begun| *begun).await.unwrap();
        tasks.supervise_endless("sampler", std::future::pending);
        let cut = tasks.shutdown(Duration::from_millis(50)).await;
        assert_eq!(cut, ["deaf"]);
        assert_eq!(tasks.shutdown(Duration::ZERO).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_sleep_ends_early_when_the_tasks_are_stopped() {
        let tasks = Tasks::new();
        let token = tasks.token();
        assert!(token.sleep(Duration::ZERO).await);
        tasks.shutdown(Duration::ZERO).await;
        assert!(!token.sleep(Duration::from_hours(1)).await);
    }

    #[tokio::test]
    async fn a_worker_task_runs_on_the_thread_it_was_started_on() {
        let local = tokio::task::LocalSet::new();
        let here = std::thread::current().id();
        let (send, receive) = tokio::sync::oneshot::channel();
        local
            .run_until(async {
                spawn_local("where", async {
                    let _ = send.send(std::thread::current().id());
                });
                assert_eq!(receive.await.unwrap(), here);
            })
            .await;
    }

    #[test]
    fn a_thread_carries_its_name() {
        let name = spawn_thread("admin", || std::thread::current().name().map(String::from));
        assert_eq!(name.unwrap().join().unwrap().as_deref(), Some("admin"));
    }
}
