//! The service in the chaos: killed, stopped in its tracks, and started again, each time on another port.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;

use super::nemesis::{Fault, Victim, millis};
use crate::support::eventually::eventually;
use crate::support::process::{Finished, Process, Program};

/// For what takes a moment on a quiet machine.
const SOON: Duration = Duration::from_secs(30);

/// The service.
pub(crate) struct Service {
    program: Box<dyn Fn() -> Program>,
    process: Process,
    listens: watch::Sender<Option<SocketAddr>>,
}

impl Service {
    /// Starts it.
    pub(crate) async fn start(program: impl Fn() -> Program + 'static) -> Self {
        let process = program().serve().await;
        let (listens, _) = watch::channel(Some(process.public().address()));
        Self {
            program: Box::new(program),
            process,
            listens,
        }
    }

    /// The process that it is now.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Where it listens, from now on.
    pub(crate) fn address(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.listens.subscribe()
    }

    /// Waits until it asks for traffic.
    pub(crate) async fn ready(&self) {
        let client = self.process.public();
        eventually("the service to be ready", SOON, async || {
            let answer = client.get("/health/ready").send().await;
            (answer.status == 200).then_some(()).ok_or(answer.text())
        })
        .await;
    }

    /// Ends it in order.
    pub(crate) async fn end(mut self) -> Finished {
        self.process.signal("TERM");
        self.process.wait_exit(SOON).await
    }

    async fn kill(&mut self, away: Duration) {
        self.process.signal("KILL");
        // Whoever connects to its port now may reach another test's service.
        self.listens.send_replace(None);
        let killed = self.process.wait_exit(SOON).await;
        assert_eq!(killed.code, None, "it ended before: {killed:?}");
        tokio::time::sleep(away).await;
        self.process = (self.program)().serve().await;
        let address = self.process.public().address();
        self.listens.send_replace(Some(address));
    }
}

impl Victim for Service {
    const QUIET: (u64, u64) = (1_000, 3_500);

    fn faults(&self) -> &'static [Fault] {
        // Of three faults two are kills.
        &[Fault::Kill, Fault::Kill, Fault::Pause]
    }

    async fn suffer(&mut self, fault: Fault, rng: &mut fastrand::Rng) {
        if fault == Fault::Kill {
            return self.kill(millis(rng, 0..600)).await;
        }
        self.process.signal("STOP");
        tokio::time::sleep(millis(rng, 100..3_000)).await;
        self.process.signal("CONT");
    }
}
