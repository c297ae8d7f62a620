//! Rules between settings.

use super::super::validate::missing_tls;
use super::{certificate, keys, nothing};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn each_step_of_the_timeout_ladder_is_shorter_than_the_next() {
    let steps = [
        (
            "database.wait_timeout",
            "database.statement_timeout",
            "1500ms",
        ),
        ("database.statement_timeout", "database.deadline", "2s"),
        ("database.deadline", "server.request_timeout", "30s"),
        ("server.request_timeout", "shutdown.grace", "35s"),
    ];
    for (lower, upper, limit) in steps {
        // As long as the next one is too long already.
        let fault = nothing().flag(lower, limit, "--x").fault();
        assert_eq!(
            (fault.key.as_str(), fault.origin.as_str()),
            (lower, "flag --x")
        );
        let wrong = format!("{limit} is not shorter than {upper}, which is {limit} (default)");
        assert_eq!(fault.wrong, wrong);
        assert!(
            fault.right.contains(lower) && fault.right.contains(upper),
            "{fault}"
        );
    }
    let faults = nothing()
        .flag("database.deadline", "1h", "x")
        .flag("database.wait_timeout", "2s", "x")
        .faults();
    assert_eq!(
        keys(&faults),
        ["database.wait_timeout", "database.deadline"]
    );
    nothing()
        .flag("database.wait_timeout", "1499ms", "x")
        .loaded();
}

#[test]
fn a_rule_is_silent_about_a_setting_that_has_a_fault_already() {
    let given = nothing()
        .variable("GLASSHOUSE_SERVER__REQUEST_TIMEOUT", "soon")
        .variable("GLASSHOUSE_SHUTDOWN__GRACE", "1s");
    assert_eq!(given.fault().key, "server.request_timeout");
}

#[test]
fn production_needs_a_secret_and_development_does_not() {
    let fault = nothing()
        .variable("GLASSHOUSE_ENVIRONMENT", "production")
        .fault();
    assert_eq!(
        (fault.key.as_str(), fault.origin.as_str()),
        ("auth.jwt_secret", "default")
    );
    assert!(fault.wrong.contains("GLASSHOUSE_ENVIRONMENT"), "{fault}");
    assert!(fault.right.contains("32 bytes"), "{fault}");
    nothing()
        .variable("GLASSHOUSE_ENVIRONMENT", "production")
        .variable("GLASSHOUSE_AUTH__JWT_SECRET", SECRET)
        .loaded();
    assert!(nothing().loaded().settings.auth.jwt_secret.is_none());
    for environment in ["development", "production"] {
        let given = nothing().variable("GLASSHOUSE_ENVIRONMENT", environment);
        let fault = given
            .variable("GLASSHOUSE_AUTH__JWT_SECRET", &SECRET[1..])
            .fault();
        assert!(fault.wrong.contains("31 bytes"), "{fault}");
    }
}

#[test]
fn the_listeners_do_not_share_a_port() {
    let fault = nothing().variable("PORT", "9464").fault();
    assert_eq!(fault.key, "admin.port");
    let given = nothing()
        .variable("PORT", "9464")
        .flag("server.host", "0.0.0.0", "x");
    assert_eq!(given.fault().key, "admin.port");
    nothing()
        .variable("PORT", "9464")
        .flag("server.host", "127.0.0.2", "x")
        .loaded();
    nothing()
        .variable("PORT", "0")
        .flag("admin.port", "0", "x")
        .loaded();
}

#[test]
fn certificate_and_key_come_together_and_can_be_read() {
    let fault = nothing()
        .with("cert", "")
        .flag("server.tls.cert", "cert", "x")
        .fault();
    assert_eq!(
        (fault.key.as_str(), fault.right.as_str()),
        ("server.tls.key", "both or neither")
    );
    let fault = nothing()
        .with("key", "")
        .flag("server.tls.key", "key", "x")
        .fault();
    assert_eq!(fault.key, "server.tls.cert");
    let faults = nothing()
        .flag("server.tls.cert", "none", "x")
        .flag("server.tls.key", ".", "x")
        .faults();
    assert_eq!(keys(&faults), ["server.tls.cert", "server.tls.key"]);
    let (cert, key) = certificate();
    let given = |cert: &str, key: &str| {
        nothing()
            .with("c", cert)
            .with("k", key)
            .flag("server.tls.cert", "c", "--cert")
            .flag("server.tls.key", "k", "--key")
    };
    given(&cert, &key).loaded();
    let (_, another) = certificate();
    for (cert, key, at_fault) in [
        ("", &*key, "server.tls.cert"),
        (&*key, &key, "server.tls.cert"),
        (&cert, "", "server.tls.key"),
        (&cert, &another, "server.tls.key"),
    ] {
        let fault = given(cert, key).fault();
        assert_eq!(fault.key, at_fault, "{fault}");
        assert!(fault.origin.starts_with("flag --"), "{fault}");
    }
}

#[test]
fn the_pool_keeps_no_more_than_it_holds() {
    let fault = nothing()
        .flag("database.max_connections", "1", "--pool")
        .fault();
    assert_eq!(fault.key, "database.min_idle");
    assert!(fault.wrong.contains("flag --pool"), "{fault}");
    nothing()
        .flag("database.max_connections", "2", "x")
        .loaded();
}

#[test]
fn a_password_hash_costs_at_least_what_owasp_asks() {
    let set = |memory: &str, iterations: &str| {
        nothing().flag("auth.argon2.memory_kib", memory, "x").flag(
            "auth.argon2.iterations",
            iterations,
            "x",
        )
    };
    for (memory, iterations) in [
        ("47104", "1"),
        ("19456", "2"),
        ("12288", "3"),
        ("9216", "4"),
        ("7168", "5"),
        ("7168", "9"),
    ] {
        set(memory, iterations).loaded();
    }
    for (memory, iterations) in [
        ("47103", "1"),
        ("19455", "2"),
        ("12287", "3"),
        ("9215", "4"),
        ("7167", "5"),
        ("19456", "0"),
    ] {
        set(memory, iterations).fault();
    }
}

#[test]
fn an_address_that_asks_for_tls_needs_a_build_that_has_it() {
    let loaded = |url: &str| nothing().variable("DATABASE_URL", url).load();
    assert_eq!(
        loaded("postgres://h/d?sslmode=require").is_ok(),
        cfg!(feature = "postgres-tls")
    );
    let missing = |mode: &str, built_in| {
        missing_tls(
            &format!("postgres://h/d?sslmode={mode}").parse().unwrap(),
            built_in,
        )
    };
    assert_eq!(missing("verify-full", true), None);
    assert_eq!(missing("prefer", false), None);
    let (wrong, right) = missing("verify-full", false).unwrap();
    assert!(wrong.contains("built without TLS") && right.contains("postgres-tls"));
}
