//! Load that goes on while the database is taken away, and a record of all that it saw. It runs on a thread of its own, so
//! that what the test does to the database does not falsify the times.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::client::{Account, Answer, Call, Client};
use crate::support::eventually::eventually;
use crate::support::machine::{Stalls, Watch};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For something that is read from the database.
    Read,
    /// To place an order.
    Write,
    /// For something that needs no database.
    Elsewhere,
    /// Liveness.
    Live,
    /// Readiness.
    Ready,
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    /// When it was asked for.
    pub(crate) asked: Instant,
    pub(crate) answered: Instant,
    /// For how long of it the machine ran.
    pub(crate) took: Duration,
    pub(crate) status: u16,
    /// Whether it says when to come back.
    pub(crate) says_when: bool,
    /// Its body, where it is not simply good.
    #[expect(dead_code, reason = "it is shown when a test fails")]
    text: String,
}

/// Who asks, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) public: SocketAddr,
    pub(crate) account: Account,
    pub(crate) product: String,
}

/// Load that goes on.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Seen>>,
    watch: Watch,
}

/// Clients of each kind that read or write.
const CLIENTS: usize = 6;

/// Between two requests of one client. A human's patience, and enough to fill any pool with the six of them.
const PAUSE: Duration = Duration::from_millis(15);

/// Longer than the last requests can take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at a probe.
const PROBING: Duration = Duration::from_millis(40);

impl Load {
    /// From now on.
    pub(crate) fn start(errand: &Errand) -> Self {
        let (stop, errand) = (Arc::new(AtomicBool::new(false)), errand.clone());
        let asked_to = Arc::clone(&stop);
        #[expect(clippy::disallowed_methods, reason = "it is joined by `stop`")]
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(run(errand, &asked_to))
        });
        Self {
            stop,
            thread,
            watch: Watch::start().expect("processors to watch"),
        }
    }

    /// Ends it; what it saw, in the order of the questions.
    pub(crate) async fn stop(self) -> Record {
        self.stop.store(true, Relaxed);
        // Not blocking: the proxy that the last requests go through may be on this thread.
        eventually("the load to end", PATIENCE, async || {
            self.thread.is_finished()
        })
        .await;
        let mut seen = self.thread.join().expect("it does not panic");
        seen.sort_by_key(|seen| seen.asked);
        let stalls = self.watch.stop().expect("all of them watched");
        for seen in &mut seen {
            seen.took = stalls.running(seen.asked, seen.answered);
        }
        Record { seen, stalls }
    }
}

async fn run(errand: Errand, stop: &AtomicBool) -> Vec<Seen> {
    let client = Client::new(errand.public);
    let read = |_| {
        ask(Kind::Read, PAUSE, stop, || {
            let path = format!("/api/v1/products/{}", errand.product);
            client.get(&path)
        })
    };
    let write = |_| {
        ask(Kind::Write, PAUSE, stop, || {
            let body = json!({"items": [{"product_id": errand.product, "quantity": 1}]});
            let call = client.post("/api/v1/orders").token(&errand.account);
            call.json(&body)
        })
    };
    let others = async {
        tokio::join!(
            ask(Kind::Elsewhere, PROBING, stop, || client.get("/docs")),
            ask(Kind::Live, PROBING, stop, || client.get("/health/live")),
            ask(Kind::Ready, PROBING, stop, || client.get("/health/ready")),
        )
    };
    let (reads, writes, (elsewhere, live, probed)) = tokio::join!(
        join_all((0..CLIENTS).map(read)),
        join_all((0..CLIENTS).map(write)),
        others,
    );
    let mut all = [reads, writes].concat().concat();
    all.extend([elsewhere, live, probed].concat());
    all
}

/// One client, who asks again and again.
async fn ask(kind: Kind, pause: Duration, stop: &AtomicBool, call: impl Fn() -> Call) -> Vec<Seen> {
    let mut all = Vec::new();
    while !stop.load(Relaxed) {
        let asked = Instant::now();
        // A connection that breaks is an answer too: the worst one.
        let answer = call().try_send().await;
        all.push(Seen::of(kind, asked, answer));
        tokio::time::sleep(pause).await;
    }
    all
}

impl Seen {
    fn of(kind: Kind, asked: Instant, answer: Result<Answer, reqwest::Error>) -> Self {
        let answered = Instant::now();
        let (status, says_when, text) = match answer {
            Ok(answer) => {
                let says_when = answer.header("retry-after").is_some();
                (answer.status, says_when, answer.text())
            }
            Err(error) => (0, false, format!("{error:?}")),
        };
        // What is well is not looked at, and there is much of it.
        let text = if matches!(status, 200 | 201) && kind != Kind::Ready {
            String::new()
        } else {
            text
        };
        Self {
            kind,
            asked,
            answered,
            took: answered - asked,
            status,
            says_when,
            text,
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        matches!(self.status, 200 | 201)
    }
}

/// Longest time for an answer, whatever the database does.
pub(crate) const LONGEST: Duration = Duration::from_millis(2_200);

/// What the load saw. All times are those in which the machine ran.
pub(crate) struct Record {
    seen: Vec<Seen>,
    stalls: Stalls,
}

impl Record {
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.kind == kind)
    }

    /// Nothing but good answers and 503 with `Retry-After`, each in time; liveness and what needs no database never
    /// fail at all.
    #[track_caller]
    pub(crate) fn assert_honest(&self) {
        for seen in &self.seen {
            let expected = match seen.kind {
                Kind::Read | Kind::Write => seen.is_good() || seen.status == 503 && seen.says_when,
                Kind::Ready => matches!(seen.status, 200 | 503),
                Kind::Elsewhere | Kind::Live => seen.status == 200,
            };
            assert!(expected, "{seen:?}");
            assert!(seen.took < LONGEST, "{seen:?}");
        }
    }

    /// How many of a kind failed that were asked for in that time.
    pub(crate) fn failed(&self, kind: Kind, from: Instant, to: Instant) -> usize {
        let asked = |seen: &&Seen| (from..to).contains(&seen.asked);
        self.of(kind)
            .filter(asked)
            .filter(|seen| !seen.is_good())
            .count()
    }

    /// How long after that moment the first good answer of a kind came, to a question from before or after it, and how
    /// long after it the last bad one.
    pub(crate) fn recovery(&self, kind: Kind, repaired: Instant) -> (Duration, Duration) {
        let after = |good: bool| {
            self.of(kind)
                .filter(move |seen| seen.is_good() == good && seen.answered >= repaired)
                .map(move |seen| self.stalls.running(repaired, seen.answered))
        };
        let first = after(true)
            .min()
            .unwrap_or_else(|| panic!("never good again: {kind:?}"));
        (first, after(false).max().unwrap_or_default())
    }

    /// When after that moment readiness flipped, if it did.
    pub(crate) fn unready_after(&self, moment: Instant) -> Option<Instant> {
        let flip = self
            .of(Kind::Ready)
            .find(|seen| seen.asked >= moment && seen.status == 503)?;
        Some(flip.answered)
    }

    /// How long between two moments the machine ran.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Duration {
        self.stalls.running(from, to)
    }

    /// The longest answer of a kind, and the one that 99 of 100 are not longer than.
    pub(crate) fn times(&self, kind: Kind) -> (Duration, Duration) {
        let mut times: Vec<_> = self.of(kind).map(|seen| seen.took).collect();
        times.sort_unstable();
        let most = times.last().copied().unwrap_or_default();
        let p99 = times.get(times.len() * 99 / 100).copied();
        (most, p99.unwrap_or(most))
    }

    /// The numbers of a report.
    pub(crate) fn summary(&self, what: &str) -> String {
        let of = |kind| {
            let (most, p99) = self.times(kind);
            let bad = self.of(kind).filter(|seen| !seen.is_good()).count();
            format!(
                "{kind:?} {} ({bad} bad), p99 {p99:.1?}, most {most:.1?}",
                self.of(kind).count()
            )
        };
        let kinds = [Kind::Read, Kind::Write, Kind::Live, Kind::Ready].map(of);
        format!("{what}: {}; {}", kinds.join("; "), self.stalls.summary())
    }
}
