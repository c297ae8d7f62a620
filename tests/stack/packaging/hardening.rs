//! What every container of the compose file must be: closed, bounded, pinned, checked, and told no secret.

use serde_json::{Value, json};

use super::compose::{self, interpolated, items, services, texts, variables};

/// The longest name of a thing that must not be written down.
const SECRET_WORDS: [&str; 4] = ["PASSWORD", "SECRET", "TOKEN", "CREDENTIAL"];

/// Services whose containers end by themselves.
const JOBS: [&str; 1] = ["k6"];

/// What is wrong with one service.
fn faults_of(name: &str, service: &Value, compose: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            found.push(format!("{name}: {what}"));
        }
    };

    must(service["read_only"] == true, "its root is writable");
    must(
        service["cap_drop"] == json!(["ALL"]) && service.get("cap_add").is_none(),
        "it has capabilities",
    );
    must(
        items(&service["security_opt"]).contains(&"no-new-privileges:true"),
        "it may gain privileges",
    );
    for key in [
        "privileged",
        "network_mode",
        "pid",
        "ipc",
        "userns_mode",
        "devices",
    ] {
        must(service.get(key).is_none(), &format!("{key} is set"));
    }
    for key in ["mem_limit", "pids_limit"] {
        must(service.get(key).is_some(), &format!("no {key}"));
    }
    must(
        service["logging"]["options"]["max-size"].is_string(),
        "its log may fill the disk",
    );
    for port in items(&service["ports"]) {
        must(
            port.starts_with("127.0.0.1:"),
            &format!("port {port} is open to other machines"),
        );
    }

    let (image, overrides) = interpolated(service["image"].as_str().unwrap_or_default(), "");
    must(
        is_exact(&image),
        &format!("image {image:?} is no exact tag"),
    );
    must(overrides.len() == 1, "its image cannot be another's");

    let test = items(&service["healthcheck"]["test"]);
    let job = JOBS.contains(&name);
    must(
        job || test.len() > 1 && test[0] == "CMD",
        "no health check without a shell",
    );
    must(
        service["restart"] == if job { "no" } else { "unless-stopped" },
        "it is not started again as it should be",
    );
    let dependencies = service["depends_on"].as_object().cloned();
    for (other, how) in dependencies.unwrap_or_default() {
        must(
            how["condition"] == "service_healthy"
                && compose["services"][&other]["healthcheck"].is_object(),
            &format!("it does not wait until {other} is healthy"),
        );
    }

    let environment = service["environment"].as_object().cloned();
    for (key, value) in environment.unwrap_or_default() {
        if !SECRET_WORDS.iter().any(|word| key.contains(word)) && !key.ends_with("URL_FILE") {
            continue;
        }
        let file = value.as_str().unwrap_or_default();
        let secret = file.strip_prefix("/run/secrets/");
        must(
            key.ends_with("_FILE")
                && secret.is_some_and(|secret| items(&service["secrets"]).contains(&secret)),
            &format!("{key} is no file of a secret that it is given"),
        );
    }
    for secret in items(&service["secrets"]) {
        must(
            compose["secrets"].get(secret).is_some(),
            &format!("there is no secret {secret}"),
        );
    }
    found
}

/// What is wrong with the file.
fn faults(compose: &Value) -> Vec<String> {
    let mut found: Vec<_> = services(compose)
        .flat_map(|(name, service)| faults_of(name, service, compose))
        .collect();
    for variable in variables(compose) {
        let secret = SECRET_WORDS.iter().any(|word| variable.name.contains(word));
        if secret && variable.default.is_some() {
            found.push(format!("{} has a default", variable.name));
        }
    }
    for (name, secret) in compose["secrets"].as_object().expect("secrets") {
        let from = secret["file"].as_str().unwrap_or_default();
        let required = interpolated(from, "")
            .1
            .iter()
            .all(|variable| variable.default.is_none());
        if !from.starts_with("${STACK_SECRETS:?") || !required {
            found.push(format!(
                "secret {name} is no file of the folder that must be named"
            ));
        }
    }
    for text in texts(compose) {
        let authority = text
            .split_once("://")
            .map(|(_, rest)| rest.split('/').next());
        if authority
            .flatten()
            .is_some_and(|authority| authority.contains('@'))
        {
            found.push(format!("{text:?} has a user in it"));
        }
    }
    found
}

/// Whether it names a tag with all the numbers of a version: `postgres:17.11-bookworm`, and not `postgres:17`.
fn is_exact(image: &str) -> bool {
    let tag = image
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'));
    let Some((_, tag)) = tag else { return false };
    let version = tag
        .trim_start_matches('v')
        .split('-')
        .next()
        .unwrap_or_default();
    let numbers: Vec<_> = version.split('.').collect();
    // PostgreSQL's versions have two numbers, all others here have three.
    let least = if image.contains("/postgres:") { 2 } else { 3 };
    numbers.len() >= least
        && numbers
            .iter()
            .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn every_container_is_closed_bounded_and_pinned() {
    super::none(
        "not as docker-compose.yml promises",
        &faults(&compose::read()),
    );
}

#[test]
fn each_of_them_is_noticed() {
    let broken = |path: &str, value: Value| {
        let mut compose = compose::read();
        *compose
            .pointer_mut(path)
            .unwrap_or_else(|| panic!("{path} is not there")) = value;
        faults(&compose)
    };
    for (path, value, expected) in broken_places().into_iter().chain(told_secrets()) {
        let removed = value.is_null();
        let found = if removed {
            let mut compose = compose::read();
            let (parent, key) = path.rsplit_once('/').unwrap();
            let parent = compose.pointer_mut(parent).and_then(Value::as_object_mut);
            parent.unwrap().remove(key).unwrap();
            faults(&compose)
        } else {
            broken(path, value)
        };
        let noticed = found.iter().any(|fault| fault.contains(expected));
        assert!(noticed && !found.is_empty(), "{path}: {found:?}");
    }
    for key in ["privileged", "network_mode", "pid", "devices", "cap_add"] {
        let mut compose = compose::read();
        compose["services"]["app"][key] = json!("host");
        assert_eq!(faults(&compose).len(), 1, "{key}");
    }
}

/// A place of the compose file, what is put there instead (or nothing), and how that has to be told.
fn broken_places() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/services/app/read_only", json!(false), "app: its root"),
        (
            "/services/app/cap_drop",
            json!(["NET_RAW"]),
            "app: it has cap",
        ),
        (
            "/services/redis/security_opt",
            json!([]),
            "redis: it may gain",
        ),
        ("/services/k6/mem_limit", Value::Null, "k6: no mem_limit"),
        (
            "/services/grafana/ports",
            json!(["3000:3000"]),
            "grafana: port 3000:3000",
        ),
        (
            "/services/grafana/ports/0",
            json!("0.0.0.0:3000:3000"),
            "grafana: port",
        ),
        ("/services/loki/image", json!("grafana/loki"), "loki: image"),
        (
            "/services/loki/image",
            json!("${LOKI_IMAGE:-grafana/loki:latest}"),
            "loki: image",
        ),
        (
            "/services/loki/image",
            json!("${LOKI_IMAGE:-grafana/loki:3}"),
            "loki: image",
        ),
        (
            "/services/loki/image",
            json!("grafana/loki:3.7.6"),
            "cannot be another's",
        ),
        (
            "/services/postgres/image",
            json!("${A:-docker.io/library/postgres:17}"),
            "postgres: image",
        ),
        (
            "/services/jaeger/healthcheck/test",
            json!(["CMD-SHELL", "true"]),
            "jaeger: no health",
        ),
        (
            "/services/jaeger/healthcheck/test",
            json!("true"),
            "jaeger: no health",
        ),
        (
            "/services/jaeger/restart",
            json!("no"),
            "jaeger: it is not started",
        ),
        (
            "/services/haproxy/depends_on/app/condition",
            json!("service_started"),
            "until app",
        ),
        ("/services/app/logging/options", json!({}), "app: its log"),
    ]
}

/// The same about what is secret.
fn told_secrets() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "/services/app/environment/GLASSHOUSE_AUTH__JWT_SECRET_FILE",
            json!("/jwt"),
            "JWT_SECRET_FILE is no file",
        ),
        (
            "/services/app/secrets",
            json!(["database_url", "jwt_secret"]),
            "TOKEN_FILE is no file",
        ),
        (
            "/services/app/secrets/0",
            json!("admin_tokens"),
            "no secret admin_tokens",
        ),
        (
            "/services/postgres/environment",
            json!({"POSTGRES_PASSWORD": "a"}),
            "POSTGRES_PASSWORD is no file",
        ),
        (
            "/services/postgres/environment",
            json!({"A": "${PG_PASSWORD:-a}"}),
            "PG_PASSWORD has a default",
        ),
        (
            "/services/postgres/environment",
            json!({"A": "postgres://a:b@c/d"}),
            "has a user in it",
        ),
        (
            "/secrets/jwt_secret/file",
            json!("./.secrets/jwt_secret"),
            "secret jwt_secret",
        ),
        (
            "/secrets/jwt_secret/file",
            json!("${STACK_SECRETS:-.}/jwt"),
            "secret jwt_secret",
        ),
    ]
}
