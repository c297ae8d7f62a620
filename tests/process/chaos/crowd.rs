//! All clients at once, on a thread of their own: what is done to the service does not hold them up.

use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::buyer::{Buyer, SETTLING};
use super::caller::{Caller, Phase, Town};
use super::history::History;
use super::market::{Market, Product};
use super::staff::{Clerk, Keeper};
use crate::support::client::Account;
use crate::support::eventually::eventually;

/// Who takes part, and what is on sale.
pub(crate) struct Guests {
    pub(crate) buyers: Vec<Account>,
    pub(crate) operator: Account,
    pub(crate) products: Vec<Product>,
    pub(crate) seed: u64,
}

/// Clerks at work: more than one, so that they meet at the same order.
const CLERKS: usize = 2;

/// The clients at work.
pub(crate) struct Crowd {
    phase: watch::Sender<Phase>,
    thread: JoinHandle<Vec<History>>,
}

impl Crowd {
    /// Lets them in; `town` is made from what they are told to do.
    pub(crate) fn let_in(
        guests: Guests,
        town: impl FnOnce(watch::Receiver<Phase>) -> Town,
    ) -> Self {
        let (phase, told) = watch::channel(Phase::Shop);
        let town = town(told);
        #[expect(clippy::disallowed_methods, reason = "it is joined by `settle`")]
        let thread =
            std::thread::spawn(move || actix_web::rt::System::new().block_on(run(guests, town)));
        Self { phase, thread }
    }

    /// Has them find out what became of everything; what they wrote down.
    pub(crate) async fn settle(self) -> Vec<History> {
        self.phase.send_replace(Phase::Settle);
        // Not blocking: the line that their requests go through in the end is on this thread.
        let patience = SETTLING + Duration::from_mins(1);
        eventually("the crowd to settle", patience, async || {
            self.thread.is_finished()
        })
        .await;
        self.thread.join().expect("it does not panic")
    }
}

async fn run(guests: Guests, town: Town) -> Vec<History> {
    let market = Rc::new(Market::of(guests.products));
    let mut seeds = fastrand::Rng::with_seed(guests.seed);
    let mut caller = |account: Account| Caller::new(town.clone(), account, seeds.u64(..));
    let mut buyers = Vec::new();
    for (number, account) in guests.buyers.into_iter().enumerate() {
        let name = format!("buyer {number}");
        buyers.push(Buyer::new(name, caller(account), Rc::clone(&market)).run());
    }
    let mut clerks = Vec::new();
    for number in 0..CLERKS {
        let caller = caller(guests.operator.clone());
        let name = format!("clerk {number}");
        clerks.push(Clerk::new(name, caller, Rc::clone(&market)).run());
    }
    let keeper = Keeper::new("the keeper".to_owned(), caller(guests.operator), market);
    let (mut all, clerks, keeper) = tokio::join!(join_all(buyers), join_all(clerks), keeper.run());
    all.extend(clerks);
    all.push(keeper);
    all
}
