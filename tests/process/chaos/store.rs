//! The database in the chaos. PostgreSQL is paused, restarted, shut down for a while, and behind a line that goes bad in every
//! way; of an SQLite file somebody else holds the lock for writing.

use std::time::Duration;

use super::nemesis::{Fault, Victim, millis};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::postgres::PrivateCluster;
use crate::support::proxy::{Mode, Proxy};

/// For what takes a moment on a quiet machine.
const SOON: Duration = Duration::from_secs(30);

/// How long the line is cut at least: no connection overlooks it.
const SNAP: Duration = Duration::from_millis(20);

/// The database.
pub(crate) struct Store {
    database: TestDatabase,
    server: Option<Server>,
}

/// PostgreSQL, and the line that leads to it.
struct Server {
    cluster: PrivateCluster,
    line: Proxy,
}

impl Store {
    /// An empty one.
    pub(crate) async fn open(backend: Backend) -> Self {
        if backend == Backend::Sqlite {
            return Self {
                database: TestDatabase::empty(backend),
                server: None,
            };
        }
        let cluster = PrivateCluster::start().await;
        let line = Proxy::to(cluster.address()).await;
        Self {
            database: TestDatabase::inside(&cluster),
            server: Some(Server { cluster, line }),
        }
    }

    /// Past all that is in the way of the service.
    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// What the service is to connect to.
    pub(crate) fn url(&self) -> String {
        let url = self.database.url();
        let through = |server: &Server| server.line.url(url);
        self.server.as_ref().map_or_else(|| url.to_owned(), through)
    }

    /// Waits until nobody is at work in it any more, once the service has ended.
    pub(crate) async fn quiet(&self) {
        if self.server.is_some() {
            let connected = "SELECT count(*) AS number FROM pg_stat_activity WHERE application_name = 'glasshouse'";
            eventually("the last connection to end", SOON, async || {
                self.database.number(connected) == 0
            })
            .await;
        }
    }
}

impl Victim for Store {
    const QUIET: (u64, u64) = (400, 2_200);

    fn faults(&self) -> &'static [Fault] {
        match self.server {
            None => &[Fault::Lock],
            Some(_) => &[
                Fault::PausePostgres,
                Fault::RestartFast,
                Fault::RestartImmediate,
                Fault::ShutDown,
                Fault::TurnAway,
                Fault::Reset,
                Fault::BlackHole,
                Fault::Mute,
                Fault::Sever,
                Fault::CutAfter,
            ],
        }
    }

    async fn suffer(&mut self, fault: Fault, rng: &mut fastrand::Rng) {
        match &mut self.server {
            None => lock(&self.database, millis(rng, 200..4_000)).await,
            Some(server) => server.suffer(fault, rng).await,
        }
    }
}

async fn lock(database: &TestDatabase, time: Duration) {
    let held = eventually("a moment when nobody writes", SOON, async || {
        database.try_write_lock()
    });
    let held = held.await;
    tokio::time::sleep(time).await;
    drop(held);
}

impl Server {
    async fn suffer(&mut self, fault: Fault, rng: &mut fastrand::Rng) {
        let mut time = |least, most| millis(rng, least..most);
        match fault {
            Fault::PausePostgres => {
                self.cluster.pause();
                tokio::time::sleep(time(200, 3_500)).await;
                self.cluster.resume();
            }
            Fault::RestartFast => self.restart("INT", Duration::ZERO).await,
            Fault::RestartImmediate => self.restart("QUIT", Duration::ZERO).await,
            Fault::ShutDown => self.restart("INT", time(500, 3_500)).await,
            Fault::TurnAway => self.bad_line(Mode::TurnAway, time(300, 2_500)).await,
            Fault::Reset => self.bad_line(Mode::Cut, time(20, 1_500)).await,
            Fault::BlackHole => self.bad_line(Mode::Freeze, time(200, 3_500)).await,
            Fault::Sever => {
                self.line.set(Mode::Freeze);
                tokio::time::sleep(time(50, 1_400)).await;
                self.bad_line(Mode::Cut, SNAP).await;
            }
            Fault::Mute => {
                self.line.set(Mode::Mute);
                tokio::time::sleep(time(50, 1_400)).await;
                self.bad_line(Mode::Cut, SNAP).await;
            }
            _ => {
                let bytes = rng.usize(100..20_000);
                let time = millis(rng, 300..2_000);
                self.bad_line(Mode::CutAfter(bytes), time).await;
            }
        }
    }

    async fn restart(&mut self, signal: &str, away: Duration) {
        self.cluster.end_by(signal).await;
        tokio::time::sleep(away).await;
        self.cluster.start_again().await;
    }

    async fn bad_line(&self, mode: Mode, time: Duration) {
        self.line.set(mode);
        tokio::time::sleep(time).await;
        self.line.set(Mode::Pass);
    }
}
