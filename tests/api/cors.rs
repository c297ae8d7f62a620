//! What browsers on a configured origin are let see: every answer, errors included, and the headers that our clients need.

use std::collections::BTreeSet;
use std::time::Duration;

use glasshouse::settings::Settings;
use serde_json::json;

use crate::support::client::{Answer, Call, PASSWORD};
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

const SHOP: &str = "https://shop.example";

fn for_the_shop(settings: &mut Settings) {
    settings.server.cors_origins = vec![SHOP.to_owned(), "http://localhost:3000".to_owned()];
}

/// The words of a header that is a list, in lower case.
fn words(answer: &Answer, header: &str) -> BTreeSet<String> {
    let lines = answer.headers.get_all(header).iter();
    let lines = lines.map(|line| line.to_str().expect("visible characters"));
    lines
        .flat_map(|line| line.split(','))
        .map(|word| word.trim().to_ascii_lowercase())
        .collect()
}

/// Fails unless a script on that origin can read the answer, and caches keep it apart from those for others.
#[track_caller]
fn assert_readable(answer: &Answer, origin: &str) {
    let shown = format!("{} {:?}", answer.status, answer.headers);
    let allowed: Vec<_> = answer
        .headers
        .get_all("access-control-allow-origin")
        .iter()
        .collect();
    assert_eq!(allowed, [origin], "{shown}");
    assert!(words(answer, "vary").contains("origin"), "{shown}");
    // Tokens are sent by hand; a browser adds nothing of its own.
    let credentials = answer.header("access-control-allow-credentials");
    assert_eq!(credentials, None, "{shown}");
    let exposed = words(answer, "access-control-expose-headers");
    for header in [
        "etag",
        "location",
        "idempotency-replayed",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-request-id",
    ] {
        assert!(exposed.contains(header), "{header}: {shown}");
    }
}

fn from_the_shop(call: Call) -> Call {
    call.header("origin", SHOP)
}

on_both!(
    a_script_of_the_shop_reads_answers_and_errors_alike,
    |settings| {
        for_the_shop(settings);
    }
);
async fn a_script_of_the_shop_reads_answers_and_errors_alike(app: TestApp) {
    let ada = app.register("ada@example.com").await;
    let product = app.product("CORS", 5).await;
    let order = json!({"items": [{"product_id": product, "quantity": 1}]});
    for (call, status) in [
        (app.get("/api/v1/products"), 200),
        (app.get(&format!("/api/v1/products/{product}")), 200),
        (
            app.get(&format!("/api/v1/products/{product}"))
                .header("if-none-match", "*"),
            304,
        ),
        (app.post("/api/v1/orders").token(&ada).json(&order), 201),
        (app.get("/api/v1/products/nonsense"), 400),
        (app.get("/api/v1/orders"), 401),
        (app.post("/api/v1/products").token(&ada), 403),
        (app.get("/api/v1/nowhere"), 404),
        (app.put("/api/v1/orders"), 405),
        (
            app.post("/api/v1/orders")
                .token(&ada)
                .body("text/plain", "x"),
            415,
        ),
        (app.post("/api/v1/orders").token(&ada).json(&json!({})), 422),
    ] {
        let answer = from_the_shop(call).send().await.expect(status);
        assert_readable(&answer, SHOP);
    }
    let elsewhere = app.get("/").header("origin", "http://localhost:3000");
    assert_readable(&elsewhere.send().await, "http://localhost:3000");
}

on_both!(
    a_browser_is_told_beforehand_what_the_routes_take,
    |settings| {
        for_the_shop(settings);
    }
);
async fn a_browser_is_told_beforehand_what_the_routes_take(app: TestApp) {
    let id = uuid::Uuid::now_v7();
    let ask = async |path: &str, method: &str, headers: &str| {
        let call = app.call("OPTIONS", path).header("origin", SHOP);
        let call = call.header("access-control-request-method", method);
        let call = if headers.is_empty() {
            call
        } else {
            call.header("access-control-request-headers", headers)
        };
        call.send().await
    };
    let ours = "authorization,content-type,idempotency-key,if-none-match,traceparent,x-request-id";
    for (path, method) in [
        ("/api/v1/orders", "POST"),
        (&*format!("/api/v1/products/{id}"), "PATCH"),
        ("/api/v1/sessions", "DELETE"),
        ("/api/v1/products", "GET"),
    ] {
        let answer = ask(path, method, ours).await.expect(200);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, Some(SHOP), "{method} {path}");
        let methods = words(&answer, "access-control-allow-methods");
        assert!(methods.contains(&method.to_lowercase()), "{methods:?}");
        let headers = words(&answer, "access-control-allow-headers");
        for header in ours.split(',') {
            assert!(headers.contains(header), "{header} in {headers:?}");
        }
        assert_eq!(answer.header("access-control-max-age"), Some("3600"));
        let vary = words(&answer, "vary");
        for header in [
            "origin",
            "access-control-request-method",
            "access-control-request-headers",
        ] {
            assert!(vary.contains(header), "{vary:?}");
        }
        assert!(answer.body.is_empty(), "{}", answer.text());
    }
    // What no route takes is refused, in our form.
    for (method, headers) in [("PUT", ""), ("TRACE", ""), ("POST", "x-forwarded-for")] {
        let answer = ask("/api/v1/orders", method, headers).await;
        assert_problem(&answer, 400, "malformed_request");
    }
}

on_both!(without_configured_origins_no_script_reads_anything);
async fn without_configured_origins_no_script_reads_anything(app: TestApp) {
    let answer = from_the_shop(app.get("/api/v1/products")).send().await;
    let preflight = from_the_shop(app.call("OPTIONS", "/api/v1/orders"))
        .header("access-control-request-method", "POST")
        .send()
        .await;
    assert_problem(&preflight, 405, "method_not_allowed");
    for answer in [answer.expect(200), preflight] {
        let mut names = answer
            .headers
            .keys()
            .map(reqwest::header::HeaderName::as_str);
        let cors = names.find(|name| name.starts_with("access-control-"));
        assert_eq!(cors, None, "{:?}", answer.headers);
    }
}

on_both!(cors_is_for_configured_origins_to_the_letter, |settings| {
    settings.server.cors_origins = vec![SHOP.to_owned()];
});
async fn cors_is_for_configured_origins_to_the_letter(app: TestApp) {
    for (origin, allowed) in [
        ("https://shop.example", true),
        ("https://shop.example.evil", false),
        ("https://evil-shop.example", false),
        ("http://shop.example", false),
        ("https://shop.example:444", false),
        ("null", false),
    ] {
        let answer = app
            .get("/api/v1/products")
            .header("origin", origin)
            .send()
            .await;
        assert_eq!(
            answer.header("access-control-allow-origin") == Some(origin),
            allowed,
            "{origin}"
        );
        let preflight = app
            .call("OPTIONS", "/api/v1/orders")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,idempotency-key",
            )
            .send()
            .await;
        assert_eq!(
            preflight.header("access-control-allow-origin") == Some(origin),
            allowed,
            "{origin}"
        );
    }
}

on_both!(a_browser_may_read_why_it_was_turned_away, |settings| {
    settings.server.cors_origins = vec![SHOP.to_owned()];
    settings.rate_limit.api.rate = Some("1/h".parse().unwrap());
    settings.rate_limit.api.burst = 1;
    settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    settings.server.max_in_flight = 1;
    settings.database.wait_timeout = Duration::from_secs(20);
    settings.database.statement_timeout = Duration::from_secs(25);
    settings.database.deadline = Duration::from_secs(28);
});
async fn a_browser_may_read_why_it_was_turned_away(app: TestApp) {
    let ask = async || {
        let call = app.get("/api/v1/products");
        call.header("origin", "https://shop.example").send().await
    };
    let readable = |answer: &Answer| {
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://shop.example")
        );
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("retry-after"), "{exposed}");
        let vary = answer.header("vary").unwrap().to_ascii_lowercase();
        assert!(vary.contains("origin"), "{vary}");
    };
    readable(&ask().await.expect(200));
    let limited = ask().await;
    assert_problem(&limited, 429, "rate_limited");
    readable(&limited);

    let held = HeldWrites::in_database(app.database());
    let body = json!({"email": "a@example.com", "password": PASSWORD, "display_name": "A"});
    let taken = app
        .post("/api/v1/accounts")
        .header("x-forwarded-for", "198.51.100.9")
        .json(&body);
    let one_too_many = async {
        let busy = async || {
            let answer = ask().await;
            (answer.status == 503).then_some(answer)
        };
        let refused = eventually("one too many", SOON, busy).await;
        assert_problem(&refused, 503, "overloaded");
        readable(&refused);
        drop(held);
    };
    let (taken, ()) = tokio::join!(taken.send(), one_too_many);
    taken.expect(201);

    // What CORS itself refuses is a problem like any other.
    let preflight = app
        .call("OPTIONS", "/api/v1/orders")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    assert_problem(&preflight.send().await, 400, "malformed_request");
}
