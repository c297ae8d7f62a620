//! Settings that are seen in nothing but what they do: each of these changes what the service does, by as much as it says.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glasshouse::settings::Settings;
use serde_json::{Value, json};

use crate::support::client::{Account, Client};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::process::{Process, Program};
use crate::support::proxy::{Mode, Proxy};
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

const SECRET: &str = "one secret for several services, long enough";

/// The claims of an access token.
fn claims(account: &Account) -> Value {
    let payload = account.access_token.split('.').nth(1).expect("a JWT");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("base64");
    serde_json::from_slice(&bytes).expect("claims")
}

on_both!(
    tokens_are_those_of_the_issuer_the_audience_and_the_lifetime_that_are_set,
    |settings| {
        settings.auth.jwt_secret = Some(SECRET.to_owned().into());
        settings.auth.issuer = "the shop".to_owned();
        settings.auth.audience = "its customers".to_owned();
        settings.auth.access_token_lifetime = Duration::from_secs(77);
        settings.auth.refresh_token_lifetime = Duration::from_hours(3);
    }
);
async fn tokens_are_those_of_the_issuer_the_audience_and_the_lifetime_that_are_set(app: TestApp) {
    let ada = app.register("ada@example.com").await;
    let claims = claims(&ada);
    assert_eq!(claims["iss"], "the shop");
    assert_eq!(claims["aud"], "its customers");
    let good_for = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(good_for, 77);
    let refresh = async |token: &str| {
        let call = app.post("/api/v1/sessions/refresh");
        call.json(&json!({"refresh_token": token})).send().await
    };
    let pair = refresh(&ada.refresh_token).await.expect(200).json();
    assert_eq!(pair["expires_in"], 77);

    let lifetime = match app.database().backend() {
        Backend::Postgres => "CAST(extract(epoch FROM expires_at - created_at) AS bigint)",
        Backend::Sqlite => {
            "CAST(round((julianday(expires_at) - julianday(created_at)) * 86400) AS integer)"
        }
    };
    let others = format!(
        "SELECT count(*) AS number FROM refresh_tokens WHERE {lifetime} <> {}",
        3 * 60 * 60
    );
    assert_eq!(app.database().number(&others), 0);
    // And when that time is over, it is.
    app.database()
        .execute("UPDATE refresh_tokens SET expires_at = created_at");
    let late = refresh(pair["refresh_token"].as_str().unwrap()).await;
    assert_problem(&late, 401, "invalid_refresh_token");
}

#[actix_web::test]
async fn a_token_of_another_issuer_or_audience_is_refused_although_the_secret_is_one() {
    let start = async |options: fn(&mut Settings)| {
        TestApp::start(Backend::Sqlite, |settings| {
            settings.auth.jwt_secret = Some(SECRET.to_owned().into());
            options(settings);
        })
        .await
    };
    let here = start(|_| {}).await;
    let alike = start(|_| {}).await;
    let issuer = start(|settings| settings.auth.issuer = "another".to_owned()).await;
    let audience = start(|settings| settings.auth.audience = "others".to_owned()).await;
    let ada = here.register("ada@example.com").await;
    for (service, status) in [
        (&here, 200),
        (&alike, 200),
        (&issuer, 401),
        (&audience, 401),
    ] {
        let answer = service.get("/api/v1/orders").token(&ada).send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(service.stop().await);
    }
}

/// How many threads of the process have a name that begins so.
fn threads(process: &Process, name: &str) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.pid())).expect("a process");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|of| of.starts_with(name)).count()
}

#[actix_web::test]
async fn there_are_as_many_workers_as_are_set() {
    let serve = async |workers: &str| {
        let database = TestDatabase::empty(Backend::Sqlite);
        let program = Program::on(&database).env("GLASSHOUSE_SERVER__WORKERS", workers);
        let process = program.serve().await;
        let http = [("runtime", "http")];
        let told = process
            .admin()
            .metrics()
            .await
            .value("runtime_workers", &http);
        assert_eq!(format!("{told}"), workers);
        threads(&process, "actix-server wo")
    };
    let (one, five) = (serve("1").await, serve("5").await);
    assert_eq!(five - one, 4, "{one} with 1 worker, {five} with 5");
}

#[actix_web::test]
async fn a_log_for_people_is_written_so_wherever_it_goes() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let program = Program::on(&database).env("GLASSHOUSE_LOG__FORMAT", "pretty");
    let mut started = program.spawn();
    let said = |what: &'static str| {
        let started = &started;
        async move {
            eventually(what, SOON, async || {
                let said = started.said();
                let line = said.lines().find(|line| line.contains(what));
                line.map(str::to_owned).ok_or(said)
            })
            .await
        }
    };
    let line = said("service started").await;
    let field = |name: &str| {
        let mut words = line.split_whitespace().rev();
        let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.expect("the field").to_owned()
    };
    let address = field("server.address").parse().expect("an address");
    let call = Client::new(address)
        .get("/")
        .header("x-request-id", "for-people");
    call.send().await.expect(200);
    let line = said("request completed").await;
    assert!(line.contains("request_id=for-people"), "{line}");
    started.signal("TERM");
    let finished = started.wait_exit(SOON).await;
    // No terminal, so no colours; and not one line is JSON.
    assert!(!finished.stdout.contains('\u{1b}'), "{}", finished.stdout);
    let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok();
    assert!(!finished.stdout.lines().any(is_json), "{}", finished.stdout);
}

/// The service with a proxy before its database.
async fn behind_a_proxy(options: impl FnOnce(&mut Settings)) -> (TestApp, Proxy) {
    let database = TestDatabase::migrated(Backend::Postgres);
    let (_, server) = database.url().rsplit_once('@').expect("a user");
    let (server, _) = server.split_once('/').expect("a database");
    let proxy = Proxy::to(server.parse().expect("an address")).await;
    let url = proxy.url(database.url());
    let app = TestApp::start_on(database, |settings| {
        settings.database.url = url.parse().expect("a URL");
        settings.database.min_idle = 0;
        options(settings);
    })
    .await;
    (app, proxy)
}

async fn timeouts(app: &TestApp, phase: &str) -> f64 {
    let labels = [("pool", "primary"), ("phase", phase)];
    app.metrics().await.value("db_pool_timeouts_total", &labels)
}

#[actix_web::test]
async fn opening_a_connection_is_given_up_when_its_time_is_over_on_postgres() {
    let (app, proxy) = behind_a_proxy(|settings| {
        settings.database.create_timeout = Duration::from_millis(300);
        settings.database.deadline = Duration::from_secs(15);
    })
    .await;
    proxy.set(Mode::Freeze);
    let asked = Instant::now();
    let answer = app.get("/api/v1/products").send().await;
    let took = asked.elapsed();
    assert_problem(&answer, 503, "database_unavailable");
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!((timeouts(&app, "create").await - 1.0).abs() < 0.1);
    proxy.set(Mode::Pass);
    eventually("it to be served again", SOON, async || {
        app.get("/api/v1/products").send().await.status == 200
    })
    .await;
    assert!(app.stop().await);
}

#[actix_web::test]
async fn a_connection_that_is_asked_whether_it_lives_is_given_up_when_its_time_is_over_on_postgres()
{
    const POOL: usize = 3;
    let (app, proxy) = behind_a_proxy(|settings| {
        settings.database.max_connections = POOL;
        settings.database.min_idle = POOL;
        settings.database.recycle_timeout = Duration::from_millis(300);
        settings.database.wait_timeout = SOON;
        settings.database.statement_timeout = SOON;
        settings.database.deadline = SOON;
    })
    .await;
    eventually("all connections to be at rest", SOON, async || {
        let idle = [("pool", "primary"), ("state", "idle")];
        app.metrics().await.value("db_pool_connections", &idle) > 2.5
    })
    .await;

    // One is found dead, so the others are asked before they are used: the next one at once, the last one later.
    app.database().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = (SELECT min(pid) FROM pg_stat_activity \
         WHERE application_name = 'glasshouse' AND datname = current_database() AND query NOT LIKE '%transaction_read_only%')",
    );
    let broken = [("pool", "primary"), ("reason", "broken")];
    eventually("it to be found dead", SOON, async || {
        app.get("/api/v1/products").send().await.expect(200);
        let metrics = app.metrics().await;
        metrics.value("db_pool_connections_closed_total", &broken) > 0.5
    })
    .await;
    assert!(timeouts(&app, "recycle").await < 0.5);
    proxy.set(Mode::Freeze);
    let asked = Instant::now();
    let asking = app.get("/api/v1/products").send();
    let watching = async {
        eventually("the question to be given up", SOON, async || {
            timeouts(&app, "recycle").await > 0.5
        })
        .await;
        let took = asked.elapsed();
        proxy.set(Mode::Pass);
        took
    };
    let (_, took) = tokio::join!(asking, watching);
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    eventually("it to be served again", SOON, async || {
        app.get("/api/v1/products").send().await.status == 200
    })
    .await;
    assert!(app.stop().await);
}
