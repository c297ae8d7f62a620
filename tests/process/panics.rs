//! A thousand panics, in handlers and inside database closures: each is a 500 that is counted, its connection goes on, and
//! the pool is whole again. No route of the service panics, so the routes here are the test's own, behind the service's layers.
//!
//! They unwind past the panic hook (whose log line has tests of its own), or a thousand backtraces would stand in the output.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig};
use glasshouse::database::{Conn, Database, DatabaseError, Operation};
use glasshouse::http::probes::Health;
use glasshouse::http::problem::Problem;
use glasshouse::http::{Bound, Class, Opening, Parts, Resource, bind};
use glasshouse::lifecycle::{Readiness, Tasks};
use glasshouse::telemetry::metrics::{Registry, RuntimeMetrics};
use glasshouse::{app, settings::Settings};
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::metrics::Metrics;
use crate::support::on_both;

/// So many in a handler, in a read, in a write. Fewer inside the database: each costs its connection, and a new one to
/// PostgreSQL takes 20 ms on a busy machine.
const TIMES: [u32; 3] = [800, 100, 100];

const READ: Operation = Operation("panicking_read");
const WRITE: Operation = Operation("panicking_write");

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(10);

type Answer = Result<HttpResponse, Problem>;

async fn panic_in_handler() -> Answer {
    resume_unwind(Box::new("in a handler"))
}

fn panicking(_: &mut Conn<'_>) -> Result<(), DatabaseError> {
    resume_unwind(Box::new("in a closure"))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what work on a connection looks like"
)]
fn working(_: &mut Conn<'_>) -> Result<(), DatabaseError> {
    Ok(())
}

async fn panic_in_read(database: Data<Database>) -> Answer {
    database.read(READ, panicking).await?;
    Ok(HttpResponse::Ok().finish())
}

async fn panic_in_write(database: Data<Database>) -> Answer {
    database.write(WRITE, panicking).await?;
    Ok(HttpResponse::Ok().finish())
}

async fn work_in_both(database: Data<Database>) -> Answer {
    database.read(READ, working).await?;
    database.write(WRITE, working).await?;
    Ok(HttpResponse::Ok().finish())
}

fn routes(config: &mut ServiceConfig) {
    let at = Resource::at;
    at("/handler").get(panic_in_handler).register(config);
    at("/read").get(panic_in_read).register(config);
    at("/write").get(panic_in_write).register(config);
    at("/works").get(work_in_both).register(config);
}

/// The public listener of the service, with the test's routes.
fn listener(database: &Database, registry: &Registry, settings: &Settings, tasks: &Tasks) -> Bound {
    let opening = Opening::default();
    opening.open();
    let parts = Parts {
        settings,
        registry,
        runtime: RuntimeMetrics::register(registry).unwrap(),
        health: Health::new(Readiness::new()),
        opening,
        document: &app::document(),
        explanations: app::explanations(),
        identify: Arc::new(|_| None),
        classify: |_, _| Class::Read,
        pressure: database.pressure(),
        stop: tasks.token(),
    };
    let database = Data::new(database.clone());
    bind(&parts, move |config| {
        config.app_data(database.clone());
        routes(config);
    })
    .unwrap()
}

on_both!(a_thousand_panics_are_a_thousand_answers);
async fn a_thousand_panics_are_a_thousand_answers(test: Arc<TestDatabase>) {
    let settings = crate::support::app::settings(&test);
    let (registry, tasks) = (Registry::new(), Tasks::new());
    let database = Database::new(&settings.database, &[READ, WRITE], &registry).unwrap();
    let bound = listener(&database, &registry, &settings, &tasks);
    let (client, handle) = (Client::new(bound.address), bound.server.handle());
    #[expect(
        clippy::disallowed_methods,
        reason = "the test stops it and waits for its end"
    )]
    let server = actix_web::rt::spawn(bound.server);
    let scrape = || Metrics::parse(&registry.encode().unwrap());

    for (path, times) in ["/handler", "/read", "/write"].into_iter().zip(TIMES) {
        // By hand on one connection: a panic does not cost its client the connection.
        let mut raw = client.raw().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        for _ in 0..times {
            raw.send(&request).await;
            let answer = raw.response().await.expect("an answer");
            assert_eq!(answer.status, 500, "{}", answer.text());
        }
        let panics = scrape().value("http_handler_panics_total", &[("path", path)]);
        assert!((panics - f64::from(times)).abs() < f64::EPSILON, "{panics}");
        let labels = [("path", path), ("status", "500")];
        let requests = scrape().value("http_requests_total", &labels);
        assert!(
            (requests - f64::from(times)).abs() < f64::EPSILON,
            "{requests}"
        );
        client.get("/works").send().await.expect(200);
    }
    let answer = client.get("/read").send().await;
    let problem = assert_problem(&answer, 500, "internal_error");
    assert!(!problem.to_string().contains("in a closure"), "{problem}");

    // Nothing is left in use, nobody waits, and as many as there may be can be had at once.
    eventually("a whole pool", SOON, async || {
        let pools = database.status();
        let idle = pools.iter().all(|pool| pool.used + pool.waiting == 0);
        idle.then_some(()).ok_or(pools)
    })
    .await;
    // Nor does a panic keep its place among the requests in work.
    let in_work = scrape().sum("http_admission_in_use", &[]);
    assert!(in_work.abs() < f64::EPSILON, "{in_work}");
    let mut works = JoinSet::new();
    for _ in 0..settings.database.max_connections {
        works.spawn_local(client.get("/works").send());
    }
    for answer in works.join_all().await {
        answer.expect(200);
    }
    let pools = database.status();
    assert!(pools.iter().all(|pool| pool.idle <= pool.max), "{pools:?}");

    handle.stop(true).await;
    server.await.unwrap().unwrap();
    tasks.shutdown(Duration::from_secs(1)).await;
    database.close();
}
