//! Orders in the chaos: clients order, repeat, cancel and look while a nemesis kills, pauses and cuts off the service and its
//! database. Each client keeps a history; in the end a checker holds the histories against what the database has.
//!
//! # Layout
//! - `nemesis`: faults, drawn from a seed; `service`, `store`: whom they are done to
//! - `crowd`: all clients; `buyer`, `staff`: what they do; `caller`, `steps`, `market`: what they have in common
//! - `history`: what clients write down; `contents`: what the database has
//! - `checker`: whether the one agrees with the other, and with itself
//! - `report`: what happened, in numbers
//! - `bugs`: whether planted bugs are found
//!
//! `CHAOS_SECONDS` says how long, `CHAOS_SEED` which faults: `make chaos` sets them.

#[cfg(feature = "planted-bugs")]
mod bugs;
mod buyer;
mod caller;
mod checker;
mod contents;
mod crowd;
mod history;
mod market;
mod nemesis;
mod report;
mod service;
mod staff;
mod steps;
mod store;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use self::caller::Town;
use self::checker::Evidence;
use self::contents::Contents;
use self::crowd::{Crowd, Guests};
use self::market::{ON_SALE, Product};
use self::report::Report;
use self::service::Service;
use self::store::Store;
use crate::support::app;
use crate::support::client::{Account, Client, PASSWORD};
use crate::support::database::{Backend, TestDatabase};
use crate::support::process::Program;
use crate::support::{asked, on_both};

/// How long faults are done when nobody says otherwise.
const SECONDS: u64 = 45;

/// Buyers at once.
const BUYERS: usize = 12;

/// The longest that everything before and after the faults may take.
const AROUND: Duration = Duration::from_mins(5);

/// One for all starts of the service, which would make another one at each and log everybody out.
const SECRET: &str = "the-same-secret-over-all-restarts";

/// What the nemesis does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nemesis {
    /// Everything at least once, however long it takes.
    Thorough,
    /// What there is time for.
    Hasty,
    /// Nothing.
    Away,
}

/// One run.
#[derive(Debug, Clone)]
struct Plan {
    backend: Backend,
    seed: u64,
    time: Duration,
    nemesis: Nemesis,
    /// The planted bug that is in force.
    bug: Option<&'static str>,
}

/// How long faults are done.
fn time() -> Duration {
    Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS))
}

/// A number that whoever started the tests asks for.
fn number(name: &str) -> Option<u64> {
    let text = asked(name)?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

impl Plan {
    /// As whoever started the tests wants it.
    fn asked_for(backend: Backend) -> Self {
        Self {
            backend,
            seed: number("CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000)),
            time: time(),
            nemesis: Nemesis::Thorough,
            bug: None,
        }
    }

    /// Lets the crowd in and the nemesis loose, repairs everything, has everybody find out what became of everything, and
    /// gives back what is known then.
    async fn run(&self) -> Report {
        let bug = self.bug.unwrap_or("nothing");
        println!(
            "chaos on {:?} for {:?}, {:?}, seed {}, with {bug} planted",
            self.backend, self.time, self.nemesis, self.seed
        );
        let mut store = Store::open(self.backend).await;
        let url = store.url();
        let (folder, bug) = (store.database().folder().to_owned(), self.bug);
        let mut service = Service::start(move || program(&folder, &url, bug)).await;
        let guests = self.guests(&service, store.database()).await;
        let products = guests.products.clone();
        let begun = Instant::now();
        let address = service.address();
        let crowd = Crowd::let_in(guests, |phase| Town {
            begun,
            service: address,
            phase,
        });

        let (until, seed) = (begun + self.time, self.seed);
        let (mut faults, of_store) = tokio::join!(
            nemesis::torment(&mut service, self.nemesis, seed, until),
            nemesis::torment(&mut store, self.nemesis, seed.wrapping_add(1), until)
        );
        faults.extend(of_store);
        service.ready().await;
        let histories = crowd.settle().await;
        let ended = service.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        store.quiet().await;
        assert_whole(store.database());
        let evidence = Evidence {
            products,
            histories,
            contents: Contents::of(store.database()),
        };
        Report::of(self, begun.elapsed(), faults, &evidence)
    }

    /// Everybody who takes part, and what is on sale.
    async fn guests(&self, service: &Service, database: &TestDatabase) -> Guests {
        let client = service.process().public();
        app::create_operator(database, "operator@example.com", PASSWORD);
        let operator = client.login("operator@example.com").await;
        let mut buyers = Vec::new();
        for number in 0..BUYERS {
            let email = format!("buyer-{number}@example.com");
            buyers.push(client.register(&email).await);
        }
        // One takes the place of another whenever it stays open whether pieces of that came in.
        let spare = usize::try_from(self.time.as_secs()).expect("a short time");
        let mut products = Vec::new();
        for number in 0..ON_SALE + spare {
            products.push(product(&client, &operator, number).await);
        }
        Guests {
            buyers,
            operator,
            products,
            seed: self.seed,
        }
    }
}

/// The program, whose clients stay logged in over all restarts.
fn program(folder: &Path, url: &str, bug: Option<&str>) -> Program {
    let program = Program::bare(folder)
        .env("DATABASE_URL", url)
        .env("GLASSHOUSE_SERVER__PORT", "0")
        .env("GLASSHOUSE_ADMIN__PORT", "0")
        .env("GLASSHOUSE_SERVER__WORKERS", "2")
        .env("GLASSHOUSE_DATABASE__MAX_CONNECTIONS", "8")
        .env("GLASSHOUSE_RATE_LIMIT__REGISTER__RATE", "")
        .env("GLASSHOUSE_RATE_LIMIT__LOGIN__RATE", "")
        .env("GLASSHOUSE_AUTH__JWT_SECRET", SECRET)
        .env("GLASSHOUSE_AUTH__ACCESS_TOKEN_LIFETIME", "1d");
    match bug {
        Some(bug) => program.env("PLANTED_BUG", bug),
        None => program,
    }
}

/// Puts a product on sale, of which there is some, at a price of its own.
async fn product(client: &Client, operator: &Account, number: usize) -> Product {
    let number = i64::try_from(number).expect("a small number");
    let (price_cents, pieces) = (199 + 101 * number, 60 + 7 * (number % 10));
    let body = json!({
        "sku": format!("LAMP-{number}"), "name": "As it was made", "product_type": "physical",
        "unit_price_cents": price_cents, "stock": pieces,
    });
    let call = client.post("/api/v1/products").token(operator).json(&body);
    let made = call.send().await.expect(201).json();
    Product {
        id: made["id"].as_str().expect("an id").to_owned(),
        price_cents,
        pieces,
    }
}

/// Nothing is wrong with the file.
fn assert_whole(database: &TestDatabase) {
    if database.file().is_some() {
        let check = "SELECT integrity_check AS text FROM pragma_integrity_check";
        assert_eq!(database.texts(check), ["ok"]);
    }
}

on_both!(orders_stay_right_in_chaos, within = time() + AROUND);
async fn orders_stay_right_in_chaos(backend: Backend) {
    let report = Plan::asked_for(backend).run().await;
    println!("{report}");
    report.assert_chaotic();
    report.assert_right();
}
