//! The start: where everything is, what is not there yet, and what happens meanwhile. A database that cannot be reached is
//! waited for, and the wait can be called off.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use serde_json::Value;

use crate::shop::{assert_ended_in_order, messages};
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::postgres::PrivateCluster;
use crate::support::process::{Program, Started};
use crate::support::processes::{descendants, signal};
use crate::support::proxy::{Mode, Proxy};

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(10);

/// An end at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What an escape sequence begins with.
const ESCAPE: char = '\u{1b}';

on_both!(on_a_terminal_the_first_lines_tell_where_everything_is);
async fn on_a_terminal_the_first_lines_tell_where_everything_is(database: Arc<TestDatabase>) {
    let coloured = on_a_terminal(&database, &[]).await;
    assert!(coloured.contains(ESCAPE), "{coloured}");
    let plain = on_a_terminal(&database, &[("NO_COLOR", "1")]).await;
    assert!(!plain.contains(ESCAPE), "{plain}");
    for said in [coloured, plain] {
        let line = |begin: &str| {
            let found = said
                .lines()
                .find_map(|line| line.trim().strip_prefix(begin));
            found.unwrap_or_else(|| panic!("{begin} in {said}")).trim()
        };
        let api = line("Glasshouse serves on ");
        assert!(api.starts_with("http://127.0.0.1:"), "{api}");
        assert_eq!(line("API reference "), format!("{api}/docs"));
        assert_eq!(line("probes "), format!("{api}/health"));
        assert!(line("metrics ").ends_with("/metrics"), "{said}");
        let shown = line("database ");
        match database.file() {
            Some(_) => assert_eq!(shown, database.url()),
            None => assert!(shown.contains("glasshouse:***@"), "{shown}"),
        }
        line("Stop it with Ctrl-C.");
        assert!(said.contains("shutdown completed"), "{said}");
    }
}

/// Serves on a terminal until its first lines are out, ends it as Ctrl-C would, and gives back what the terminal showed.
async fn on_a_terminal(database: &TestDatabase, variables: &[(&str, &str)]) -> String {
    let mut script = Command::new("script")
        // In the place of the shell, which would take the signal too and end with its own code.
        .args([
            "-qec",
            concat!("exec ", env!("CARGO_BIN_EXE_glasshouse")),
            "/dev/null",
        ])
        .current_dir(database.folder())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DATABASE_URL", database.url())
        .env("GLASSHOUSE_SERVER__PORT", "0")
        .env("GLASSHOUSE_ADMIN__PORT", "0")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` is a part of util-linux");
    let mut screen = script.stdout.take().unwrap();
    let shown = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&shown);
    #[expect(clippy::disallowed_methods, reason = "reading a pipe blocks")]
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut bytes) {
            sink.lock().unwrap().extend_from_slice(&bytes[..length]);
        }
    });
    let text = || String::from_utf8_lossy(&shown.lock().unwrap()).replace('\r', "");
    eventually("the first lines", SOON, async || {
        let text = text();
        text.contains("Ctrl-C").then_some(()).ok_or(text)
    })
    .await;
    signal(&descendants(script.id()), "INT");
    let ended = eventually("its end", SOON, async || script.try_wait().unwrap()).await;
    reader.join().unwrap();
    assert_eq!(ended.code(), Some(0), "{}", text());
    text()
}

on_both!(it_is_ready_in_no_time);
async fn it_is_ready_in_no_time(database: Arc<TestDatabase>) {
    // With nothing to migrate.
    assert_eq!(
        Program::on(&database).args(&["migrate"]).run().code,
        Some(0)
    );
    let spawned = DateTime::<Utc>::from(SystemTime::now());
    let mut process = Program::on(&database).serve().await;
    process.logged("service started").await;
    let client = process.public();
    eventually("ready", SOON, async || {
        client.get("/health/ready").send().await.status == 200
    })
    .await;
    let lines = process.log();
    let last = lines.iter().rev().find(|line| {
        line["message"] == "health check passed" || line["message"] == "service started"
    });
    let ready = last.unwrap()["timestamp"].as_str().unwrap();
    let ready = DateTime::parse_from_rfc3339(ready).unwrap().to_utc();
    println!(
        "{:?}: ready after {} (unoptimised)",
        database.backend(),
        ready - spawned
    );
    assert!((ready - spawned).to_std().unwrap() < SOON);
    process.signal("TERM");
    assert_ended_in_order(&process.wait_exit(SOON).await);
}

#[actix_web::test]
async fn a_signing_key_for_this_run_only_is_warned_of() {
    let warning = |process: &Started| {
        let lines = process.log().into_iter();
        lines
            .filter(|line| {
                line["message"]
                    .as_str()
                    .unwrap()
                    .contains("auth.jwt_secret")
            })
            .map(|line| line["level"].clone())
            .collect::<Vec<_>>()
    };
    let database = TestDatabase::empty(crate::support::database::Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    assert_eq!(warning(&process), ["WARN"]);
    drop(process);
    let process = Program::on(&database)
        .env("GLASSHOUSE_AUTH__JWT_SECRET", &"s".repeat(32))
        .serve()
        .await;
    assert_eq!(warning(&process), Vec::<Value>::new());
}

/// The admin listener of a program whose public one may not be there yet.
async fn admin(started: &Started) -> Client {
    let line = started.logged("admin listener started").await;
    Client::new(line["admin.address"].as_str().unwrap().parse().unwrap())
}

/// Waits until the readiness probe blames this check for this reason.
async fn blamed(client: &Client, name: &str, reason: &str) {
    let what = format!("{name} to fail with {reason}");
    eventually(&what, SOON, async || {
        let answer = client.get("/health/ready").send().await;
        let checks = answer.json()["checks"].clone();
        let found = checks.as_array().unwrap().iter().any(|check| {
            check["name"] == name && check["status"] == "fail" && check["reason"] == reason
        });
        (answer.status == 503 && found)
            .then_some(())
            .ok_or_else(|| answer.text())
    })
    .await;
}

/// Ends a program that is still starting: at once, and as what was asked for.
async fn call_off(mut started: Started) {
    let asked = Instant::now();
    started.signal("TERM");
    let finished = started.wait_exit(SOON).await;
    println!("called off within {:?}", asked.elapsed());
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let messages = messages(&finished);
    let last = messages.last().map(String::as_str);
    assert_eq!(last, Some("service stopped while it was starting"));
}

#[actix_web::test]
async fn a_database_that_cannot_be_reached_is_waited_for_in_the_open() {
    let mut cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    cluster.stop();
    let started = Program::on(&database).spawn();
    let client = admin(&started).await;
    blamed(&client, "migrations", "unreachable").await;
    client.get("/health/live").send().await.expect(200);
    client.metrics().await.value("build_info", &[]);
    let warned = started.logged("database not reachable yet").await;
    assert_eq!(warned["level"], "WARN");
    call_off(started).await;

    let mut started = Program::on(&database).spawn();
    let client = admin(&started).await;
    blamed(&client, "migrations", "unreachable").await;
    cluster.start_again().await;
    eventually("ready", SOON, async || {
        client.get("/health/ready").send().await.status == 200
    })
    .await;
    started.signal("TERM");
    assert_ended_in_order(&started.wait_exit(SOON).await);
}

#[actix_web::test]
async fn a_secret_that_changes_while_the_start_waits_is_in_force_afterwards() {
    let mut cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    cluster.stop();
    let token = database.folder().join("token");
    std::fs::write(&token, "the-first").unwrap();
    let program = Program::on(&database);
    let mut started = program
        .env("GLASSHOUSE_ADMIN__TOKEN_FILE", &token.display().to_string())
        .spawn();
    let client = admin(&started).await;
    blamed(&client, "migrations", "unreachable").await;
    std::fs::write(&token, "the-second").unwrap();
    started.signal("HUP");
    started.logged("signal received").await;
    cluster.start_again().await;
    eventually("the second token to be good", SOON, async || {
        let shown = client.get("/config").bearer("the-second").send().await;
        shown.status == 200
    })
    .await;
    assert_eq!(
        client
            .get("/config")
            .bearer("the-first")
            .send()
            .await
            .status,
        401
    );
    started.signal("TERM");
    assert_ended_in_order(&started.wait_exit(SOON).await);
}

#[actix_web::test]
async fn the_wait_for_a_black_hole_can_be_called_off() {
    let hole = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::to(hole.local_addr().unwrap()).await;
    proxy.set(Mode::Freeze);
    let database = TestDatabase::empty(crate::support::database::Backend::Sqlite);
    let url = format!("postgres://shop:secret@{}/shop", proxy.address());
    let started = Program::on(&database).env("DATABASE_URL", &url).spawn();
    let client = admin(&started).await;
    blamed(&client, "migrations", "migrating").await;
    call_off(started).await;
}

on_both!(the_wait_for_another_replica_that_migrates_can_be_called_off);
async fn the_wait_for_another_replica_that_migrates_can_be_called_off(database: Arc<TestDatabase>) {
    let mut postgres = None;
    let mut sqlite = None;
    match database.file() {
        // What the service's own lock is made of: an advisory lock, and the write transaction.
        None => {
            let mut other = PgConnection::establish(database.url()).unwrap();
            other
                .batch_execute("SELECT pg_advisory_lock(7452438631876685685)")
                .unwrap();
            postgres = Some(other);
        }
        Some(file) => {
            let mut other = SqliteConnection::establish(&file.display().to_string()).unwrap();
            other
                .batch_execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")
                .unwrap();
            sqlite = Some(other);
        }
    }
    let started = Program::on(&database).spawn();
    let client = admin(&started).await;
    blamed(&client, "migrations", "migrating").await;
    client.get("/health/live").send().await.expect(200);
    call_off(started).await;
    drop((postgres, sqlite));
}

on_both!(migrations_that_somebody_else_runs_are_waited_for);
async fn migrations_that_somebody_else_runs_are_waited_for(database: Arc<TestDatabase>) {
    let program = || Program::on(&database).env("GLASSHOUSE_DATABASE__MIGRATE_ON_START", "false");
    let mut process = program().serve().await;
    let client = process.public();
    blamed(&client, "migrations", "migrations_pending").await;
    blamed(&process.admin(), "migrations", "migrations_pending").await;
    let answer = client.get("/api/v1/products").send().await;
    assert_problem(&answer, 503, "not_ready");
    assert!(answer.header("retry-after").is_some());
    client.get("/health/live").send().await.expect(200);

    let finished = program().args(&["migrate", "run"]).run();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    eventually("ready", SOON, async || {
        client.get("/health/ready").send().await.status == 200
    })
    .await;
    client.get("/api/v1/products").send().await.expect(200);
    process.signal("TERM");
    assert_ended_in_order(&process.wait_exit(SOON).await);
}

on_both!(a_schema_newer_than_the_program_is_refused);
async fn a_schema_newer_than_the_program_is_refused(database: Arc<TestDatabase>) {
    assert_eq!(
        Program::on(&database).args(&["migrate"]).run().code,
        Some(0)
    );
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')");
    for arguments in [&["serve"][..], &["migrate"], &["migrate", "status"]] {
        let finished = Program::on(&database).args(arguments).run();
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("29991231000000"), "{finished:?}");
        assert!(finished.stderr.contains("newer"), "{finished:?}");
    }
}

on_both!(replicas_that_start_together_migrate_once);
async fn replicas_that_start_together_migrate_once(database: Arc<TestDatabase>) {
    let mut replicas: Vec<_> = (0..8).map(|_| Program::on(&database).spawn()).collect();
    let mut applied = 0;
    for replica in &replicas {
        replica.logged("service started").await;
        let lines = replica.log();
        applied += lines
            .iter()
            .filter(|line| line["message"] == "migration applied")
            .count();
    }
    assert_eq!(applied, 4, "each migration is applied once, by one of them");
    for replica in &replicas {
        replica.signal("TERM");
    }
    for replica in &mut replicas {
        assert_ended_in_order(&replica.wait_exit(SOON).await);
    }
}
