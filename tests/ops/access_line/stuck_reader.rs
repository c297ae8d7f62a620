//! A reader of the log that reads no more: the service goes on as if nothing were, and counts what it could not say.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::{Listener, address_in};
use crate::support::client::Client;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::metrics::Metrics;

const SOON: Duration = Duration::from_secs(20);

/// The program, its log read up to the line that tells of its start, and not a line further.
struct Unread {
    child: Child,
    log: Option<BufReader<ChildStdout>>,
    /// Those that were read.
    lines: u64,
    public: Client,
    admin: Client,
}

impl Unread {
    #[expect(
        clippy::zombie_processes,
        reason = "the runner reaps it if the start fails"
    )]
    fn start(database: &TestDatabase, filter: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glasshouse"))
            .env_clear()
            .current_dir(database.folder())
            .env("DATABASE_URL", database.url())
            .env("PORT", "0")
            .env("GLASSHOUSE_ADMIN__PORT", "0")
            .env("GLASSHOUSE_LOG__FILTER", filter)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program was built");
        let mut log = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = 0;
        loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).expect("a pipe"), 0, "it ended");
            lines += 1;
            let line: Value = serde_json::from_str(&line).expect("JSON");
            let find = |which| address_in(&line, which);
            if let Some((public, admin)) = find(Listener::Public).zip(find(Listener::Admin)) {
                return Self {
                    child,
                    log: Some(log),
                    lines,
                    public: Client::new(public),
                    admin: Client::new(admin),
                };
            }
        }
    }

    /// Sends requests until lines are lost; the longest that one took.
    async fn fill(&self) -> Duration {
        let mut longest = Duration::ZERO;
        eventually("lines to be lost", SOON, async || {
            for _ in 0..100 {
                let asked = Instant::now();
                self.public.get("/").send().await.expect(200);
                longest = longest.max(asked.elapsed());
            }
            lost(&self.admin.metrics().await) > 1_000.0
        })
        .await;
        longest
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _code = self.child.wait();
    }
}

fn lost(metrics: &Metrics) -> f64 {
    metrics.value("log_lines_dropped_total", &[])
}

#[actix_web::test]
async fn a_reader_that_is_stuck_holds_up_nothing_and_what_is_lost_is_counted() {
    let database = TestDatabase::empty(Backend::Sqlite);
    // At TRACE a request is worth dozens of lines, so that the queue is full soon.
    let mut program = Unread::start(&database, "trace");
    let longest = program.fill().await;
    assert!(
        longest < Duration::from_secs(1),
        "a request took {longest:?}"
    );

    // From here on nothing more is said, so the numbers stand still while they are compared.
    let off = program
        .admin
        .put("/log")
        .json(&json!({"filter": "off"}))
        .send();
    off.await.expect(200);
    let read = Arc::new(AtomicU64::new(program.lines));
    let count = Arc::clone(&read);
    let mut log = program.log.take().expect("it was not taken before");
    #[expect(
        clippy::disallowed_methods,
        reason = "reading a pipe blocks; it ends with the program"
    )]
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            serde_json::from_slice::<Value>(&line).expect("a whole line of JSON");
            count.fetch_add(1, Relaxed);
            line.clear();
        }
    });
    let admin = &program.admin;
    eventually(
        "each event to be read or counted as lost",
        SOON,
        async || {
            let metrics = admin.metrics().await;
            let events = metrics.sum("log_events_total", &[]);
            let read = f64::from(u32::try_from(read.load(Relaxed)).expect("not that many"));
            if (events - lost(&metrics) - read).abs() < 0.5 {
                Ok(())
            } else {
                Err((events, lost(&metrics), read))
            }
        },
    )
    .await;
    eprintln!("a stuck reader: the longest request took {longest:?}");
}

#[actix_web::test]
async fn a_reader_that_goes_away_ends_nothing() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let mut program = Unread::start(&database, "trace");
    drop(program.log.take());
    let longest = program.fill().await;
    assert!(
        longest < Duration::from_secs(1),
        "a request took {longest:?}"
    );
    let live = program.public.get("/health/live").send().await;
    live.expect(200);
}
