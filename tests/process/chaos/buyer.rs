//! Buyers: they place orders under keys, repeat themselves, change their minds and look again, each on an account of its own.
//! In the end each finds out what became of everything that it was not told.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::caller::{Caller, code, order, order_in, understand};
use super::history::{Decision, History, Listing, Order, Purchase, Reply, Sighting, Span, Status};
use super::market::Market;
use super::steps::Steps;
use crate::support::client::Answer;

/// One buyer.
pub(crate) struct Buyer {
    caller: Caller,
    market: Rc<Market>,
    history: History,
    steps: Steps,
    /// Wishes whose outcome is open, by their place in the history.
    open: Vec<usize>,
    /// Orders of its own that it knows of.
    own: Vec<String>,
}

/// Longest time to find out what became of everything, when nothing is wrong any more.
pub(crate) const SETTLING: Duration = Duration::from_mins(1);

/// Where orders are.
const ORDERS: &str = "/api/v1/orders";

/// Orders on one page of a list.
const PAGE: usize = 20;

/// The most that a page can hold.
const LARGEST_PAGE: usize = 100;

/// Some of its orders, and where the next ones are.
struct Page {
    orders: Vec<Order>,
    next: Option<String>,
}

impl Buyer {
    pub(crate) fn new(client: String, caller: Caller, market: Rc<Market>) -> Self {
        let history = History {
            client,
            account: caller.account().id.clone(),
            ..History::default()
        };
        Self {
            caller,
            market,
            history,
            steps: Steps::default(),
            open: Vec::new(),
            own: Vec::new(),
        }
    }

    /// Shops until it is told to settle, and gives back what it wrote down.
    pub(crate) async fn run(mut self) -> History {
        while self.caller.may_shop() {
            match self.caller.below(100) {
                0..45 => self.buy(1).await,
                // Impatient: the same again before the answer is there.
                45..52 => self.buy(2).await,
                52..61 => self.repeat_any().await,
                61..70 => self.retry_open().await,
                70..77 => self.cancel().await,
                77..80 => self.retry_step().await,
                80..93 => self.look().await,
                _ => self.list().await,
            }
            self.caller.rest(2, 30).await;
        }
        self.settle().await;
        let steps = self.steps.into_history();
        History {
            steps,
            ..self.history
        }
    }

    /// Places an order under a new key, in so many requests at once.
    async fn buy(&mut self, requests: usize) {
        let Some(wanted) = self.market.basket(&self.caller) else {
            return;
        };
        let number = self.history.purchases.len();
        self.history.purchases.push(Purchase {
            key: format!("{}-{number}", self.history.client.replace(' ', "-")),
            wanted,
            replies: Vec::new(),
        });
        self.open.push(number);
        self.send(number, requests).await;
    }

    /// Sends what was decided before once more.
    async fn repeat_any(&mut self) {
        let number = self.caller.below(self.history.purchases.len());
        if self.history.purchases.len() > number {
            self.send(number, 1).await;
        }
    }

    async fn retry_open(&mut self) {
        if let Some(number) = self.caller.one_of(&self.open) {
            self.send(number, 1).await;
        }
    }

    async fn send(&mut self, number: usize, requests: usize) {
        let purchase = &self.history.purchases[number];
        let items = purchase.wanted.iter();
        let items =
            items.map(|(product, quantity)| json!({"product_id": product, "quantity": quantity}));
        let body = json!({"items": items.collect::<Vec<_>>()});
        let once = || {
            self.caller.ask(|client| {
                let call = client.post(ORDERS).key(&purchase.key);
                call.json(&body)
            })
        };
        let heard = if requests == 1 {
            vec![once().await]
        } else {
            let (first, second) = tokio::join!(once(), once());
            vec![first, second]
        };
        let what = format!("{} ordered under {}", self.history.client, purchase.key);
        for (span, heard) in heard {
            let reply = understand(&heard, &mut self.history.oddities, &what, decision);
            self.learn(number, span, &reply);
            self.history.purchases[number].replies.push((span, reply));
        }
    }

    /// What is decided is open no more, and an order that is new can be seen by everybody.
    fn learn(&mut self, number: usize, span: Span, reply: &Reply<Decision>) {
        let Some(decision) = reply.told() else {
            return;
        };
        let before = self.open.len();
        self.open.retain(|open| *open != number);
        let is_news = self.open.len() < before;
        if let (
            Decision::Placed {
                order, replayed, ..
            },
            true,
        ) = (decision, is_news)
        {
            self.own.push(order.id.clone());
            self.market.announce(&order.id);
            // The answer to a repeated request is as old as the first one.
            if !replayed {
                self.see(order, span);
            }
        }
    }

    async fn cancel(&mut self) {
        let Some(order) = self.caller.one_of(&self.own) else {
            return;
        };
        let step = self.steps.wish(order, Status::Cancelled);
        self.make_step(step).await;
    }

    async fn retry_step(&mut self) {
        if let Some(step) = self.steps.any_open(&self.caller) {
            self.make_step(step).await;
        }
    }

    async fn make_step(&mut self, step: usize) {
        self.steps.make(step, &self.caller, &mut self.history).await;
    }

    /// Reads one of its orders.
    async fn look(&mut self) {
        let Some(id) = self.caller.one_of(&self.own) else {
            return;
        };
        look_at(&id, &self.caller, &mut self.history).await;
    }

    /// Reads the newest of its orders.
    async fn list(&mut self) {
        let path = format!("{ORDERS}?limit={PAGE}");
        if let Some((span, page)) = self.page(&path).await {
            self.listed(span, &page.orders, page.next.is_none());
        }
    }

    /// Reads all of them, page by page. It is odd not to get to the end while there is time.
    async fn list_all(&mut self, deadline: Instant) {
        let first = format!("{ORDERS}?limit={LARGEST_PAGE}");
        let (mut path, mut orders, mut begun) = (first.clone(), Vec::new(), None);
        while Instant::now() < deadline {
            let Some((span, page)) = self.page(&path).await else {
                self.caller.rest(50, 200).await;
                continue;
            };
            let asked = *begun.get_or_insert(span.asked);
            orders.extend(page.orders);
            let Some(next) = page.next else {
                return self.listed(Span { asked, ..span }, &orders, true);
            };
            path = format!("{first}&cursor={next}");
        }
        let what = format!("{} never got to the end of its list", self.history.client);
        self.history.oddities.push(what);
    }

    fn listed(&mut self, span: Span, orders: &[Order], whole: bool) {
        for order in orders {
            self.see(order, span);
        }
        let orders = orders.iter().map(|order| order.id.clone()).collect();
        self.history.listings.push(Listing {
            span,
            orders,
            whole,
        });
    }

    /// A page of its orders; `None` when there was no answer.
    async fn page(&mut self, path: &str) -> Option<(Span, Page)> {
        let (span, heard) = self.caller.ask(|client| client.get(path)).await;
        let what = format!("{} asked for {path}", self.history.client);
        let read = |answer: &Answer| {
            let document: Value = serde_json::from_slice(&answer.body).ok()?;
            let orders = document["items"].as_array()?.iter().map(order);
            Some(Page {
                orders: orders.collect::<Option<_>>()?,
                next: document["next_cursor"].as_str().map(str::to_owned),
            })
        };
        match understand(&heard, &mut self.history.oddities, &what, read) {
            Reply::Told(page) => Some((span, page)),
            _ => None,
        }
    }

    fn see(&mut self, order: &Order, span: Span) {
        self.history.sightings.push(Sighting {
            order: order.id.clone(),
            status: Some(order.status),
            span,
        });
    }

    /// Repeats everything whose outcome is open until it is known, then reads the whole list of its orders.
    async fn settle(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < SETTLING {
            if let Some(number) = self.open.first().copied() {
                self.send(number, 1).await;
            } else if let Some(step) = self.steps.first_open() {
                self.make_step(step).await;
            } else {
                break;
            }
            self.caller.rest(5, 50).await;
        }
        self.list_all(begun + SETTLING).await;
    }
}

/// Reads an order and writes down where it stands.
pub(crate) async fn look_at(id: &str, caller: &Caller, history: &mut History) -> Option<Status> {
    let path = format!("/api/v1/orders/{id}");
    let (span, heard) = caller.ask(|client| client.get(&path)).await;
    let what = format!("{} asked for {path}", history.client);
    let read = |answer: &Answer| match answer.status {
        404 => Some(None),
        200 => order_in(answer).map(|order| Some(order.status)),
        _ => None,
    };
    let reply = understand(&heard, &mut history.oddities, &what, read);
    let status = *reply.told()?;
    history.sightings.push(Sighting {
        order: id.to_owned(),
        status,
        span,
    });
    status
}

/// How the wish for an order was decided, in an answer.
fn decision(answer: &Answer) -> Option<Decision> {
    match answer.status {
        201 => Some(Decision::Placed {
            order: order_in(answer)?,
            body: answer.text(),
            replayed: answer.header("idempotency-replayed") == Some("true"),
        }),
        409 if code(answer) == "out_of_stock" => Some(Decision::OutOfStock),
        _ => None,
    }
}
