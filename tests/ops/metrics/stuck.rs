//! The admin listener needs nobody: it answers within milliseconds while every worker of the public listener, and every
//! connection of the pool, waits for something that does not come.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::Data;
use futures_util::future::join_all;
use glasshouse::admin::{self, AdminContext};
use glasshouse::app;
use glasshouse::database::Database;
use glasshouse::http::probes::Health;
use glasshouse::http::{self, Class, Opening, Parts, Resource};
use glasshouse::lifecycle::{Readiness, Tasks};
use glasshouse::settings::Settings;
use glasshouse::telemetry::logs::LogControl;
use glasshouse::telemetry::metrics::{Registry, Runtime, RuntimeMetrics};

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::metrics::Metrics;
use crate::support::postgres::PrivateCluster;
use crate::support::raw::Raw;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(10);

/// What nothing on the admin listener may take: generous, for an unoptimised program on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Scrapes and probes, again and again; the last scrape, and the longest that any of it took.
async fn ask(admin: &Client) -> (Metrics, Duration) {
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        for path in ["/metrics", "/health/live", "/health/ready", "/health"] {
            let asked = Instant::now();
            let answer = admin.get(path).send().await;
            longest = longest.max(asked.elapsed());
            assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
        }
    }
    (admin.metrics().await, longest)
}

async fn wait_for(gate: Data<Mutex<()>>) -> HttpResponse {
    let _turn = gate.lock().unwrap_or_else(PoisonError::into_inner);
    HttpResponse::NoContent().finish()
}

/// A service whose only route takes its worker with it until the gate is opened.
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is the gate that the stuck workers wait at"
)]
#[actix_web::test]
async fn a_scrape_takes_no_time_while_every_worker_is_stuck() {
    let mut settings = Settings::default();
    settings.server.port = 0;
    settings.server.workers = 2;
    settings.admin.port = 0;
    let (registry, readiness, tasks) = (Registry::new(), Readiness::new(), Tasks::new());
    let (health, runtime) = (
        Health::new(readiness.clone()),
        RuntimeMetrics::register(&registry).unwrap(),
    );
    // Opened by nobody.
    let database = Database::new(&settings.database, &[], &registry).unwrap();
    let parts = Parts {
        settings: &settings,
        registry: &registry,
        runtime: runtime.clone(),
        health: health.clone(),
        opening: Opening::default(),
        document: &app::document(),
        explanations: app::explanations(),
        identify: Arc::new(|_| None),
        classify: |_, _| Class::Read,
        pressure: database.pressure(),
        stop: tasks.token(),
    };
    let gate = Data::new(Mutex::new(()));
    let route = gate.clone();
    let public = http::bind(&parts, move |config| {
        config.app_data(route.clone());
        Resource::at("/wait").get(wait_for).register(config);
    })
    .unwrap();
    let context = AdminContext {
        registry: registry.clone(),
        health,
        readiness,
        log: LogControl::detached(),
        effective: Vec::new(),
        config_file: None,
        lag: runtime.lag.with(Runtime::Admin).clone(),
    };
    let server = admin::start(context, &settings.admin).unwrap();
    let (address, handle) = (public.address, public.server.handle());
    #[expect(clippy::disallowed_methods, reason = "it is stopped below")]
    let running = actix_web::rt::spawn(public.server);

    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    let admin = Client::new(server.address());
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut raw = Raw::connect(address).await;
        raw.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
        waiting.push(raw);
    }
    let in_flight = |metrics: &Metrics| metrics.value("http_requests_in_flight", &[]);
    eventually("both workers to be stuck", SOON, async || {
        in_flight(&admin.metrics().await) > 1.5
    })
    .await;
    let mut probe = Raw::connect(address).await;
    probe
        .send("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert!(probe.is_silent_for(Duration::from_millis(300)).await);

    let (_, longest) = ask(&admin).await;
    assert!(longest < AT_ONCE, "{longest:?}");
    drop(closed);
    for mut raw in waiting {
        assert_eq!(raw.response().await.unwrap().status, 204);
    }
    assert_eq!(probe.response().await.unwrap().status, 200);
    handle.stop(true).await;
    running.await.unwrap().unwrap();
    server.stop().await;
    eprintln!("every worker stuck: the longest answer took {longest:?}");
}

#[actix_web::test]
async fn a_scrape_takes_no_time_while_the_whole_pool_is_stuck_postgres() {
    let cluster = PrivateCluster::start().await;
    let app = TestApp::start_on(TestDatabase::inside(&cluster), |settings| {
        settings.database.max_connections = 4;
    })
    .await;
    let ask_for_products = || async { app.get("/api/v1/products").send().await };
    let warm = join_all((0..8).map(|_| ask_for_products())).await;
    assert!(warm.iter().all(|answer| answer.status == 200));
    cluster.pause();
    let stuck = async {
        let answers = join_all((0..40).map(|_| ask_for_products())).await;
        for answer in answers {
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
    };
    let scraped = async {
        let used = [("pool", "primary"), ("state", "used")];
        let admin = app.admin();
        eventually("the pool to be used up", SOON, async || {
            admin.metrics().await.value("db_pool_connections", &used) > 3.5
        })
        .await;
        ask(admin).await
    };
    let ((), (metrics, longest)) = tokio::join!(stuck, scraped);
    cluster.resume();
    assert!(longest < AT_ONCE, "{longest:?}");
    let used = metrics.value("db_pool_connections", &[("state", "used")]);
    let most = metrics.value("db_pool_connections_max", &[]);
    assert!((used - most).abs() < f64::EPSILON, "{used} of {most}");
    assert!(app.stop().await);
    eprintln!("the whole pool stuck: the longest answer took {longest:?}");
}
