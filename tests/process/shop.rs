//! A running service with something to sell, and buyers who order from it without a pause, as they would through a load
//! balancer: no request is sent twice, and every answer is counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::support::app;
use crate::support::client::{Account, PASSWORD};
use crate::support::database::TestDatabase;
use crate::support::process::{Finished, Process, Program};
use crate::support::raw::{Raw, RawResponse};

/// Between two questions of the load balancer.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// How long requests still come after the load balancer has seen that the instance is not ready.
const AFTER_PROBE: Duration = Duration::from_millis(200);

/// The service, an account that buys, and a product that does not run out.
pub(crate) struct Shop {
    pub(crate) process: Process,
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) buyer: Account,
    pub(crate) product: String,
}

impl Shop {
    /// Starts the program on this database and fills the shelf.
    pub(crate) async fn open(program: Program, database: &Arc<TestDatabase>) -> Self {
        let process = program.serve().await;
        app::create_operator(database, "operator@example.com", PASSWORD);
        let client = process.public();
        let operator = client.login("operator@example.com").await;
        Self {
            buyer: client.register("buyer@example.com").await,
            product: client.create_product(&operator, "LAMP-1", 1_000_000).await,
            process,
            database: Arc::clone(database),
        }
    }

    /// The order that buyers place, as bytes: head and body.
    pub(crate) fn order(&self) -> (String, String) {
        let body = format!(
            r#"{{"items":[{{"product_id":"{}","quantity":1}}]}}"#,
            self.product
        );
        let head = format!(
            "POST /api/v1/orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.buyer.access_token,
            body.len()
        );
        (head, body)
    }

    /// How many orders the database has.
    pub(crate) fn orders(&self) -> i64 {
        self.database
            .number("SELECT count(*) AS number FROM orders")
    }

    /// Buyers, on a connection each, until somebody tells them to leave.
    pub(crate) fn let_in(&self, buyers: usize) -> Crowd {
        let crowd = Crowd::default();
        let (address, (head, body)) = (self.process.public().address(), self.order());
        let mut running = JoinSet::new();
        for _ in 0..buyers {
            let (tally, request) = (Rc::clone(&crowd.tally), format!("{head}{body}"));
            running.spawn_local(async move {
                let mut connection = None;
                while !tally.leaving.get() {
                    let mut raw = match connection.take() {
                        Some(raw) => raw,
                        None => Raw::connect(address).await,
                    };
                    let sent = raw.try_send(&request).await;
                    match if sent { raw.response().await } else { None } {
                        Some(answer) => {
                            tally.note(&answer);
                            if answer.header("connection") != Some("close") {
                                connection = Some(raw);
                            }
                        }
                        None => tally.lost.set(tally.lost.get() + 1),
                    }
                }
            });
        }
        Crowd { running, ..crowd }
    }

    /// Asks the probe as a load balancer does, and sends the crowd away a moment after it was told to. Gives back how
    /// long after `asked` the first 503 came.
    pub(crate) async fn balance(&self, crowd: Crowd, asked: Instant) -> (Rc<Tally>, Duration) {
        let client = self.process.public();
        while client.get("/health/ready").send().await.status == 200 {
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
        let noticed = asked.elapsed();
        tokio::time::sleep(AFTER_PROBE).await;
        (crowd.leave().await, noticed)
    }
}

/// Buyers at work.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) tally: Rc<Tally>,
    running: JoinSet<()>,
}

impl Crowd {
    /// Lets each finish what it is at.
    pub(crate) async fn leave(mut self) -> Rc<Tally> {
        self.tally.leaving.set(true);
        while let Some(ended) = self.running.join_next().await {
            ended.expect("no connection was refused");
        }
        Rc::clone(&self.tally)
    }
}

/// What buyers were answered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Answered with 201.
    pub(crate) placed: Cell<i64>,
    /// Answered, and told to come back on another connection.
    pub(crate) sent_elsewhere: Cell<i64>,
    /// Sent, and never answered.
    pub(crate) lost: Cell<i64>,
    /// Answered with anything else.
    pub(crate) others: RefCell<Vec<String>>,
    leaving: Cell<bool>,
}

impl Tally {
    fn note(&self, answer: &RawResponse) {
        if answer.header("connection") == Some("close") {
            self.sent_elsewhere.set(self.sent_elsewhere.get() + 1);
        }
        if answer.status == 201 {
            self.placed.set(self.placed.get() + 1);
        } else {
            let other = format!("{} {}", answer.status, answer.text());
            self.others.borrow_mut().push(other);
        }
    }

    /// Fails unless every request was answered with 201.
    #[track_caller]
    pub(crate) fn assert_all_placed(&self) {
        assert_eq!(self.lost.get(), 0, "{self:?}");
        assert!(self.others.borrow().is_empty(), "{self:?}");
        assert!(self.placed.get() > 0, "{self:?}");
    }
}

/// The messages of its log, in order.
pub(crate) fn messages(finished: &Finished) -> Vec<String> {
    let lines = finished.stdout.lines();
    lines
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            line["message"].as_str().expect("a message").to_owned()
        })
        .collect()
}

/// Fails unless it ended by itself, in order, and said so with its last line.
#[track_caller]
pub(crate) fn assert_ended_in_order(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr, "", "{finished:?}");
    let messages = messages(finished);
    let last = messages.last().map(String::as_str);
    assert_eq!(last, Some("shutdown completed"), "{finished:?}");
}
