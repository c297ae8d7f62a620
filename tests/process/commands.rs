//! Every command: what it prints, what it leaves in the database, and the code that it ends with. 0 done, 1 failed, 2 wrong
//! usage or bad configuration, 3 migrations pending; results on standard output, all else on standard error.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::client::PASSWORD;
use crate::support::database::{Backend, TestDatabase};
use crate::support::on_both;
use crate::support::process::{Finished, Program};

/// A password that must show up nowhere.
pub(crate) const CANARY: &str = "canary in the coal mine";

/// Runs a command on this database.
fn run(database: &TestDatabase, arguments: &[&str]) -> Finished {
    Program::on(database).args(arguments).run()
}

/// Fails unless it ended with this code, without an escape code, and without a word on the stream that is not its own.
#[track_caller]
pub(crate) fn assert_ended(finished: &Finished, code: i32) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert!(!finished.stdout.contains('\u{1b}'), "{finished:?}");
    assert!(!finished.stderr.contains('\u{1b}'), "{finished:?}");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    if code == 0 {
        assert_eq!(finished.stderr, "", "{finished:?}");
    }
}

#[actix_web::test]
async fn a_port_in_use_is_named() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (variable, setting) in [
        ("GLASSHOUSE_SERVER__PORT", "server.port"),
        ("GLASSHOUSE_ADMIN__PORT", "admin.port"),
    ] {
        let finished = Program::on(&database).env(variable, &port).run();
        assert_ended(&finished, 1);
        for part in ["error: ", &format!("127.0.0.1:{port}"), setting, "in use"] {
            assert!(finished.stderr.contains(part), "{part} in {finished:?}");
        }
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
        // A collector may read the log alone.
        let last: Value = serde_json::from_str(finished.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["message"], "service not started", "{finished:?}");
    }
}

on_both!(migrations_are_listed_run_and_reverted);
async fn migrations_are_listed_run_and_reverted(database: Arc<TestDatabase>) {
    let listed = |finished: &Finished| {
        let lines = finished.stdout.lines();
        lines
            .map(|line| line.split_once("  ").unwrap().0.to_owned())
            .collect::<Vec<_>>()
    };
    let status = run(&database, &["migrate", "status"]);
    assert_eq!(status.code, Some(3), "{status:?}");
    assert_eq!(listed(&status), ["pending"; 4]);
    assert_eq!(
        status.stderr,
        "migrations are pending: `glasshouse migrate run` applies them\n"
    );

    let finished = run(&database, &["migrate", "run"]);
    assert_ended(&finished, 0);
    assert_eq!(listed(&finished), ["applied"; 4]);
    assert!(finished.stdout.contains("_create_orders"), "{finished:?}");
    let finished = run(&database, &["migrate"]);
    assert_ended(&finished, 0);
    assert_eq!(finished.stdout, "nothing is pending\n");
    let status = run(&database, &["migrate", "status"]);
    assert_ended(&status, 0);
    assert_eq!(listed(&status), ["applied"; 4]);

    let too_many = run(&database, &["migrate", "revert", "--steps", "5"]);
    assert_ended(&too_many, 1);
    let why = "only 4 migrations are applied, 5 cannot be reverted";
    assert!(too_many.stderr.contains(why), "{too_many:?}");
    assert_ended(&run(&database, &["migrate", "status"]), 0);

    let finished = run(&database, &["migrate", "revert", "--steps", "2"]);
    assert_ended(&finished, 0);
    let mut names = finished.stdout.lines();
    assert!(names.next().unwrap().ends_with("_create_orders"));
    assert!(names.next().unwrap().ends_with("_create_outbox"));
    let status = run(&database, &["migrate", "status"]);
    assert_eq!(status.code, Some(3), "{status:?}");
    assert_eq!(
        listed(&status),
        ["applied", "applied", "pending", "pending"]
    );
    assert_ended(&run(&database, &["migrate", "run"]), 0);
    assert_ended(&run(&database, &["migrate", "revert", "--steps", "4"]), 0);
    assert_ended(&run(&database, &["migrate", "run"]), 0);
}

on_both!(a_catalog_is_seeded_once_and_grows);
async fn a_catalog_is_seeded_once_and_grows(database: Arc<TestDatabase>) {
    let seed = |products: &str, accounts: &str| {
        let arguments = ["seed", "--products", products, "--accounts", accounts];
        Program::on(&database)
            .args(&arguments)
            .run_with_input(&format!("{PASSWORD}\n"))
    };
    let first = seed("20", "3");
    assert_ended(&first, 0);
    let told = "products: 20 added, 0 there before\naccounts: 3 added, 0 there before\n";
    assert_eq!(first.stdout, told);
    let again = seed("20", "3");
    assert_ended(&again, 0);
    let told = "products: 0 added, 20 there before\naccounts: 0 added, 3 there before\n";
    assert_eq!(again.stdout, told);
    let more = seed("25", "4");
    let told = "products: 5 added, 20 there before\naccounts: 1 added, 3 there before\n";
    assert_eq!(more.stdout, told);
    // Without accounts no password is waited for.
    let none = run(&database, &["seed", "--products", "25"]);
    assert_ended(&none, 0);

    let process = Program::on(&database).serve().await;
    let client = process.public();
    for email in ["load-1@example.com", "load-4@example.com"] {
        client.login(email).await;
    }
    let path = "/api/v1/products?limit=100";
    let page = client.get(path).send().await.expect(200).json();
    let mut shown: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            json!([
                item["sku"],
                item["name"],
                item["product_type"],
                item["unit_price_cents"]
            ])
        })
        .collect();
    shown.sort_by_key(ToString::to_string);
    assert_eq!(shown.len(), 25);
    // The same on every database and machine.
    assert_eq!(
        shown[0],
        json!(["SKU-000001", "Stoneware mug no. 1", "physical", 3799])
    );
    assert_eq!(
        shown[24],
        json!(["SKU-000025", "Stoneware mug no. 25", "physical", 12599])
    );
}

on_both!(an_account_is_made_with_a_password_from_standard_input);
async fn an_account_is_made_with_a_password_from_standard_input(database: Arc<TestDatabase>) {
    let create = |email: &str, input: &str| {
        let arguments = ["account", "create", "--email", email, "--role", "operator"];
        let finished = Program::on(&database)
            .args(&arguments)
            .run_with_input(input);
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!said.contains(CANARY), "{said}");
        finished
    };
    let finished = create("ops@example.com", &format!("{CANARY}\n"));
    assert_ended(&finished, 0);
    assert!(finished.stdout.starts_with("created operator account "));
    assert_eq!(finished.stdout.lines().count(), 1, "{finished:?}");

    let taken = create("OPS@example.com", &format!("{CANARY}\n"));
    assert_ended(&taken, 1);
    assert!(taken.stderr.starts_with("error: "), "{taken:?}");
    assert!(taken.stderr.contains("e-mail"), "{taken:?}");
    assert!(taken.stdout.is_empty(), "{taken:?}");

    for (email, input, word) in [
        ("b@example.com", "short\n", "the password"),
        ("b@example.com", "", "standard input"),
        ("b@example.com", "\n", "standard input"),
        ("no address", "a long enough password\n", "--email"),
    ] {
        let finished = create(email, input);
        assert_ended(&finished, 2);
        assert!(finished.stderr.contains(word), "{word} in {finished:?}");
        assert!(!finished.stderr.contains("short\n"), "{finished:?}");
    }
    let accounts = "SELECT count(*) AS number FROM accounts";
    assert_eq!(database.number(accounts), 1);

    let process = Program::on(&database).serve().await;
    let body = json!({"email": "ops@example.com", "password": CANARY});
    let call = process.public().post("/api/v1/sessions").json(&body);
    call.send().await.expect(201);
    assert!(!process.said().contains(CANARY), "{}", process.said());
}

#[test]
fn the_configuration_is_checked_shown_and_explained() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let program = |arguments: &[&str]| {
        Program::on(&database)
            .env("GLASSHOUSE_AUTH__JWT_SECRET", &format!("{CANARY} {CANARY}"))
            .env("DATABASE_URL", "postgres://shop:canary@db/orders")
            .args(arguments)
    };
    let check = program(&["config", "check"]).run();
    assert_ended(&check, 0);
    assert!(check.stdout.starts_with("The configuration is good.\n"));

    let show = program(&["config", "show"]).run();
    assert_ended(&show, 0);
    assert!(!show.stdout.contains("canary"), "{show:?}");
    let line = |key: &str| {
        let found = show.stdout.lines().find(|line| line.starts_with(key));
        found.unwrap_or_else(|| panic!("{key} in {show:?}"))
    };
    assert!(line("server.port ").ends_with("# environment GLASSHOUSE_SERVER__PORT"));
    assert!(line("server.host ").ends_with("# default"));
    assert!(line("auth.jwt_secret ").contains("***"));
    assert!(line("database.url ").contains("postgres://shop:***@db/orders"));
}

#[test]
fn the_reference_is_a_file_that_loads_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let finished = Program::bare(folder.path()).args(arguments).run();
        assert_ended(&finished, 0);
        finished.stdout
    };
    let reference = run(&["config", "reference"]);
    // As it is, and with every setting in force.
    let in_force = reference.lines().map(|line| {
        let is_setting = line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
        if is_setting { &line[1..] } else { line }
    });
    let in_force = in_force.collect::<Vec<_>>().join("\n");
    assert_ne!(in_force, reference);
    let values = |shown: &str| {
        let lines = shown.lines();
        lines
            .map(|line| line.split("  # ").next().unwrap().trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    let defaults = run(&["config", "show"]);
    for (text, origin) in [(reference, "# default"), (in_force, "glasshouse.toml")] {
        std::fs::write(folder.path().join("glasshouse.toml"), text).unwrap();
        let shown = run(&["config", "show"]);
        assert_eq!(values(&shown), values(&defaults));
        let port = shown.lines().find(|line| line.starts_with("server.port "));
        assert!(port.unwrap().ends_with(origin), "{origin} in {shown}");
    }
}

on_both!(a_health_check_asks_the_instance);
async fn a_health_check_asks_the_instance(database: Arc<TestDatabase>) {
    let process = Program::on(&database).serve().await;
    let (public, admin) = (process.public(), process.admin());
    let by_url = |url: &str| {
        Program::bare(database.folder())
            .args(&["healthcheck", "--url", url])
            .run()
    };
    let port = public.address().port().to_string();
    let by_settings = || {
        let program = Program::bare(database.folder()).env("PORT", &port);
        program.args(&["healthcheck"]).run()
    };
    let ready = |address| format!("http://{address}/health/ready");
    let is_ready = async || public.get("/health/ready").send().await.status == 200;
    crate::support::eventually::eventually("ready", std::time::Duration::from_secs(10), is_ready)
        .await;
    for finished in [
        by_settings(),
        by_url(&ready(public.address())),
        by_url(&ready(admin.address())),
    ] {
        assert_ended(&finished, 0);
        assert_eq!(finished.stdout, "");
    }

    admin.post("/ready/hold").send().await.expect(200);
    for finished in [by_settings(), by_url(&ready(admin.address()))] {
        assert_ended(&finished, 1);
        assert_eq!(finished.stderr, "not ready: hold (held)\n");
    }
    drop(process);
    let finished = by_settings();
    assert_ended(&finished, 1);
    assert!(
        finished
            .stderr
            .starts_with("not ready: no answer from http://127.0.0.1:")
    );
    assert_ended(&by_url("ftp://127.0.0.1/"), 2);
    // Where the port is only known to the instance, it says what to do.
    let finished = run(&database, &["healthcheck"]);
    assert_ended(&finished, 2);
    assert!(finished.stderr.contains("--url"), "{finished:?}");
}

#[actix_web::test]
async fn the_api_reference_is_printed_as_it_is_served() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let printed = Program::bare(database.folder()).args(&["openapi"]).run();
    assert_ended(&printed, 0);
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    let process = Program::on(&database).serve().await;
    let call = process.public().get("/openapi.json");
    assert_eq!(call.send().await.expect(200).json(), printed);
    assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"));
}
