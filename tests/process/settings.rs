//! Settings as the program takes them: from its real environment, real files and real flags, refused all at once before
//! anything is opened, and shown on the admin listener with where they come from.

use serde_json::Value;

use crate::support::database::{Backend, TestDatabase};
use crate::support::process::{Finished, Program};

/// A secret that must show up nowhere.
const CANARY: &str = "a-canary-of-more-than-32-bytes-sings";

#[track_caller]
fn assert_refused(finished: &Finished, parts: &[&str]) {
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    for part in parts {
        assert!(finished.stderr.contains(part), "{part} in {finished:?}");
    }
    assert!(!finished.stderr.contains(CANARY), "{finished:?}");
}

/// A start in a folder of its own, where nothing may be left behind.
fn start(variables: &[(&str, &str)], arguments: &[&str], file: &str) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    if !file.is_empty() {
        std::fs::write(folder.path().join("glasshouse.toml"), file).unwrap();
    }
    let program = variables
        .iter()
        .fold(Program::bare(folder.path()), |program, (name, value)| {
            program.env(name, value)
        });
    let mut finished = program.args(arguments).run();
    let own = folder.path().display().to_string();
    finished.stderr = finished.stderr.replace(&own, "FOLDER");
    let database = folder.path().join("glasshouse.db");
    assert!(!database.exists(), "it opened the database: {finished:?}");
    finished
}

/// Cargo gives to the program what build.rs told the compiler, and to this test as well: such a variable once kept `cargo run`
/// from starting.
#[test]
fn what_cargo_puts_into_the_environment_is_no_setting() {
    let folder = tempfile::tempdir().unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment is what it is about"
    )]
    let inherited: Vec<_> = std::env::vars()
        .filter(|(name, _)| name.starts_with("GLASSHOUSE") || name.contains("BUILD"))
        .collect();
    assert!(
        !inherited.is_empty(),
        "Cargo gives nothing any more: this test is needless"
    );
    let checked = inherited
        .iter()
        .fold(Program::bare(folder.path()), |program, (name, value)| {
            program.env(name, value)
        })
        .args(&["config", "check"])
        .run();
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn all_faults_are_told_at_once_before_anything_is_opened() {
    let file = "colour = 1\n[server]\nprot = 1\nbody_limit = \"much\"\n";
    let variables = [
        ("PORT", "http"),
        ("GLASSHOUSE_SERVER_HOST", "::1"),
        ("GLASSHOUSE_AUTH__JWT_SECRET", "short"),
        ("GLASSHOUSE_ADMIN__TOKEN_FILE", "nowhere.txt"),
    ];
    let parts = [
        "The configuration has 8 faults:",
        "  colour\n",
        "  server.prot\n",
        "did you mean `server.port`?",
        "  GLASSHOUSE_SERVER_HOST\n",
        "did you mean GLASSHOUSE_SERVER__HOST?",
        "  server.port\n    from   environment PORT\n",
        "  server.body_limit\n",
        "  auth.jwt_secret\n",
        "  admin.token\n",
        "the file does not exist",
        "  log.filter\n    from   flag --log-filter\n",
    ];
    let arguments = ["serve", "--log-filter", "a=loud"];
    let served = start(&variables, &arguments, file);
    assert_refused(&served, &parts);
    for command in [&["migrate", "run"][..], &["config", "show"]] {
        let arguments = [&arguments[1..], command].concat();
        let finished = start(&variables, &arguments, file);
        assert_eq!(finished.stderr, served.stderr);
        assert_eq!(finished.code, Some(2));
    }
    // For `config check` the faults are the result.
    let arguments = ["config", "check", "--log-filter", "a=loud"];
    let checked = start(&variables, &arguments, file);
    assert_eq!(checked.code, Some(2), "{checked:?}");
    for part in parts {
        assert!(checked.stdout.contains(part), "{part} in {checked:?}");
    }
}

#[test]
fn a_ladder_of_timeouts_out_of_order_is_refused_with_the_two_that_clash() {
    let variables = [
        ("GLASSHOUSE_DATABASE__DEADLINE", "31s"),
        ("GLASSHOUSE_SHUTDOWN__GRACE", "40s"),
    ];
    let finished = start(&variables, &[], "");
    let parts = [
        "1 fault:",
        "  database.deadline\n    from   environment GLASSHOUSE_DATABASE__DEADLINE\n",
        "server.request_timeout",
        "30s (default)",
    ];
    assert_refused(&finished, &parts);
}

#[test]
fn production_refuses_to_start_without_a_secret_of_its_own() {
    let production = ("GLASSHOUSE_ENVIRONMENT", "production");
    let finished = start(&[production], &[], "");
    assert_refused(
        &finished,
        &["1 fault:", "auth.jwt_secret", "at least 32 bytes"],
    );
    let short = (
        "GLASSHOUSE_AUTH__JWT_SECRET",
        "31 bytes are not enough for it.",
    );
    assert_refused(&start(&[production, short], &[], ""), &["auth.jwt_secret"]);
    let long = ("GLASSHOUSE_AUTH__JWT_SECRET", CANARY);
    let finished = start(&[production, long], &["config", "check"], "");
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[actix_web::test]
async fn flags_beat_the_environment_which_beats_the_file_and_secrets_come_from_files_masked() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let write = |name: &str, text: &str| {
        let path = database.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let secret = write("jwt", &format!("{CANARY}\n"));
    let file = write(
        "settings.toml",
        "[server]\nbody_limit = \"1KiB\"\nkeep_alive = \"11s\"\nport = 1\n\
         [log]\nfilter = \"error\"\n[admin]\nport = 1\n[shutdown]\ngrace = \"41s\"\n",
    );
    let token = "another-canary-of-some-length";
    let process = Program::on(&database)
        .env("GLASSHOUSE_CONFIG", &file)
        .env("GLASSHOUSE_SERVER__KEEP_ALIVE", "12s")
        .env("RUST_LOG", "warn")
        .env("GLASSHOUSE_AUTH__JWT_SECRET_FILE", &secret)
        .env("GLASSHOUSE_ADMIN__TOKEN", token)
        .args(&["serve", "--log-filter", "info", "--port", "0"])
        .serve()
        .await;
    let admin = process.admin();
    admin.get("/config").send().await.expect(401);
    let answer = admin.get("/config").bearer(token).send().await.expect(200);
    for canary in [CANARY, token] {
        assert!(!answer.text().contains(canary), "{}", answer.text());
        assert!(!process.said().contains(canary), "{}", process.said());
    }
    let body = answer.json();
    assert_eq!(body["config_file"], file);
    let shown = |key: &str| {
        let settings = body["settings"].as_array().unwrap().iter();
        let found = settings.clone().find(|setting| setting["key"] == key);
        let setting = found.unwrap_or_else(|| panic!("{key} in {body}"));
        let text = |member: &str| match &setting[member] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (text("value"), text("origin"))
    };
    let cases = [
        (
            "server.keep_alive",
            "12s",
            "environment GLASSHOUSE_SERVER__KEEP_ALIVE",
        ),
        ("server.port", "0", "flag --port"),
        ("log.filter", "info", "flag --log-filter"),
        ("admin.port", "0", "environment GLASSHOUSE_ADMIN__PORT"),
        ("admin.token", "***", "environment GLASSHOUSE_ADMIN__TOKEN"),
        ("server.host", "127.0.0.1", "default"),
    ];
    for (key, value, origin) in cases {
        assert_eq!(shown(key), (value.to_owned(), origin.to_owned()), "{key}");
    }
    for key in ["server.body_limit", "shutdown.grace"] {
        assert!(shown(key).1.contains("settings.toml"), "{:?}", shown(key));
    }
    let (value, origin) = shown("auth.jwt_secret");
    assert_eq!(value, "***");
    assert!(origin.contains(&secret), "{origin}");
    // And what is shown is what is done.
    let long = process
        .public()
        .post("/api/v1/accounts")
        .body("application/json", vec![b' '; 1025]);
    long.send().await.expect(413);
}
