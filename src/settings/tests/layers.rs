//! Which layer wins, and what is said to be the origin.

use std::net::IpAddr;
use std::time::Duration;

use super::super::{DatabaseUrl, Environment, LogFormat, Rate, TraceProtocol};
use super::nothing;

#[test]
fn nothing_given_gives_the_defaults() {
    let loaded = nothing().loaded();
    assert!(
        loaded
            .effective
            .iter()
            .all(|effective| effective.origin == "default")
    );
    assert_eq!(loaded.config_file, None);
    let settings = loaded.settings;
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.server.request_timeout, Duration::from_secs(30));
    assert_eq!(
        settings.auth.refresh_token_lifetime,
        Duration::from_hours(720)
    );
    assert!(
        matches!(settings.database.url, DatabaseUrl::Sqlite(path) if path.as_os_str() == "glasshouse.db")
    );
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let key = "server.port";
    let given = nothing();
    assert_eq!(given.loaded().shown(key), ("8080".into(), "default"));
    let given = given.toml("server.port = 1");
    assert_eq!(given.loaded().shown(key), ("1".into(), "glasshouse.toml"));
    let given = given.variable("PORT", "2");
    assert_eq!(given.loaded().shown(key), ("2".into(), "environment PORT"));
    let given = given.variable("GLASSHOUSE_SERVER__PORT", "3");
    assert_eq!(
        given.loaded().shown(key),
        ("3".into(), "environment GLASSHOUSE_SERVER__PORT")
    );
    let given = given.flag(key, "4", "--port");
    assert_eq!(given.loaded().shown(key), ("4".into(), "flag --port"));
    assert_eq!(given.loaded().settings.server.port, 4);
    // The order in which the environment lists its variables says nothing.
    let given = nothing()
        .variable("GLASSHOUSE_SERVER__PORT", "3")
        .variable("PORT", "2");
    assert_eq!(given.loaded().settings.server.port, 3);
}

#[test]
fn every_conventional_name_stands_for_its_setting() {
    let given = nothing()
        .variable("DATABASE_URL", "postgres://shop@db/orders")
        .variable("PORT", "0")
        .variable("RUST_LOG", "debug")
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
        .variable("OTEL_SERVICE_NAME", "shop")
        .variable("OTEL_TRACES_SAMPLER_ARG", "0.5")
        .variable("HOME", "/home/shop");
    let loaded = given.loaded();
    let expected = [
        (
            "database.url",
            "postgres://shop@db/orders",
            "environment DATABASE_URL",
        ),
        ("server.port", "0", "environment PORT"),
        ("log.filter", "debug", "environment RUST_LOG"),
        (
            "traces.endpoint",
            "http://collector:4318",
            "environment OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            "traces.service_name",
            "shop",
            "environment OTEL_SERVICE_NAME",
        ),
        (
            "traces.sample_ratio",
            "0.5",
            "environment OTEL_TRACES_SAMPLER_ARG",
        ),
    ];
    for (key, value, origin) in expected {
        assert_eq!(loaded.shown(key), (value.to_owned(), origin));
    }
}

#[test]
fn an_empty_conventional_name_is_an_unset_one() {
    let given = nothing()
        .variable("PORT", "")
        .variable("RUST_LOG", "")
        .variable("DATABASE_URL", "");
    assert!(
        given
            .loaded()
            .effective
            .iter()
            .all(|effective| effective.origin == "default")
    );
}

#[test]
fn the_file_is_the_flags_the_variables_or_the_usual_one() {
    let mut given = nothing()
        .with("a.toml", "server.port = 1")
        .with("b.toml", "server.port = 2")
        .toml("server.port = 3");
    assert_eq!(
        given.loaded().shown("server.port"),
        ("3".into(), "glasshouse.toml")
    );
    given = given.variable("GLASSHOUSE_CONFIG", "b.toml");
    assert_eq!(given.loaded().shown("server.port"), ("2".into(), "b.toml"));
    given.sources.config_file = Some("a.toml".into());
    let loaded = given.loaded();
    assert_eq!(loaded.shown("server.port"), ("1".into(), "a.toml"));
    assert_eq!(loaded.config_file, Some("a.toml".into()));
    assert_eq!(
        nothing()
            .variable("GLASSHOUSE_CONFIG", "")
            .loaded()
            .config_file,
        None
    );
}

#[test]
fn toml_and_environment_give_the_same_types() {
    let toml = nothing().toml(
        r#"
        environment = "production"
        [server]
        host = "::1"
        body_limit = 131072
        keep_alive = "1m 30s"
        trusted_proxies = ["10.0.0.0/8", "::1"]
        cors_origins = ["https://shop.example"]
        [auth]
        jwt_secret = "0123456789abcdef0123456789abcdef"
        [rate_limit]
        login.rate = ""
        api = { rate = "100/s", burst = 7 }
        [log]
        format = "json"
        [traces]
        protocol = "grpc"
        sample_ratio = 1
        [database]
        migrate_on_start = false
        "#,
    );
    let environment = nothing()
        .variable("GLASSHOUSE_ENVIRONMENT", "production")
        .variable("GLASSHOUSE_SERVER__HOST", "::1")
        .variable("GLASSHOUSE_SERVER__BODY_LIMIT", "128KiB")
        .variable("GLASSHOUSE_SERVER__KEEP_ALIVE", "90s")
        .variable("GLASSHOUSE_SERVER__TRUSTED_PROXIES", "10.0.0.0/8,::1")
        .variable("GLASSHOUSE_SERVER__CORS_ORIGINS", "https://shop.example")
        .variable(
            "GLASSHOUSE_AUTH__JWT_SECRET",
            "0123456789abcdef0123456789abcdef",
        )
        .variable("GLASSHOUSE_RATE_LIMIT__LOGIN__RATE", "")
        .variable("GLASSHOUSE_RATE_LIMIT__API__RATE", "100/s")
        .variable("GLASSHOUSE_RATE_LIMIT__API__BURST", "7")
        .variable("GLASSHOUSE_LOG__FORMAT", "json")
        .variable("GLASSHOUSE_TRACES__PROTOCOL", "grpc")
        .variable("GLASSHOUSE_TRACES__SAMPLE_RATIO", "1.0")
        .variable("GLASSHOUSE_DATABASE__MIGRATE_ON_START", "false");
    for loaded in [toml.loaded(), environment.loaded()] {
        let settings = loaded.settings;
        assert!(settings.environment.is_production());
        assert_eq!(settings.server.host, "::1".parse::<IpAddr>().unwrap());
        assert_eq!(
            (settings.server.body_limit, settings.server.keep_alive),
            (131_072, Duration::from_secs(90))
        );
        assert_eq!(
            settings.server.trusted_proxies,
            ["10.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap())
        );
        assert_eq!(settings.server.cors_origins, ["https://shop.example"]);
        assert!(settings.auth.jwt_secret.is_some());
        assert_eq!(settings.rate_limit.login.rate, None);
        let api = settings.rate_limit.api;
        assert_eq!(
            (api.rate, api.burst),
            (
                Some(Rate {
                    count: 100,
                    per: Duration::from_secs(1)
                }),
                7
            )
        );
        assert_eq!(
            (settings.log.format, settings.traces.protocol),
            (LogFormat::Json, TraceProtocol::Grpc)
        );
        assert!((settings.traces.sample_ratio - 1.0).abs() < f64::EPSILON);
        assert!(!settings.database.migrate_on_start);
    }
}
