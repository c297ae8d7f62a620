//! What holds on every route: ids, times, errors from every layer, methods, headers, bodies, paging, limits.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::client::Answer;
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::json::{assert_fields, assert_problem};
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

/// RFC 3339, UTC, exactly three decimals: `2026-11-21T08:15:30.123Z`.
#[track_caller]
fn assert_time(value: &Value) {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{text}");
}

#[track_caller]
fn assert_id(value: &Value) {
    let id = Uuid::parse_str(value.as_str().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{value} is no UUID"));
    assert_eq!(id.get_version_num(), 7, "{id}");
}

on_both!(ids_are_uuid_v7_times_have_milliseconds_and_money_is_whole);
async fn ids_are_uuid_v7_times_have_milliseconds_and_money_is_whole(app: TestApp) {
    let ada = app.register("Ada@Example.com").await;
    let me = app
        .get("/api/v1/accounts/me")
        .token(&ada)
        .send()
        .await
        .expect(200)
        .json();
    let product = app.product("SHAPE", 9).await;
    let shown = app
        .get(&format!("/api/v1/products/{product}"))
        .send()
        .await
        .expect(200)
        .json();
    let order = app.place_order(&ada, &product, 2).await.expect(201).json();
    for object in [&me, &shown, &order] {
        assert_id(&object["id"]);
        assert_time(&object["created_at"]);
    }
    assert_time(&shown["updated_at"]);
    assert!(shown["unit_price_cents"].is_i64() && order["total_cents"].is_i64());
    assert_eq!(me["email"], "ada@example.com");
}

on_both!(errors_of_every_layer_are_problem_documents);
async fn errors_of_every_layer_are_problem_documents(app: TestApp) {
    let send = async |method: &str, path: &str| app.call(method, path).send().await;
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/products/", 404, "not_found"),
        ("BREW", "/nowhere", 404, "not_found"),
        ("TRACE", "/health", 405, "method_not_allowed"),
        ("OPTIONS", "/api/v1/orders", 405, "method_not_allowed"),
        ("BREW", "/api/v1/orders", 405, "method_not_allowed"),
        ("GET", "/api/v1/products/nonsense", 400, "invalid_parameter"),
        ("GET", "/api/v1/products?limit=0", 400, "invalid_parameter"),
        (
            "GET",
            "/api/v1/products?limit=1&limit=2",
            400,
            "invalid_parameter",
        ),
        (
            "GET",
            "/api/v1/products?cursor=nonsense",
            400,
            "invalid_parameter",
        ),
        (
            "GET",
            "/api/v1/products?type=nonsense",
            400,
            "invalid_parameter",
        ),
        ("GET", "/problems/nonsense", 404, "not_found"),
        ("GET", "/docs/index.html", 404, "not_found"),
        ("GET", "/docs/..%2f..%2fetc%2fpasswd", 404, "not_found"),
        ("POST", "/api/v1/accounts", 415, "unsupported_media_type"),
    ] {
        assert_problem(&send(method, path).await, status, code);
    }
    let answer = send("PATCH", "/api/v1/orders").await;
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    // On a label, an unknown method is one of a kind, and a known path is its template.
    let metrics = app.metrics().await;
    let labels = [
        ("method", "_OTHER"),
        ("path", "/api/v1/orders"),
        ("status", "405"),
    ];
    assert!(metrics.value("http_requests_total", &labels) >= 1.0);
}

on_both!(a_body_is_refused_for_the_right_reason);
async fn a_body_is_refused_for_the_right_reason(app: TestApp) {
    let post = async |kind: &str, body: &str| {
        app.post("/api/v1/accounts")
            .body(kind, body.to_owned())
            .send()
            .await
    };
    let json = "application/json";
    assert_problem(
        &post("text/plain", "{}").await,
        415,
        "unsupported_media_type",
    );
    assert_problem(
        &post("application/json; charset=latin1", "{}").await,
        415,
        "unsupported_media_type",
    );
    for body in [
        "",
        "{",
        "{email: 1}",
        "nul",
        "{\"email\": \"\u{1}\"}",
        "{\"email\":\"x@example.com\",\"password\":\"long enough\",\"display_name\":\"X\"} {}",
    ] {
        assert_problem(&post(json, body).await, 400, "malformed_request");
    }
    assert_problem(&post(json, &"[".repeat(10_000)).await, 422, "invalid_body");
    let field = |body: Value, expected: &'static str| (body.to_string(), expected);
    let good = |key: &str, value: Value| {
        let mut body =
            json!({"email": "x@example.com", "password": "long enough", "display_name": "X"});
        body[key] = value;
        body
    };
    for (body, expected) in [
        field(good("role", json!("operator")), "role"),
        field(good("email", json!("nonsense")), "email"),
        field(good("email", json!(5)), "email"),
        field(good("password", json!("short")), "password"),
        field(good("password", json!("x".repeat(129))), "password"),
        field(good("display_name", json!("")), "display_name"),
        field(good("display_name", json!("a\u{0}b")), "display_name"),
        field(good("display_name", Value::Null), "display_name"),
        field(json!(["x@example.com", "long enough", "X"]), ""),
    ] {
        let problem = assert_problem(&post(json, &body).await, 422, "invalid_body");
        assert_fields(&problem, &[expected]);
    }
}

on_both!(a_body_over_the_limit_is_refused_announced_or_not);
async fn a_body_over_the_limit_is_refused_announced_or_not(app: TestApp) {
    let padded = |size: usize| {
        let body =
            json!({"email": "x@example.com", "password": "long enough", "display_name": "X"})
                .to_string();
        format!("{body}{}", " ".repeat(size - body.len()))
    };
    let limit = 64 * 1024;
    app.post("/api/v1/accounts")
        .body("application/json", padded(limit))
        .send()
        .await
        .expect(201);
    let answer = app
        .post("/api/v1/accounts")
        .body("application/json", padded(limit + 1))
        .send()
        .await;
    assert_problem(&answer, 413, "body_too_large");
    let mut raw = app.raw().await;
    raw.send("POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..17 {
        raw.send(&format!("1000\r\n{}\r\n", " ".repeat(4096))).await;
    }
    let answer = raw.response().await.unwrap();
    assert_eq!(answer.status, 413, "{answer:?}");
}

on_both!(head_answers_like_get_without_a_body);
async fn head_answers_like_get_without_a_body(app: TestApp) {
    let product = app.product("HEAD", 1).await;
    for path in [
        "/".to_owned(),
        "/health/ready".to_owned(),
        "/api/v1/products".to_owned(),
        format!("/api/v1/products/{product}"),
    ] {
        let (get, head) = (
            app.get(&path).send().await,
            app.call("HEAD", &path).send().await,
        );
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
        assert!(head.body.is_empty());
    }
}

on_both!(a_request_id_is_kept_when_it_is_one_and_made_when_it_is_not);
async fn a_request_id_is_kept_when_it_is_one_and_made_when_it_is_not(app: TestApp) {
    for (id, kept) in [
        ("a", true),
        ("A.b_c-9", true),
        (&*"x".repeat(64), true),
        (&*"x".repeat(65), false),
        ("with space", false),
        ("semi;colon", false),
        ("", false),
    ] {
        let answer = app
            .get("/health/live")
            .header("x-request-id", id)
            .send()
            .await;
        let given = answer.header("x-request-id").unwrap();
        assert_eq!(given == id, kept, "{id:?} became {given:?}");
        if !kept {
            assert_id(&json!(given));
        }
    }
}

on_both!(security_headers_stand_on_every_answer);
async fn security_headers_stand_on_every_answer(app: TestApp) {
    let ada = app.register("ada@example.com").await;
    for path in [
        "/",
        "/health",
        "/docs",
        "/openapi.json",
        "/problems/not_found",
        "/api/v1/products",
        "/api/v1/orders",
        "/nowhere",
    ] {
        let answer = app
            .get(path)
            .token(&ada)
            .header("accept", "text/html")
            .send()
            .await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert!(answer.header("server").is_none(), "{path}");
        let policy = answer
            .header("content-security-policy")
            .unwrap_or_else(|| panic!("{path}"));
        assert!(
            policy.starts_with("default-src 'none'")
                && !policy.contains("script-src 'unsafe-inline'"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(
            answer.header("access-control-allow-origin").is_none(),
            "{path}"
        );
    }
}

on_both!(
    a_slow_body_and_one_request_too_many_are_turned_away_but_never_a_probe,
    |settings| {
        settings.server.max_in_flight = 1;
        settings.server.body_timeout = Duration::from_secs(1);
        settings.database.wait_timeout = Duration::from_secs(20);
        settings.database.statement_timeout = Duration::from_secs(25);
        settings.database.deadline = Duration::from_secs(28);
    }
);
async fn a_slow_body_and_one_request_too_many_are_turned_away_but_never_a_probe(app: TestApp) {
    let mut slow = app.raw().await;
    slow.send("POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{").await;
    assert_eq!(slow.response().await.unwrap().status, 408);

    let held = HeldWrites::in_database(app.database());
    let too_many = async {
        eventually("a request to be in work", SOON, async || {
            app.metrics()
                .await
                .value("http_admission_in_use", &[("class", "login")])
                >= 1.0
        })
        .await;
        let refused: Answer = app.get("/api/v1/products").send().await;
        assert_problem(&refused, 503, "overloaded");
        assert!(refused.header("retry-after").is_some());
        app.get("/health/ready").send().await.expect(200);
        drop(held);
    };
    tokio::join!(app.register("a@example.com"), too_many);
    let metrics = app.metrics().await;
    for (reason, count) in [("overload", 1.0), ("timeout", 1.0)] {
        assert!(
            (metrics.value("http_requests_rejected_total", &[("reason", reason)]) - count).abs()
                < 0.5,
            "{reason}"
        );
    }
}
