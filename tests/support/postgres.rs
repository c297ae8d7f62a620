//! A PostgreSQL cluster of one test's own, to be paused, killed and started again. Made from what `scripts/with-postgres`
//! laid out; it ends with its value, and at the latest with that script.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::asked;
use super::eventually::{eventually, eventually_or_never};
use super::processes::{descendants, signal};

/// Longest wait for a server to start or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `scripts/with-postgres` leaves in the environment.
pub(crate) fn provided(variable: &str) -> String {
    asked(variable).unwrap_or_else(|| {
        panic!(
            "{variable} is not set: this test needs PostgreSQL. Run `make test`, or `scripts/with-postgres cargo test NAME` \
             for some tests, or `make test-fast` for those that need none"
        )
    })
}

/// The cluster.
pub(crate) struct PrivateCluster {
    folder: PathBuf,
    port: u16,
    password: String,
    server: Option<Child>,
}

impl PrivateCluster {
    /// Makes and starts one.
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let provided = PathBuf::from(provided("TEST_POSTGRES_FOLDER"));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = provided.join(format!("private-{}-{number}", std::process::id()));
        let mut copy = Command::new("cp");
        assert!(
            copy.arg("-a")
                .arg(provided.join("pristine"))
                .arg(&folder)
                .status()
                .expect("`cp` runs")
                .success()
        );
        let password = std::fs::read_to_string(provided.join("password"))
            .expect("the script wrote it")
            .trim()
            .to_owned();
        let mut cluster = Self {
            folder,
            port: 0,
            password,
            server: None,
        };
        // There is no port 0 for PostgreSQL. Below the range that the kernel gives out itself, so that a cluster that is
        // stopped finds its port free when it starts again.
        for _ in 0..50 {
            cluster.port = fastrand::u16(15_000..30_000);
            if cluster.try_start().await {
                return cluster;
            }
        }
        panic!("PostgreSQL did not start:\n{}", cluster.log());
    }

    /// Where it listens, also while it is away.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The superuser's URL.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://glasshouse:{}@{}/postgres",
            self.password,
            self.address()
        )
    }

    /// Stops every process of it in its tracks: connections stay open, and nothing answers.
    pub(crate) fn pause(&self) {
        signal(&[self.pid()], "STOP"); // first, so that it starts no process that would be missed
        signal(&descendants(self.pid()), "STOP");
    }

    /// Undoes [`pause`](Self::pause).
    pub(crate) fn resume(&self) {
        signal(&descendants(self.pid()), "CONT");
        signal(&[self.pid()], "CONT");
    }

    /// Ends it without a goodbye to anybody, as a crash would. Blocks until it has ended.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let mut all = descendants(server.id());
        all.push(server.id());
        signal(&all, "CONT"); // a paused process heeds nothing else
        signal(&[server.id()], "QUIT");
        if !eventually_or_never(PATIENCE, || {
            server.try_wait().is_ok_and(|status| status.is_some())
        }) {
            signal(&all, "KILL");
            let _code = server.wait();
        }
    }

    /// Ends it, and lets this thread do other things meanwhile: by `QUIT`, as a crash would, or by `INT`, which rolls back
    /// what is open and then shuts down in order.
    pub(crate) async fn end_by(&mut self, name: &str) {
        let server = self.server.as_mut().expect("it runs");
        signal(&[server.id()], name);
        eventually("PostgreSQL to end", PATIENCE, async || {
            server.try_wait().is_ok_and(|status| status.is_some())
        })
        .await;
        self.server = None;
    }

    /// Starts it again where it was.
    pub(crate) async fn start_again(&mut self) {
        assert!(
            self.try_start().await,
            "PostgreSQL did not start again:\n{}",
            self.log()
        );
    }

    /// Crash and recovery.
    pub(crate) async fn restart_immediate(&mut self) {
        self.stop();
        self.start_again().await;
    }

    fn pid(&self) -> u32 {
        self.server.as_ref().expect("it runs").id()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Whether it came up; not, when the port is taken.
    async fn try_start(&mut self) -> bool {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.folder.join("log"))
            .expect("a log");
        let mut command =
            Command::new(PathBuf::from(provided("TEST_POSTGRES_FOLDER")).join("server"));
        command
            .arg("-D")
            .arg(&self.folder)
            .arg("-p")
            .arg(self.port.to_string());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let server = self
            .server
            .insert(command.spawn().expect("the script laid it out"));
        let pid_file = self.folder.join("postmaster.pid");
        let up = eventually("PostgreSQL to start", PATIENCE, async || {
            if server.try_wait().expect("a child").is_some() {
                return Some(false);
            }
            // The first line is whose file it is: after a crash that of the former server is still there.
            let state = std::fs::read_to_string(&pid_file).unwrap_or_default();
            let mut lines = state.lines();
            let own = lines.next() == Some(server.id().to_string().as_str());
            (own && lines.nth(6).is_some_and(|state| state.trim() == "ready")).then_some(true)
        });
        let up = up.await;
        if !up {
            self.server = None;
        }
        up
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        self.stop();
        let _left_to_the_script = std::fs::remove_dir_all(&self.folder);
    }
}
