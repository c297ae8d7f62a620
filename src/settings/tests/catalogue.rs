//! The catalogue against the structs, the reference against the loader, docs/settings.md against the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::catalogue::{self, CONVENTIONAL};
use super::super::{write_markdown, write_toml};
use super::{certificate, keys, nothing};

/// A value for each setting that is not its default.
const OTHER: &[(&str, &str)] = &[
    ("environment", "production"),
    ("server.host", "127.0.0.2"),
    ("server.port", "81"),
    ("server.workers", "3"),
    ("server.request_timeout", "29s"),
    ("server.header_timeout", "4s"),
    ("server.body_timeout", "9s"),
    ("server.body_min_rate", "241B"),
    ("server.write_timeout", "9s"),
    ("server.keep_alive", "74s"),
    ("server.body_limit", "1MiB"),
    ("server.max_connections", "99"),
    ("server.max_connections_per_address", "97"),
    ("server.max_in_flight", "98"),
    ("server.min_in_flight", "15"),
    ("server.trusted_proxies", "10.0.0.0/8,fd00::/8"),
    ("server.cors_origins", "https://a.example,https://b.example"),
    ("server.tls.cert", "cert.pem"),
    ("server.tls.key", "key.pem"),
    ("admin.host", "127.0.0.3"),
    ("admin.port", "82"),
    ("admin.token", "***"),
    ("admin.allowed_hosts", "admin.example"),
    ("database.url", "postgres://u@h/d"),
    ("database.max_connections", "17"),
    ("database.min_idle", "3"),
    ("database.wait_timeout", "501ms"),
    ("database.create_timeout", "1501ms"),
    ("database.recycle_timeout", "502ms"),
    ("database.statement_timeout", "1502ms"),
    ("database.deadline", "3s"),
    ("database.idle_timeout", "11m"),
    ("database.max_lifetime", "31m"),
    ("database.migrate_on_start", "false"),
    ("auth.jwt_secret", "***"),
    ("auth.jwt_secret_previous", "***"),
    ("auth.issuer", "me"),
    ("auth.audience", "you"),
    ("auth.access_token_lifetime", "14m"),
    ("auth.refresh_token_lifetime", "29d"),
    ("auth.argon2.memory_kib", "19457"),
    ("auth.argon2.iterations", "3"),
    ("auth.argon2.parallelism", "2"),
    ("rate_limit.redis_url", "redis://cache"),
    ("rate_limit.register.rate", "6/h"),
    ("rate_limit.register.burst", "6"),
    ("rate_limit.login.rate", "11/m"),
    ("rate_limit.login.burst", "11"),
    ("rate_limit.api.rate", "100/s"),
    ("rate_limit.api.burst", "201"),
    ("log.filter", "debug"),
    ("log.format", "pretty"),
    ("traces.endpoint", "http://collector:4317"),
    ("traces.protocol", "grpc"),
    ("traces.sample_ratio", "0.25"),
    ("traces.service_name", "shop"),
    ("shutdown.drain_delay", "5s"),
    ("shutdown.grace", "36s"),
    ("webhooks.allow_http", "true"),
    ("webhooks.allowed_networks", "127.0.0.0/8"),
    ("webhooks.concurrency", "15"),
    ("webhooks.poll_interval", "2s"),
    ("webhooks.timeout", "6s"),
    ("faults.enabled", "true"),
    ("live_page.enabled", "false"),
    ("live_page.slow_request_threshold", "251ms"),
    (
        "live_page.trace_url_template",
        "http://jaeger/trace/{trace_id}",
    ),
];

#[test]
fn every_setting_can_be_set_from_the_environment_and_shows_up() {
    let known: BTreeSet<String> = catalogue::settings()
        .into_iter()
        .map(|setting| setting.key)
        .collect();
    let tried: BTreeSet<String> = OTHER.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(known, tried);

    let (cert, key) = certificate();
    let mut given = nothing().with("cert.pem", cert).with("key.pem", key);
    for (key, value) in OTHER {
        let name = format!("GLASSHOUSE_{}", key.to_uppercase().replace('.', "__"));
        let secret = "0123456789abcdef0123456789abcdef";
        given = given.variable(&name, if *value == "***" { secret } else { value });
    }
    let loaded = given.loaded();
    for (key, value) in OTHER {
        assert_eq!(loaded.shown(key).0, *value, "{key}");
        assert_ne!(
            nothing().loaded().shown(key).0,
            *value,
            "{key}: tried with its default"
        );
    }
}

#[test]
fn every_setting_is_documented_in_sentences() {
    for row in catalogue::rows() {
        let about = match &row {
            catalogue::Row::Section { about, .. } => about,
            catalogue::Row::Setting(setting) => &setting.about,
        };
        assert!(
            about.len() > 15 && about.ends_with('.'),
            "{}: {about}",
            row.key()
        );
    }
    let known: Vec<String> = catalogue::settings()
        .into_iter()
        .map(|setting| setting.key)
        .collect();
    assert!(
        CONVENTIONAL
            .iter()
            .all(|(_, key)| known.iter().any(|known| known == key))
    );
}

fn reference() -> String {
    let mut out = Vec::new();
    write_toml(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_reference_loads_as_it_is_and_with_every_setting_uncommented() {
    let as_it_is = reference();
    let loaded = nothing().toml(&as_it_is).loaded();
    assert!(
        loaded
            .effective
            .iter()
            .all(|effective| effective.origin == "default")
    );

    let lines = as_it_is.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    let uncommented = lines.collect::<Vec<_>>().join("\n");
    let defaults: BTreeMap<_, _> = loaded
        .effective
        .into_iter()
        .map(|effective| (effective.key, effective.value))
        .collect();
    let loaded = nothing().toml(&uncommented).loaded();
    assert_eq!(loaded.effective.len(), defaults.len());
    for effective in loaded.effective {
        assert_eq!(
            (effective.origin.as_str(), &effective.value),
            ("glasshouse.toml", &defaults[&effective.key])
        );
    }
    assert!(
        as_it_is.lines().all(|line| line.len() <= 100),
        "too wide for a terminal"
    );
}

#[test]
fn the_reference_of_an_older_name_is_refused() {
    let renamed = reference().replace("#port = 8080", "prot = 8080");
    assert_eq!(keys(&nothing().toml(&renamed).faults()), ["server.prot"]);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "`make docs` asks a test to write; this is no setting of the service"
)]
fn docs_settings_md_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let mut expected = Vec::new();
    write_markdown(&mut expected).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written.as_bytes() == expected,
        "docs/settings.md is stale: `make docs` writes it anew"
    );
}
