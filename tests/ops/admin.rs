//! The admin listener on a port of its own: routes, guard, headers, and that it needs nobody else.

use glasshouse::admin::{self, AdminContext, AdminServer};
use glasshouse::http::probes::Health;
use glasshouse::lifecycle::Readiness;
use glasshouse::settings::{AdminSettings, Effective, Shown};
use glasshouse::telemetry::logs::LogControl;
use glasshouse::telemetry::metrics::{Registry, Runtime, RuntimeMetrics};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

struct Admin {
    server: AdminServer,
    readiness: Readiness,
    client: Client,
}

impl Admin {
    fn start(settings: AdminSettings) -> Self {
        let registry = Registry::new();
        let runtimes = RuntimeMetrics::register(&registry).unwrap();
        let readiness = Readiness::new();
        let context = AdminContext {
            health: Health::new(readiness.clone()),
            readiness: readiness.clone(),
            log: LogControl::detached(),
            effective: vec![Effective {
                key: "auth.jwt_secret".into(),
                value: Shown::Text("***".into()),
                origin: "environment GLASSHOUSE_AUTH__JWT_SECRET".into(),
            }],
            config_file: None,
            lag: runtimes.lag.with(Runtime::Admin).clone(),
            registry,
        };
        let server = admin::start(
            context,
            &AdminSettings {
                port: 0,
                ..settings
            },
        )
        .unwrap();
        crate::support::client::install_crypto();
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        Self {
            server,
            readiness,
            client,
        }
    }

    fn open() -> Self {
        Self::start(AdminSettings::default())
    }

    fn with_token() -> Self {
        let token = Some("a token of some length".into());
        Self::start(AdminSettings {
            token,
            ..AdminSettings::default()
        })
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.server.address()))
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.ask(method, path).json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_answer_carries_the_safe_headers_and_none_names_the_server() {
    let admin = Admin::open();
    for path in [
        "/",
        "/metrics",
        "/health/live",
        "/config",
        "/log",
        "/nowhere",
    ] {
        let response = admin
            .ask(Method::GET, path)
            .header("x-request-id", "mine-1")
            .send()
            .await
            .unwrap();
        assert_eq!(
            header(&response, "x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            header(&response, "cache-control"),
            Some("no-store"),
            "{path}"
        );
        assert_eq!(header(&response, "x-request-id"), Some("mine-1"), "{path}");
        assert_eq!(header(&response, "server"), None, "{path}");
    }
}

#[tokio::test]
async fn the_index_is_html_for_a_browser_and_json_for_a_program() {
    let admin = Admin::open();
    let page = admin
        .ask(Method::GET, "/")
        .header("accept", "text/html,*/*;q=0.8")
        .send()
        .await
        .unwrap();
    assert!(
        header(&page, "content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        header(&page, "content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    let body: Value = admin.get("/").await.json().await.unwrap();
    assert!(
        body["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["path"] == "/metrics")
    );
}

#[tokio::test]
async fn metrics_are_in_the_text_format_and_tell_of_the_admin_runtime() {
    let admin = Admin::open();
    let response = admin.get("/metrics").await;
    assert!(
        header(&response, "content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = response.text().await.unwrap();
    assert!(
        text.contains(r#"runtime_lag_seconds_count{runtime="admin"}"#),
        "{text}"
    );
    let head = admin.ask(Method::HEAD, "/metrics").send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn settings_are_shown_with_their_origin() {
    let body: Value = Admin::open().get("/config").await.json().await.unwrap();
    assert_eq!(body["config_file"], Value::Null);
    assert_eq!(
        body["settings"][0],
        json!({"key": "auth.jwt_secret", "value": "***", "origin": "environment GLASSHOUSE_AUTH__JWT_SECRET"})
    );
}

#[tokio::test]
async fn the_log_filter_is_changed_for_a_while() {
    let admin = Admin::open();
    let (status, body) = admin
        .send(
            Method::PUT,
            "/log",
            json!({"filter": "debug", "for": "10m"}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        body,
        json!({"filter": "debug", "configured": "info", "reverts_in_seconds": 600})
    );
    let (_, body) = admin
        .send(Method::PUT, "/log", json!({"filter": "warn"}))
        .await;
    assert_eq!(body["reverts_in_seconds"], 600, "a change always reverts");
    let body: Value = admin.get("/log").await.json().await.unwrap();
    assert_eq!(body["filter"], "warn");
}

#[tokio::test]
async fn a_log_change_that_makes_no_sense_is_refused_and_changes_nothing() {
    let admin = Admin::open();
    for (body, field) in [
        (json!({"filter": "inof"}), "filter"),
        (json!({"filter": ""}), "filter"),
        (json!({"for": "1m"}), "filter"),
        (json!({"filter": "debug", "for": "25h"}), "for"),
        (json!({"filter": "debug", "for": 5}), "for"),
        (json!({"filter": "debug", "until": "1m"}), "until"),
    ] {
        let (status, problem) = admin.send(Method::PUT, "/log", body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
    }
    let text = admin
        .ask(Method::PUT, "/log")
        .body("debug")
        .send()
        .await
        .unwrap();
    assert_eq!(text.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let body: Value = admin.get("/log").await.json().await.unwrap();
    assert_eq!(body["filter"], "info");
}

#[tokio::test]
async fn a_hold_takes_the_instance_out_of_rotation_until_it_is_released() {
    let admin = Admin::open();
    assert_eq!(admin.get("/health/ready").await.status(), StatusCode::OK);
    for changed in [true, false] {
        let (status, body) = admin.send(Method::POST, "/ready/hold", Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            body,
            json!({"held": true, "changed": changed, "ready": false})
        );
    }
    let unready = admin.get("/health/ready").await;
    assert_eq!(unready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = unready.json().await.unwrap();
    assert_eq!(body["checks"][0]["name"], "hold");
    assert_eq!(admin.get("/health/live").await.status(), StatusCode::OK);
    let (_, body) = admin.send(Method::DELETE, "/ready/hold", Value::Null).await;
    assert_eq!(body, json!({"held": false, "changed": true, "ready": true}));
    assert!(admin.readiness.is_ready());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let admin = Admin::open();
    for path in [
        "/nowhere",
        "/faults",
        "/profile",
        "/status",
        "/api/v1/products",
        "/docs",
        "//metrics",
    ] {
        let response = admin.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            header(&response, "content-type"),
            Some("application/problem+json"),
            "{path}"
        );
        let problem: Value = response.json().await.unwrap();
        assert!(!problem["request_id"].as_str().unwrap().is_empty());
    }
    for (method, path, allow) in [
        (Method::POST, "/metrics", "GET, HEAD"),
        (Method::DELETE, "/log", "GET, HEAD, PUT"),
        (Method::GET, "/ready/hold", "POST, DELETE"),
        (Method::PUT, "/health/ready", "GET, HEAD"),
    ] {
        let response = admin.ask(method, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(header(&response, "allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn with_a_token_only_metrics_and_probes_are_open() {
    let admin = Admin::with_token();
    for path in ["/metrics", "/health", "/health/live", "/health/ready"] {
        assert_eq!(admin.get(path).await.status(), StatusCode::OK, "{path}");
    }
    for path in [
        "/",
        "/config",
        "/log",
        "/nowhere",
        "/%6detrics",
        "/metrics/",
    ] {
        let response = admin.get(path).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenge = header(&response, "www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
    let token = "a token of some length";
    let shown = [
        admin.ask(Method::GET, "/log").bearer_auth(token),
        admin
            .ask(Method::GET, "/log")
            .basic_auth("anyone", Some(token)),
    ];
    for request in shown {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    admin
        .server
        .replace_token(Some("another token, rotated".into()));
    let old = admin
        .ask(Method::GET, "/log")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_strange_host_and_a_foreign_page_are_refused() {
    let admin = Admin::open();
    let rebound = admin
        .ask(Method::GET, "/config")
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    let scrape = admin
        .ask(Method::GET, "/metrics")
        .header("host", "glasshouse.internal")
        .send()
        .await
        .unwrap();
    assert_eq!(scrape.status(), StatusCode::OK);
    let foreign = admin
        .ask(Method::POST, "/ready/hold")
        .header("origin", "http://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(!admin.readiness.is_held());
}

#[tokio::test]
async fn a_taken_address_is_named_together_with_its_setting() {
    let first = Admin::open();
    let address = first.server.address();
    let settings = AdminSettings {
        port: address.port(),
        ..AdminSettings::default()
    };
    let registry = Registry::new();
    let runtimes = RuntimeMetrics::register(&registry).unwrap();
    let readiness = Readiness::new();
    let context = AdminContext {
        health: Health::new(readiness.clone()),
        readiness,
        log: LogControl::detached(),
        effective: Vec::new(),
        config_file: None,
        lag: runtimes.lag.with(Runtime::Admin).clone(),
        registry,
    };
    let error = admin::start(context, &settings).unwrap_err().to_string();
    assert!(
        error.contains(&address.to_string()) && error.contains("admin.port"),
        "{error}"
    );
}

#[tokio::test]
async fn it_stops_and_frees_its_port() {
    let admin = Admin::open();
    let address = admin.server.address();
    tokio::time::timeout(Duration::from_secs(5), admin.server.stop())
        .await
        .unwrap();
    std::net::TcpListener::bind(address).unwrap();
}
