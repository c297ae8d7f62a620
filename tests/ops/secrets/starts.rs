//! The ways in which a start fails, or waits, with a secret in the settings: none of them repeats it.

use std::time::Duration;

use super::{Further, assert_none, canary, leaks};
use crate::support::app::{Listener, address_in};
use crate::support::client::Client;
use crate::support::database::{Backend, TestDatabase};
use crate::support::postgres::PrivateCluster;
use crate::support::process::{Finished, Program};

fn heard(what: &str, finished: &Finished) -> Vec<String> {
    let nothing = Further::default();
    [("stdout", &finished.stdout), ("stderr", &finished.stderr)]
        .iter()
        .flat_map(|(stream, text)| leaks(&format!("{what}, {stream}"), text, &nothing))
        .collect()
}

#[actix_web::test]
async fn a_database_that_is_away_or_says_no_does_not_bring_its_password_out_postgres() {
    let mut cluster = PrivateCluster::start().await;
    let database = TestDatabase::inside(&cluster);
    let address = crate::outage::target(database.url());
    let wrong = format!(
        "postgres://glasshouse:{}@{address}/postgres",
        canary("database-password")
    );
    let program = || {
        Program::on(&database)
            .env("RUST_LOG", "trace")
            .env("DATABASE_URL", &wrong)
    };
    let mut found = Vec::new();
    for arguments in [
        &["migrate"][..],
        &["migrate", "status"],
        &["config", "show"],
    ] {
        let finished = program().args(arguments).run();
        found.extend(heard(&arguments.join(" "), &finished));
    }
    // Refused: whether it ends or waits, it says why without the password.
    let refused = program().spawn();
    refused.logged("admin listener started").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    found.extend(leaks(
        "a wrong password",
        &refused.said(),
        &Further::default(),
    ));
    assert!(
        refused.said().contains("password authentication failed"),
        "{}",
        refused.said()
    );
    drop(refused);

    cluster.stop();
    let waiting = program().spawn();
    let line = waiting.logged("database not reachable yet").await;
    assert!(
        line["error"]
            .as_str()
            .is_some_and(|error| error.contains(": ")),
        "{line}"
    );
    let line = waiting.logged("admin listener started").await;
    let admin = Client::new(address_in(&line, Listener::Admin).expect("an address"));
    for path in ["/health", "/health/ready", "/config", "/metrics"] {
        let text = admin.get(path).send().await.text();
        found.extend(leaks(path, &text, &Further::default()));
    }
    found.extend(leaks("waiting", &waiting.said(), &Further::default()));
    assert_none(found);
}

#[test]
fn settings_that_are_refused_are_not_repeated() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let secret = canary("s");
    let long = canary("a-secret-that-is-long-enough");
    let mut found = Vec::new();
    for (name, value) in [
        (
            "DATABASE_URL",
            format!("postgres://u:{secret}@host:port/db"),
        ),
        ("DATABASE_URL", format!("mysql://u:{secret}@host/db")),
        (
            "DATABASE_URL",
            format!("postgres://u:{secret}@h/db?sslmode={secret}"),
        ),
        ("GLASSHOUSE_AUTH__JWT_SECRET", "7h1ngsn0b0dysees".to_owned()),
        ("GLASSHOUSE_ADMIN__TOKEN", format!("{secret} with blanks")),
        (
            "GLASSHOUSE_RATE_LIMIT__REDIS_URL",
            format!("redis://:{secret}@h:p/x"),
        ),
        (
            "GLASSHOUSE_RATE_LIMIT__REDIS_URL",
            format!("http://{secret}@h"),
        ),
        ("GLASSHOUSE_AUTH__JWT_SECRTE", long.clone()),
        ("GLASSHOUSE_AUTH__JWT_SECRET_FILE", "/nowhere".to_owned()),
    ] {
        for arguments in [&["config", "check"][..], &["serve"], &["config", "show"]] {
            let program = Program::on(&database)
                .env("RUST_LOG", "trace")
                .env("GLASSHOUSE_AUTH__JWT_SECRET_PREVIOUS", &long);
            let finished = program.env(name, &value).args(arguments).run();
            assert_ne!(finished.code, Some(0), "{name} {finished:?}");
            found.extend(heard(
                &format!("{name}, {}", arguments.join(" ")),
                &finished,
            ));
        }
    }
    assert_none(found);
}

#[test]
fn commands_keep_the_passwords_that_they_are_given() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let email = format!("{}@example.com", canary("email"));
    let mut found = Vec::new();
    for (code, arguments, input) in [
        (
            0,
            vec!["account", "create", "--email", &email, "--role", "operator"],
            canary("password"),
        ),
        (
            1,
            vec!["account", "create", "--email", &email, "--role", "operator"],
            canary("password"),
        ),
        (
            1,
            vec![
                "account",
                "create",
                "--email",
                "a@example.com",
                "--role",
                "operator",
            ],
            canary("p").repeat(9),
        ),
        (
            0,
            vec!["seed", "--products", "3", "--accounts", "2"],
            canary("seeded-password"),
        ),
    ] {
        let program = Program::on(&database)
            .env("RUST_LOG", "trace")
            .args(&arguments);
        let finished = program.run_with_input(&format!("{input}\n"));
        assert_eq!(finished.code == Some(0), code == 0, "{finished:?}");
        found.extend(heard(&arguments[..2].join(" "), &finished));
    }
    // An address that the operator typed is not a secret from the operator, but neither is it repeated.
    assert_none(found);
}
