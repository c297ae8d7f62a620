//! One client's way to the service: finds it again after a restart, waits for an answer no longer than its patience, and
//! never sends anything twice by itself.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

use super::history::{Line, Order, Reply, Span, Status};
use crate::support::client::{Account, Answer, Call, Client};

/// What clients are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Whatever comes to their minds.
    Shop,
    /// Nothing new; find out what became of everything.
    Settle,
}

/// Where the service is, and what clients are to do: the same for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Town {
    pub(crate) begun: Instant,
    /// `None` while nobody listens.
    pub(crate) service: watch::Receiver<Option<SocketAddr>>,
    pub(crate) phase: watch::Receiver<Phase>,
}

impl Town {
    /// Whether to go on with new things.
    pub(crate) fn is_open(&self) -> bool {
        *self.phase.borrow() == Phase::Shop
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(Answer),
    Nothing,
    Nobody,
}

/// A client on its way to the service.
pub(crate) struct Caller {
    town: Town,
    account: Account,
    known: RefCell<Option<Client>>,
    rng: RefCell<fastrand::Rng>,
}

/// The least and the most that a client waits for an answer. Less than a paused service or database takes, now and then.
const PATIENCE: (u64, u64) = (300, 4_000);

impl Caller {
    /// As this account; all that it draws comes from the seed.
    pub(crate) fn new(town: Town, account: Account, seed: u64) -> Self {
        Self {
            town,
            account,
            known: RefCell::new(None),
            rng: RefCell::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// Whom it acts for.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Whether to go on with new things.
    pub(crate) fn may_shop(&self) -> bool {
        self.town.is_open()
    }

    /// Draws from 0 to just below.
    pub(crate) fn below(&self, limit: usize) -> usize {
        self.rng.borrow_mut().usize(0..limit.max(1))
    }

    /// One of these, if there are any.
    pub(crate) fn one_of<T: Clone>(&self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).cloned()
    }

    /// Lets a moment pass.
    pub(crate) async fn rest(&self, least: u64, most: u64) {
        let rest = self.rng.borrow_mut().u64(least..=most);
        tokio::time::sleep(Duration::from_millis(rest)).await;
    }

    /// Sends it once.
    pub(crate) async fn ask(&self, call: impl FnOnce(&Client) -> Call) -> (Span, Heard) {
        let client = self.client().await;
        let patience = self.rng.borrow_mut().u64(PATIENCE.0..=PATIENCE.1);
        let patience = Duration::from_millis(patience);
        let asked = self.town.begun.elapsed();
        let call = call(&client).token(&self.account);
        let heard = match tokio::time::timeout(patience, call.try_send()).await {
            Ok(Ok(answer)) => Heard::Answer(answer),
            Ok(Err(error)) if error.is_connect() => Heard::Nobody,
            Ok(Err(_)) | Err(_) => Heard::Nothing,
        };
        let answered = self.town.begun.elapsed();
        (Span { asked, answered }, heard)
    }

    /// Waits until somebody listens, and keeps the connections to it for the next time.
    async fn client(&self) -> Client {
        let mut service = self.town.service.clone();
        let address = service.wait_for(Option::is_some).await;
        let address = address.expect("it outlives its clients");
        let address = address.expect("it was waited for");
        let mut known = self.known.borrow_mut();
        match known.as_ref() {
            Some(client) if client.address() == address => client.clone(),
            _ => known.insert(Client::new(address)).clone(),
        }
    }
}

/// What an answer means, as far as all requests have it in common; what is left is for `read`, which gives `None` for what it
/// does not know either. That is written down as an oddity.
pub(crate) fn understand<T>(
    heard: &Heard,
    oddities: &mut Vec<String>,
    what: &str,
    read: impl FnOnce(&Answer) -> Option<T>,
) -> Reply<T> {
    let answer = match heard {
        Heard::Answer(answer) => answer,
        Heard::Nothing => return Reply::Lost,
        Heard::Nobody => return Reply::NotSent,
    };
    match answer.status {
        // 408: the service was stopped in its tracks while it read the request.
        status @ (408 | 503) => Reply::Failed(status),
        409 if code(answer) == "idempotency_in_progress" => Reply::InProgress,
        status => read(answer).map_or_else(
            || {
                oddities.push(format!("{what}: {status} {}", answer.text()));
                Reply::Unexpected
            },
            Reply::Told,
        ),
    }
}

/// The code of a problem document; empty for all else.
pub(crate) fn code(answer: &Answer) -> String {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    document["code"].as_str().unwrap_or_default().to_owned()
}

/// An order in an answer; `None` when it is none.
pub(crate) fn order(document: &Value) -> Option<Order> {
    let line = |line: &Value| {
        Some(Line {
            product: line["product_id"].as_str()?.to_owned(),
            quantity: line["quantity"].as_i64()?,
            price_cents: line["unit_price_cents"].as_i64()?,
            total_cents: line["line_total_cents"].as_i64()?,
        })
    };
    let lines = document["items"].as_array()?.iter().map(line);
    Some(Order {
        id: document["id"].as_str()?.to_owned(),
        status: Status::named(document["status"].as_str()?)?,
        lines: lines.collect::<Option<_>>()?,
        total_cents: document["total_cents"].as_i64()?,
    })
}

/// An answer with an order in it.
pub(crate) fn order_in(answer: &Answer) -> Option<Order> {
    order(&serde_json::from_slice(&answer.body).ok()?)
}
