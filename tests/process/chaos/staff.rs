//! Those who work at the market, as operators: clerks move orders along, and a keeper fills the shelves.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use serde_json::json;

use super::buyer::{SETTLING, look_at};
use super::caller::{Caller, understand};
use super::history::{Delivery, History, Moved, Reply, Status};
use super::market::{Market, Product};
use super::steps::Steps;

/// A clerk works at this many of the newest orders: two of them meet at the same one again and again.
const AT_WORK: usize = 60;

/// Moves orders along.
pub(crate) struct Clerk {
    caller: Caller,
    market: Rc<Market>,
    history: History,
    steps: Steps,
    /// Where orders stand, as far as this clerk knows.
    known: HashMap<String, Status>,
}

impl Clerk {
    pub(crate) fn new(client: String, caller: Caller, market: Rc<Market>) -> Self {
        Self {
            history: of(client, &caller),
            caller,
            market,
            steps: Steps::default(),
            known: HashMap::new(),
        }
    }

    /// Works until it is told to settle, and gives back what it wrote down.
    pub(crate) async fn run(mut self) -> History {
        while self.caller.may_shop() {
            if self.caller.below(8) == 0 {
                if let Some(step) = self.steps.any_open(&self.caller) {
                    self.make(step).await;
                }
            } else if let Some(order) = self.market.late_order(&self.caller, AT_WORK) {
                self.work_at(order).await;
            }
            self.caller.rest(5, 40).await;
        }
        let begun = Instant::now();
        while let Some(step) = self.steps.first_open() {
            if begun.elapsed() > SETTLING {
                break;
            }
            self.make(step).await;
            self.caller.rest(5, 50).await;
        }
        let steps = self.steps.into_history();
        History {
            steps,
            ..self.history
        }
    }

    async fn work_at(&mut self, order: String) {
        let stands = self.known.get(&order).copied().unwrap_or(Status::Placed);
        let onwards = match stands {
            Status::Placed => Status::Paid,
            Status::Paid => Status::Shipped,
            Status::Shipped => Status::Delivered,
            Status::Delivered | Status::Cancelled => return,
        };
        let gives_up = stands != Status::Shipped && self.caller.below(8) == 0;
        let to = if gives_up { Status::Cancelled } else { onwards };
        let step = self.steps.wish(order.clone(), to);
        match self.make(step).await {
            Some(Moved::Made) => {
                self.known.insert(order, to);
            }
            Some(Moved::Refused) => {
                let status = look_at(&order, &self.caller, &mut self.history).await;
                self.known.extend(status.map(|status| (order, status)));
            }
            None => {}
        }
    }

    async fn make(&mut self, step: usize) -> Option<Moved> {
        self.steps.make(step, &self.caller, &mut self.history).await
    }
}

/// Fills the shelves.
pub(crate) struct Keeper {
    caller: Caller,
    market: Rc<Market>,
    history: History,
}

impl Keeper {
    pub(crate) fn new(client: String, caller: Caller, market: Rc<Market>) -> Self {
        Self {
            history: of(client, &caller),
            caller,
            market,
        }
    }

    /// Delivers until it is told to settle, and gives back what it wrote down.
    pub(crate) async fn run(mut self) -> History {
        while self.caller.may_shop() {
            if let Some(product) = self.market.one_on_sale(&self.caller) {
                self.deliver(product).await;
            }
            self.caller.rest(40, 160).await;
        }
        self.history
    }

    /// Adds pieces to a product. When it stays open whether they came in, nothing is ever delivered to it again: then its
    /// name, which was to change with its stock, will tell in the end.
    async fn deliver(&mut self, product: Product) {
        let number = self.history.deliveries.len();
        let pieces = i64::try_from(20 + self.caller.below(40)).expect("a small number");
        let name = format!("Delivery {number}");
        let path = format!("/api/v1/products/{}", product.id);
        let body = json!({"stock_delta": pieces, "name": name});
        let (_, heard) = self
            .caller
            .ask(|client| client.patch(&path).json(&body))
            .await;
        let what = format!("{} asked for {path}", self.history.client);
        let reply = understand(&heard, &mut self.history.oddities, &what, |answer| {
            (answer.status == 200).then_some(())
        });
        if reply.is_unknown() {
            self.market.replace(&product);
            // Whoever it is that is away, it is so for longer than a moment.
            self.caller.rest(500, 1_500).await;
        }
        if reply != Reply::NotSent {
            self.history.deliveries.push(Delivery {
                product: product.id,
                pieces,
                name,
                reply,
            });
        }
    }
}

fn of(client: String, caller: &Caller) -> History {
    History {
        client,
        account: caller.account().id.clone(),
        ..History::default()
    }
}
