//! Several that migrate at once, and one that does not: whoever starts, each migration is applied once, and nobody serves
//! the API before all of them are.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{all, migrate, said, versions, written_down};
use crate::support::app::Listener;
use crate::support::client::{Client, PASSWORD};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::process::{Program, Started};

/// Longest wait for eight unoptimised programs on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const PROCESSES: usize = 8;

on_both!(of_eight_that_migrate_at_once_all_succeed_and_each_migration_is_applied_once);
async fn of_eight_that_migrate_at_once_all_succeed_and_each_migration_is_applied_once(
    database: Arc<TestDatabase>,
) {
    // From nothing more than once, because the moment that matters is short; then from where an update finds it.
    for already_there in [0, 0, 1, all().len() - 1, all().len()] {
        let database = TestDatabase::empty(database.backend());
        if already_there > 0 {
            said(&migrate(&database, &["run"]), "applied");
        }
        let missing = all().len() - already_there;
        if already_there > 0 && missing > 0 {
            said(
                &migrate(&database, &["revert", "--steps", &missing.to_string()]),
                "reverted",
            );
        }
        let migrating = || Program::on(&database).args(&["migrate", "run"]).spawn();
        let mut started: Vec<Started> = (0..PROCESSES).map(|_| migrating()).collect();
        let mut applied = Vec::new();
        for process in &mut started {
            let finished = process.wait_exit(PATIENCE).await;
            assert!(finished.stderr.is_empty(), "{finished:?}");
            applied.extend(said(&finished, "applied"));
        }
        applied.sort();
        assert_eq!(applied, all()[already_there..]);
        assert_whole(&database);
    }
}

on_both!(of_eight_that_serve_at_once_all_become_ready_and_each_migration_is_applied_once);
async fn of_eight_that_serve_at_once_all_become_ready_and_each_migration_is_applied_once(
    database: Arc<TestDatabase>,
) {
    let mut started: Vec<Started> = (0..PROCESSES)
        .map(|_| Program::on(&database).args(&["serve"]).spawn())
        .collect();
    let mut applied = Vec::new();
    for (number, process) in started.iter_mut().enumerate() {
        let client = Client::new(process.address(Listener::Public).await);
        ready(&client).await;
        let email = format!("account-{number}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "display_name": "A Tester"});
        client
            .post("/api/v1/accounts")
            .json(&body)
            .send()
            .await
            .expect(201);
        applied.extend(migrations_in(&process.log()));
    }
    applied.sort();
    assert_eq!(applied, all());
    assert_eq!(
        database.number("SELECT count(*) AS number FROM accounts"),
        8
    );
    assert_whole(&database);
    for process in &mut started {
        process.signal("TERM");
    }
    for process in &mut started {
        let finished = process.wait_exit(PATIENCE).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
}

/// The names in the log lines that tell of an applied migration.
fn migrations_in(log: &[Value]) -> Vec<String> {
    let lines = log
        .iter()
        .filter(|line| line["message"] == "migration applied");
    lines
        .map(|line| {
            line["migration.name"]
                .as_str()
                .expect("its name")
                .to_owned()
        })
        .collect()
}

async fn ready(client: &Client) {
    let look = async || {
        let answer = client.get("/health/ready").send().await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    };
    eventually("the service to be ready", PATIENCE, look).await;
}

/// Fails unless the database is what one program alone makes of it.
#[track_caller]
fn assert_whole(database: &TestDatabase) {
    let alone = TestDatabase::empty(database.backend());
    crate::support::app::migrate(alone.url());
    assert_eq!(versions(database), versions(&alone));
    assert_eq!(written_down(database), written_down(&alone));
}

/// The check of this name, as a probe shows it.
#[track_caller]
fn check<'a>(probe: &'a Value, name: &str) -> &'a Value {
    let checks = probe["checks"].as_array().expect("checks");
    checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no check {name} in {probe}"))
}

on_both!(a_service_that_does_not_migrate_waits_until_somebody_has);
async fn a_service_that_does_not_migrate_waits_until_somebody_has(database: Arc<TestDatabase>) {
    let service = Program::on(&database)
        .env("GLASSHOUSE_DATABASE__MIGRATE_ON_START", "false")
        .serve()
        .await;
    assert_waiting(&service.public(), &service.admin()).await;
    said(&migrate(&database, &["run"]), "applied");
    ready(&service.public()).await;
    ready(&service.admin()).await;
    service.public().register("buyer@example.com").await;
    service.logged("migrations found applied").await;
    let probe = service
        .public()
        .get("/health/ready")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&probe["status"], &check(&probe, "migrations")["status"]),
        (&json!("ready"), &json!("pass"))
    );
    assert!(
        migrations_in(&service.log()).is_empty(),
        "it applies none itself"
    );
    assert_whole(&database);
}

/// Fails unless probes and metrics answer, the API is closed, and everything says why.
async fn assert_waiting(public: &Client, admin: &Client) {
    for client in [public, admin] {
        client.get("/health/live").send().await.expect(200);
        for path in ["/health/ready", "/health"] {
            let probe = client.get(path).send().await.expect(503).json();
            let migrations = check(&probe, "migrations");
            assert_eq!(
                (&migrations["status"], &migrations["reason"]),
                (&json!("fail"), &json!("migrations_pending")),
                "{probe}"
            );
            assert!(
                migrations["for_seconds"]
                    .as_f64()
                    .is_some_and(|seconds| seconds >= 0.0),
                "{probe}"
            );
        }
    }
    let body =
        json!({"email": "early@example.com", "password": PASSWORD, "display_name": "A Tester"});
    for answer in [
        public.get("/api/v1/products").send().await,
        public.post("/api/v1/accounts").json(&body).send().await,
        public
            .post("/api/v1/orders")
            .body("text/plain", "nonsense")
            .send()
            .await,
    ] {
        assert_problem(&answer, 503, "not_ready");
        assert!(
            answer
                .header("retry-after")
                .is_some_and(|seconds| seconds.parse::<u32>().is_ok()),
            "{answer:?}"
        );
    }
    // What needs no schema is there.
    for path in ["/", "/openapi.json", "/problems/not_ready"] {
        public.get(path).send().await.expect(200);
    }
    let metrics = admin.metrics().await;
    assert!(metrics.value("ready", &[]) < 0.5);
    assert!(metrics.value("health_check_up", &[("check", "migrations")]) < 0.5);
}

on_both!(half_of_the_migrations_are_not_enough);
async fn half_of_the_migrations_are_not_enough(database: Arc<TestDatabase>) {
    said(&migrate(&database, &["run"]), "applied");
    said(&migrate(&database, &["revert", "--steps", "1"]), "reverted");
    let service = Program::on(&database)
        .env("GLASSHOUSE_DATABASE__MIGRATE_ON_START", "false")
        .serve()
        .await;
    assert_waiting(&service.public(), &service.admin()).await;
    assert_eq!(versions(&database).len(), all().len() - 1);
    // Another replica that migrates is as good as the command.
    let other = Program::on(&database).serve().await;
    assert_eq!(migrations_in(&other.log()), all()[all().len() - 1..]);
    ready(&service.public()).await;
    service
        .public()
        .get("/api/v1/products")
        .send()
        .await
        .expect(200);
}

on_both!(a_service_that_does_not_migrate_serves_at_once_where_nothing_is_pending);
async fn a_service_that_does_not_migrate_serves_at_once_where_nothing_is_pending(
    database: Arc<TestDatabase>,
) {
    said(&migrate(&database, &["run"]), "applied");
    let service = Program::on(&database)
        .env("GLASSHOUSE_DATABASE__MIGRATE_ON_START", "false")
        .serve()
        .await;
    service
        .public()
        .get("/api/v1/products")
        .send()
        .await
        .expect(200);
    ready(&service.public()).await;
}

/// The key under which migrations lock: "glasshou" in ASCII.
const LOCK: u64 = 0x676c_6173_7368_6f75;

/// Migrations wait for those of others as long as they take: no statement timeout ends them.
#[test]
fn a_second_one_waits_for_the_first_on_postgres() {
    crate::support::test_app::run::<Arc<TestDatabase>>(
        Backend::Postgres,
        |_| {},
        async |database| {
            let held = database.hold(&format!("SELECT pg_advisory_lock({LOCK})"));
            let mut waiting = Program::on(&database)
                .env("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "99ms")
                .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "100ms")
                .spawn();
            let admin = Client::new(waiting.address(Listener::Admin).await);
            let look = async || {
                let probe = admin.get("/health/ready").send().await.expect(503).json();
                let reason = check(&probe, "migrations")["reason"].clone();
                (reason == "migrating").then_some(()).ok_or(probe)
            };
            eventually("the service to say that it migrates", PATIENCE, look).await;
            let waits = "SELECT count(*) AS number FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND \
                     database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            eventually("it to wait for the lock", PATIENCE, async || {
                database.number(waits) == 1
            })
            .await;
            // Ten times the statement timeout.
            tokio::time::sleep(Duration::from_secs(1)).await;
            admin.get("/health/live").send().await.expect(200);
            assert!(
                versions_are_absent(&database),
                "nothing is done without the lock"
            );
            drop(held);
            let public = Client::new(waiting.address(Listener::Public).await);
            ready(&public).await;
            assert_eq!(migrations_in(&waiting.log()), all());
        },
    );
}

fn versions_are_absent(database: &TestDatabase) -> bool {
    database.number("SELECT count(*) AS number FROM pg_tables WHERE schemaname = 'public'") == 0
}
