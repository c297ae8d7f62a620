//! Secrets: from files, on reload, and never in print.

use secrecy::{ExposeSecret, SecretString};

use super::{keys, nothing};

const FIRST: &str = "first-canary-of-at-least-32-bytes-0";
const SECOND: &str = "second-canary-of-at-least-32-bytes";
const VARIABLE: &str = "GLASSHOUSE_AUTH__JWT_SECRET_FILE";

fn text(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(ExposeSecret::expose_secret)
}

#[test]
fn a_secret_comes_from_a_file_without_its_last_line_break() {
    for content in [
        FIRST.to_owned(),
        format!("{FIRST}\n"),
        format!("{FIRST}\r\n"),
    ] {
        let given = nothing().with("jwt", content).variable(VARIABLE, "jwt");
        let loaded = given.loaded();
        assert_eq!(text(loaded.settings.auth.jwt_secret.as_ref()), Some(FIRST));
        let path = given.directory.path().join("jwt");
        let origin = format!("file {} ({VARIABLE})", path.display());
        assert_eq!(
            loaded.shown("auth.jwt_secret"),
            ("***".into(), origin.as_str())
        );
    }
    // A blank may belong to a secret.
    let given = nothing()
        .with("jwt", format!(" {FIRST} \n"))
        .variable(VARIABLE, "jwt");
    assert_eq!(
        text(given.loaded().settings.auth.jwt_secret.as_ref()),
        Some(format!(" {FIRST} ").as_str())
    );
}

#[test]
fn every_secret_can_come_from_a_file() {
    let loaded = nothing()
        .with("url", "postgres://shop:canary@db/orders\n")
        .with("redis", "redis://:canary@cache\n")
        .with("token", "canary\n")
        .with("jwt", FIRST)
        .variable("GLASSHOUSE_DATABASE__URL_FILE", "url")
        .variable("GLASSHOUSE_RATE_LIMIT__REDIS_URL_FILE", "redis")
        .variable("GLASSHOUSE_ADMIN__TOKEN_FILE", "token")
        .variable(VARIABLE, "jwt")
        .variable("GLASSHOUSE_AUTH__JWT_SECRET_PREVIOUS_FILE", "jwt")
        .loaded();
    assert_eq!(
        loaded.settings.database.url.masked(),
        "postgres://shop:***@db/orders"
    );
    assert_eq!(text(loaded.settings.admin.token.as_ref()), Some("canary"));
    assert_eq!(loaded.secret_files.len(), 5);
}

#[test]
fn a_missing_an_unreadable_and_an_empty_file_are_named() {
    let cases = [
        ("none", "does not exist"),
        ("empty", "is empty"),
        (".", "cannot be read"),
        ("binary", "is not UTF-8"),
        ("huge", "64 KiB"),
    ];
    for (name, wrong) in cases {
        let fault = nothing()
            .with("empty", "\n")
            .with("binary", [0xff; 40])
            .with("huge", "x".repeat(100_000))
            .variable(VARIABLE, name)
            .variable("GLASSHOUSE_ENVIRONMENT", "production")
            .fault();
        assert_eq!(fault.key, "auth.jwt_secret");
        assert!(
            fault.wrong.contains(wrong)
                && fault.origin.contains(name)
                && fault.origin.contains(VARIABLE),
            "{fault}"
        );
    }
    assert_eq!(
        nothing().variable(VARIABLE, "").fault().wrong,
        "it names no file"
    );
}

#[test]
fn a_secret_given_in_both_ways_is_refused() {
    let given = nothing().with("jwt", FIRST).variable(VARIABLE, "jwt");
    let fault = given
        .variable("GLASSHOUSE_AUTH__JWT_SECRET", SECOND)
        .fault();
    assert_eq!(
        (fault.key.as_str(), fault.right.as_str()),
        (
            "auth.jwt_secret",
            "keep one: GLASSHOUSE_AUTH__JWT_SECRET or GLASSHOUSE_AUTH__JWT_SECRET_FILE"
        )
    );
    // Layers below are overridden as usual, and an empty variable is none, wherever it stands.
    let empty = nothing()
        .toml("auth.jwt_secret = \"x\"")
        .with("jwt", FIRST)
        .variable("GLASSHOUSE_AUTH__JWT_SECRET", "");
    let given = empty
        .variable(VARIABLE, "jwt")
        .variable("GLASSHOUSE_AUTH__JWT_SECRET", "");
    assert_eq!(
        text(given.loaded().settings.auth.jwt_secret.as_ref()),
        Some(FIRST)
    );
}

#[test]
fn a_value_that_is_not_utf8_is_refused() {
    let mut given = nothing().variable("GLASSHOUSE_ENVIRONMENT", "production");
    given.sources.unreadable = vec!["GLASSHOUSE_AUTH__JWT_SECRET".into(), "RUST_LOG".into()];
    assert_eq!(keys(&given.faults()), ["auth.jwt_secret", "RUST_LOG"]);
}

#[test]
fn a_reload_gives_fresh_secrets_or_a_fault() {
    let given = nothing()
        .with("jwt", FIRST)
        .with("token", "one")
        .variable(VARIABLE, "jwt")
        .variable("GLASSHOUSE_ADMIN__TOKEN_FILE", "token");
    let given = given.variable("GLASSHOUSE_AUTH__JWT_SECRET_PREVIOUS", SECOND);
    let loaded = given.loaded();
    let given = given.with("jwt", SECOND).with("token", "two\n");
    let secrets = loaded.reload_secrets().unwrap();
    assert_eq!(text(secrets.jwt_secret.as_ref()), Some(SECOND));
    assert_eq!(
        text(secrets.jwt_secret_previous.as_ref()),
        Some(SECOND),
        "kept as it was"
    );
    assert_eq!(text(secrets.admin_token.as_ref()), Some("two"));
    assert_eq!(
        text(loaded.settings.auth.jwt_secret.as_ref()),
        Some(FIRST),
        "a reload changes nothing itself"
    );
    let _given = given.with("jwt", "canary").with("token", "");
    let faults = loaded.reload_secrets().unwrap_err();
    assert_eq!(keys(&faults), ["admin.token", "auth.jwt_secret"]);
    assert!(!format!("{faults}{faults:?}").contains("canary"));
}

#[test]
fn secrets_show_in_no_way_of_printing() {
    let loaded = nothing()
        .toml(&format!(
            "[auth]\njwt_secret = \"{FIRST}\"\njwt_secret_previous = \"{SECOND}\""
        ))
        .variable(
            "DATABASE_URL",
            "postgres://shop:canary@db/orders?password=canary",
        )
        .variable("GLASSHOUSE_RATE_LIMIT__REDIS_URL", "redis://:canary@cache")
        .flag("admin.token", "canary", "--token")
        .loaded();
    let secrets = loaded.reload_secrets().unwrap();
    let json = serde_json::to_string(&loaded.effective).unwrap();
    let printed = format!("{loaded:?}{loaded:#?}{secrets:?}{json}");
    assert!(!printed.contains("canary"), "{printed}");
    for key in ["auth.jwt_secret", "auth.jwt_secret_previous", "admin.token"] {
        assert_eq!(loaded.shown(key).0, "***");
    }
    assert_eq!(loaded.shown("rate_limit.redis_url").0, "redis://:***@cache");
}

#[test]
fn secrets_show_in_no_fault() {
    let faults = nothing()
        .toml("[auth]\njwt_secret = \"canary\"\njwt_secret_previous = [\"canary\"]\n[traces]\nendpoint = \"http://u:canary@h\"")
        .variable("DATABASE_URL", "postgres://shop:can@ary:canary@db/orders")
        .variable("GLASSHOUSE_RATE_LIMIT__REDIS_URL", "canary")
        .variable("GLASSHOUSE_ADMIN__TOKEN", "canary canary")
        .faults();
    assert_eq!(faults.count(), 6);
    assert!(
        !format!("{faults}{faults:?}").contains("canary"),
        "{faults}"
    );
}
