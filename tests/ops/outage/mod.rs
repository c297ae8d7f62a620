//! The database goes away in every way that it can, and comes back: the real program, at its default timeouts, under load.
//! What clients get meanwhile is 503 with `Retry-After` within 2.2 s; what needs no database is not touched; and all is well
//! again by itself.

mod degraded;
mod gone;
mod load;
mod unreachable;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::load::{Errand, Kind, Load, Record};
use crate::probes::ready;
use crate::support::app;
use crate::support::client::{Client, PASSWORD};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::process::{Process, Program};

const SOON: Duration = Duration::from_secs(30);

/// Connections in the pool: with a load of twelve, few enough to be used up.
const POOL: u32 = 6;

/// A service with something in it, and who asks for that.
struct Scene {
    #[expect(dead_code, reason = "it is there to be dropped")]
    process: Process,
    admin: Client,
    errand: Errand,
    /// Threads when nothing was wrong.
    threads: f64,
}

impl Scene {
    /// The program on this database, reached at that URL.
    async fn set(database: &TestDatabase, url: &str) -> Self {
        let process = Program::on(database)
            .env("DATABASE_URL", url)
            .env("GLASSHOUSE_DATABASE__MAX_CONNECTIONS", &POOL.to_string())
            .serve()
            .await;
        let (public, admin) = (process.public(), process.admin());
        app::create_operator(database, "operator@example.com", PASSWORD);
        let account = public.login("operator@example.com").await;
        let product = public.create_product(&account, "LAMP-1", 1_000_000).await;
        ready(&public).await;
        let errand = Errand {
            public: public.address(),
            account,
            product,
        };
        let threads = threads(&admin).await;
        Self {
            process,
            admin,
            errand,
            threads,
        }
    }

    /// Begins the load, and waits until it is served.
    async fn load(&self) -> Load {
        let load = Load::start(&self.errand);
        let orders = async || {
            let metrics = self.admin.metrics().await;
            metrics.sum("orders_created_total", &[]) > 20.0
        };
        eventually("the load to be served", SOON, orders).await;
        load
    }

    /// Waits for so long, and watches the threads: the most that there were.
    async fn watch(&self, time: Duration) -> f64 {
        let (begun, mut most) = (Instant::now(), 0.0_f64);
        while begun.elapsed() < time {
            most = most.max(threads(&self.admin).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        most
    }

    /// Waits until readiness is as it should be on both listeners.
    async fn readiness(&self, expected: u16, deadline: Duration) {
        let public = Client::new(self.errand.public);
        for client in [&public, &self.admin] {
            eventually("readiness", deadline, async || {
                let answer = client.get("/health/ready").send().await;
                if answer.status == expected {
                    Ok(())
                } else {
                    Err(answer.text())
                }
            })
            .await;
        }
    }

    /// The pool is as it was made: nothing used, nothing waiting, and the server knows of no connection that it does not.
    async fn assert_whole(&self, database: &TestDatabase) {
        let server =
            "SELECT count(*) AS number FROM pg_stat_activity WHERE application_name = 'glasshouse'";
        eventually("the pool to be whole", SOON, async || {
            let metrics = self.admin.metrics().await;
            let of = |state| metrics.sum("db_pool_connections", &[("state", state)]);
            let waiting = metrics.sum("db_pool_waiting", &[]);
            // The health check has one of its own.
            let leaked = match database.file() {
                Some(_) => 0.0,
                None => as_float(database.number(server)) - 1.0 - of("idle"),
            };
            let state = (of("used"), waiting, leaked);
            if state.0 + state.1 + state.2.abs() < 0.5 && of("idle") <= f64::from(POOL) + 0.5 {
                Ok(())
            } else {
                Err(state)
            }
        })
        .await;
        let metrics = self.admin.metrics().await;
        let count = |name: &str| metrics.sum(name, &[]);
        let there =
            count("db_pool_connections_opened_total") - count("db_pool_connections_closed_total");
        let idle = metrics.sum("db_pool_connections", &[("state", "idle")]);
        assert!((there - idle).abs() < 0.5, "{there} told of, {idle} there");
        let open = metrics.value("http_requests_in_flight", &[]);
        assert!(open < 0.5, "{open} requests left behind");
        let failed = metrics.sum("http_requests_total", &[("status", "500")]);
        assert!(failed < 0.5, "{failed} answers of 500");
    }

    /// No more threads than one for each connection, and some that open others, whatever was asked.
    #[track_caller]
    fn assert_bounded(&self, most: f64) {
        // Each of the two workers may have as many blocking threads as the pool has connections, and eight.
        let bound = self.threads + 2.0 * f64::from(POOL + 8) + 4.0;
        assert!(most <= bound, "{most} threads, {} at rest", self.threads);
    }
}

async fn threads(admin: &Client) -> f64 {
    admin.metrics().await.value("process_threads", &[])
}

fn as_float(number: i64) -> f64 {
    f64::from(i32::try_from(number).expect("not that many"))
}

/// Whom a URL of PostgreSQL leads to.
pub(crate) fn target(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once('@').expect("a URL with a password");
    let (address, _) = rest.split_once('/').expect("a URL with a database");
    address.parse().expect("an address")
}

/// What holds after every outage: honest answers while it lasted, readiness that followed it, and a quick return.
#[track_caller]
fn assert_came_through(record: &Record, what: &str, down: Instant, repaired: Instant) {
    println!("{}", record.summary(what));
    record.assert_honest();
    let flip = record.unready_after(down).expect("it never was unready");
    let flip = record.between(down, flip);
    assert!(flip < Duration::from_secs(5), "unready after {flip:?}");
    println!("{what}: unready after {flip:.2?}");
    for kind in [Kind::Read, Kind::Write] {
        let (first, last) = record.recovery(kind, repaired);
        println!("{what}: {kind:?} good again after {first:.2?}, last failure after {last:.2?}");
        assert!(first < Duration::from_secs(2), "{kind:?} after {first:?}");
        // Answers to questions from before the repair may come after it.
        assert!(
            last < Duration::from_secs(4),
            "{kind:?} failed {last:?} after"
        );
        let failed = record.failed(kind, down, repaired);
        assert!(failed > 0, "{kind:?}: nobody noticed that it was away");
    }
    let (_, live) = record.times(Kind::Live);
    assert!(live < Duration::from_millis(250), "liveness took {live:?}");
}
