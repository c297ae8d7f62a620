//! What is refused: unknown names, unreadable files, wrong values; and that all of it comes at once.

use super::{keys, nothing};

#[test]
fn all_faults_of_all_layers_come_at_once() {
    let faults = nothing()
        .toml("colour = 1\n[server]\nprot = 1\nbody_limit = \"much\"\n[log]\nfilter = \"a=loud\"")
        .variable("PORT", "http")
        .variable("GLASSHOUSE_DATABASE__DEADLINE", "30")
        .variable("GLASSHOUSE_SERVER_HOST", "::1")
        .variable("GLASSHOUSE_AUTH__JWT_SECRET", "short")
        .variable("GLASSHOUSE_SHUTDOWN__GRACE", "10s")
        .flag("admin.port", "-1", "--admin-port")
        .faults();
    let expected = [
        "colour",
        "server.prot",
        "GLASSHOUSE_SERVER_HOST",
        "server.port",
        "server.body_limit",
        "admin.port",
        "database.deadline",
        "auth.jwt_secret",
        "log.filter",
        "server.request_timeout",
    ];
    assert_eq!(keys(&faults), expected);
    for fault in &faults {
        assert!(
            !fault.origin.is_empty() && !fault.wrong.is_empty() && !fault.right.is_empty(),
            "{fault}"
        );
    }
    let report = faults.to_string();
    assert!(
        report.starts_with("The configuration has 10 faults:\n\n  colour\n"),
        "{report}"
    );
    assert!(report.contains("flag --admin-port"), "{report}");
}

#[test]
fn unknown_keys_of_the_file_are_named_with_the_nearest_known_one() {
    let cases = [
        (
            "[server]\nrequest_timout = \"1s\"",
            "server.request_timout",
            "did you mean `server.request_timeout`?",
        ),
        (
            "[servre]\nport = 1\nhost = \"::1\"",
            "servre",
            "did you mean `server`?",
        ),
        ("port = 1", "port", "did you mean `server.port`?"),
        (
            "[auth]\njwt_secret_file = \"/run/s\"",
            "auth.jwt_secret_file",
            "GLASSHOUSE_AUTH__JWT_SECRET_FILE",
        ),
        ("[kafka]\nbrokers = []", "kafka", "config reference"),
        ("\"server.port\" = 1", "\"server.port\"", "did you mean"),
        ("server = 1", "server", "[server]"),
        ("[[server]]\nport = 1", "server", "[server]"),
        ("auth.argon2 = 1979-05-27", "auth.argon2", "[auth.argon2]"),
    ];
    for (toml, key, right) in cases {
        let fault = nothing().toml(toml).faults().iter().next().unwrap().clone();
        assert_eq!(
            (fault.key.as_str(), fault.origin.as_str()),
            (key, "glasshouse.toml")
        );
        assert!(fault.right.contains(right), "{fault}");
    }
}

#[test]
fn unknown_variables_are_named_with_the_nearest_known_one() {
    let cases = [
        (
            "GLASSHOUSE_SERVER_PORT",
            "did you mean GLASSHOUSE_SERVER__PORT?",
        ),
        ("GLASSHOUSE_PORT", "did you mean GLASSHOUSE_SERVER__PORT?"),
        (
            "GLASSHOUSE_DATABASE_URL",
            "did you mean GLASSHOUSE_DATABASE__URL?",
        ),
        (
            "GLASSHOUSE_AUTH__JWT_SECRT",
            "did you mean GLASSHOUSE_AUTH__JWT_SECRET?",
        ),
        ("GLASSHOUSE_CONFIGS", "did you mean GLASSHOUSE_CONFIG?"),
        (
            "glasshouse_server__port",
            "GLASSHOUSE_SERVER__PORT, in capital letters",
        ),
        ("GLASSHOUSE_SERVER__PORT_FILE", "only secrets"),
        ("GLASSHOUSE_COLOUR", "config reference"),
        ("GLASSHOUSE_", "config reference"),
    ];
    for (name, right) in cases {
        let fault = nothing().variable(name, "canary").fault();
        assert_eq!(
            (fault.key.as_str(), fault.origin.as_str()),
            (name, "environment")
        );
        assert!(fault.right.contains(right), "{fault}");
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }
    nothing()
        .variable("GLASSHOUSE_PORT", "tcp://10.0.0.1:80")
        .variable("GLASSHOUSED", "1")
        .loaded();
}

#[test]
fn a_wrong_value_is_told_with_its_origin_and_what_would_be_right() {
    let fault = nothing()
        .variable("GLASSHOUSE_SERVER__PORT", "8o80")
        .fault();
    assert_eq!(fault.key, "server.port");
    assert_eq!(fault.origin, "environment GLASSHOUSE_SERVER__PORT");
    assert_eq!(fault.wrong, "`8o80` is not a whole number");
    assert_eq!(fault.right, "a port from 1 to 65535, or 0 for any free one");
    let fault = nothing().toml("[server]\nrequest_timeout = 30").fault();
    assert_eq!(
        (fault.origin.as_str(), fault.wrong.as_str()),
        ("glasshouse.toml", "it is a number without a unit")
    );
}

#[test]
fn a_file_that_was_named_must_be_there_and_be_toml() {
    let fault = nothing().variable("GLASSHOUSE_CONFIG", "none.toml").fault();
    assert_eq!(
        (fault.key.as_str(), fault.origin.as_str()),
        ("configuration file", "environment GLASSHOUSE_CONFIG")
    );
    assert!(fault.wrong.contains("none.toml"), "{fault}");
    let mut given = nothing();
    given.sources.config_file = Some(".".into());
    assert_eq!(given.fault().origin, "flag --config");
    let fault = nothing().with("glasshouse.toml", [0xff]).fault();
    assert!(fault.wrong.contains("cannot be read"), "{fault}");
}

#[test]
fn broken_toml_is_told_by_line_without_the_line_itself() {
    let tomls = [
        "[auth]\njwt_secret = \"canary",
        "[auth]\njwt_secret = canary",
        "[auth]\njwt_secret = \"a\"canary\"",
        "[auth]\njwt_secret = 'canary\\q\n'",
    ];
    for toml in tomls {
        // The file might have set the secret that production asks for: no second fault is made up.
        let fault = nothing()
            .toml(toml)
            .variable("GLASSHOUSE_ENVIRONMENT", "production")
            .fault();
        assert!(fault.wrong.contains("line 2, column"), "{fault}");
        assert!(!format!("{fault}{fault:?}").contains("canary"), "{fault}");
    }
}

#[test]
fn a_flag_for_nothing_is_told() {
    let fault = nothing().flag("server.colour", "red", "colour").fault();
    assert_eq!(
        (fault.key.as_str(), fault.origin.as_str()),
        ("server.colour", "flag --colour")
    );
}
