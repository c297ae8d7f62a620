//! Who may do what: every route of the API reference, asked by everybody. A route without a row fails.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::support::client::{Account, Answer, PASSWORD};
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SECRET: &str = "a secret of the authorisation tests, long enough";

/// Who asks, in the order of the columns.
const ASKERS: [&str; 6] = [
    "anonymous",
    "another account",
    "own account",
    "operator",
    "expired token",
    "wrong audience",
];

type Row = (&'static str, [u16; 6]);

const PUBLIC: [u16; 6] = [200; 6];
const ACCOUNT: [u16; 6] = [401, 200, 200, 200, 401, 401];
const OWNER: [u16; 6] = [401, 404, 200, 200, 401, 401];

const MATRIX: &[Row] = &[
    ("GET /", PUBLIC),
    ("GET /docs", PUBLIC),
    ("GET /docs/{file}", PUBLIC),
    ("GET /openapi.json", PUBLIC),
    ("GET /health", PUBLIC),
    ("GET /health/live", PUBLIC),
    ("GET /health/ready", PUBLIC),
    ("GET /problems/{code}", PUBLIC),
    ("POST /api/v1/accounts", [201; 6]),
    ("GET /api/v1/accounts/me", ACCOUNT),
    ("POST /api/v1/sessions", [201; 6]),
    ("POST /api/v1/sessions/refresh", PUBLIC),
    ("DELETE /api/v1/sessions", [401, 204, 204, 204, 401, 401]),
    ("GET /api/v1/products", PUBLIC),
    ("GET /api/v1/products/{id}", PUBLIC),
    ("POST /api/v1/products", [401, 403, 403, 201, 401, 401]),
    (
        "PATCH /api/v1/products/{id}",
        [401, 403, 403, 200, 401, 401],
    ),
    ("POST /api/v1/orders", [401, 201, 201, 201, 401, 401]),
    ("GET /api/v1/orders", ACCOUNT),
    ("GET /api/v1/orders/{id}", OWNER),
    ("GET /api/v1/orders/{id}/history", OWNER),
    ("POST /api/v1/orders/{id}/cancel", OWNER),
    (
        "POST /api/v1/orders/{id}/pay",
        [401, 403, 403, 200, 401, 401],
    ),
    // A fresh order is neither paid nor shipped: the operator is let in, and told so.
    (
        "POST /api/v1/orders/{id}/ship",
        [401, 403, 403, 409, 401, 401],
    ),
    (
        "POST /api/v1/orders/{id}/deliver",
        [401, 403, 403, 409, 401, 401],
    ),
];

/// A token of ours with other claims, signed with our key.
fn resigned(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut parts = token.split('.');
    let header = parts.next().unwrap();
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap();
    change(&mut claims);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

/// Everybody, and what is asked for.
struct Scene {
    app: TestApp,
    own: Account,
    bearers: [Option<String>; 6],
    product: String,
}

impl Scene {
    async fn new(app: TestApp) -> Self {
        let own = app.register("own@example.com").await;
        let other = app.register("other@example.com").await;
        let operator = app.operator().await;
        let product = app.product("MATRIX", 1000).await;
        let expired = resigned(&own.access_token, |claims| {
            for (name, ago) in [("iat", 2000), ("nbf", 2000), ("exp", 1100)] {
                claims[name] = json!(claims["iat"].as_i64().unwrap() - ago);
            }
        });
        let stranger = resigned(&own.access_token, |claims| {
            claims["aud"] = json!("somebody else");
        });
        // The way of making them is right: unchanged, the token is good.
        let same = resigned(&own.access_token, |_| {});
        app.get("/api/v1/accounts/me")
            .bearer(&same)
            .send()
            .await
            .expect(200);
        let bearers = [
            None,
            Some(other.access_token),
            Some(own.access_token.clone()),
            Some(operator.access_token),
            Some(expired),
            Some(stranger),
        ];
        Self {
            app,
            own,
            bearers,
            product,
        }
    }

    async fn ask(&self, route: &str, asker: usize) -> Answer {
        let (method, template) = route.split_once(' ').unwrap();
        let unique = format!("{asker}-{}", template.len());
        let order = if template.contains("orders/{id}") {
            let placed = self
                .app
                .place_order(&self.own, &self.product, 1)
                .await
                .expect(201)
                .json();
            placed["id"].as_str().unwrap().to_owned()
        } else {
            String::new()
        };
        let id = if template.contains("orders") {
            &order
        } else {
            &self.product
        };
        let path = template
            .replace("{id}", id)
            .replace("{code}", "not_found")
            .replace("{file}", "swagger-ui.css");
        let body = match route {
            "POST /api/v1/accounts" => Some(
                json!({"email": format!("new-{unique}@example.com"), "password": PASSWORD, "display_name": "New"}),
            ),
            "POST /api/v1/sessions" => Some(json!({"email": self.own.email, "password": PASSWORD})),
            "POST /api/v1/sessions/refresh" => {
                Some(json!({"refresh_token": self.app.login(&self.own.email).await.refresh_token}))
            }
            "POST /api/v1/products" => Some(json!({
                "sku": format!("NEW-{unique}"), "name": "New", "product_type": "digital", "unit_price_cents": 1, "stock": 1,
            })),
            "PATCH /api/v1/products/{id}" => Some(json!({"stock_delta": 1})),
            "POST /api/v1/orders" => {
                Some(json!({"items": [{"product_id": self.product, "quantity": 1}]}))
            }
            _ => None,
        };
        let mut call = self.app.call(method, &path);
        if let Some(body) = &body {
            call = call.json(body);
        }
        if let Some(bearer) = &self.bearers[asker] {
            call = call.bearer(bearer);
        }
        call.send().await
    }
}

on_both!(
    every_route_lets_in_whom_it_should_and_nobody_else,
    |settings| {
        settings.auth.jwt_secret = Some(SECRET.to_owned().into());
    }
);
async fn every_route_lets_in_whom_it_should_and_nobody_else(app: TestApp) {
    let document = app.get("/openapi.json").send().await.expect(200).json();
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let rows: BTreeSet<String> = MATRIX
        .iter()
        .map(|(route, _)| (*route).to_owned())
        .collect();
    assert_eq!(
        rows, documented,
        "a route without a row, or a row without a route"
    );
    let scene = Scene::new(app).await;
    let mut wrong = Vec::new();
    for (route, expected) in MATRIX {
        for (asker, status) in expected.iter().enumerate() {
            let answer = scene.ask(route, asker).await;
            match status {
                401 => {
                    assert_problem(&answer, 401, "unauthenticated");
                    assert!(
                        answer.header("www-authenticate").is_some(),
                        "{route} {}",
                        ASKERS[asker]
                    );
                }
                403 => drop(assert_problem(&answer, 403, "forbidden")),
                _ => {}
            }
            if answer.status != *status {
                wrong.push(format!(
                    "{route} by {}: {} instead of {status}",
                    ASKERS[asker], answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

on_both!(a_foreign_order_answers_exactly_like_a_missing_one);
async fn a_foreign_order_answers_exactly_like_a_missing_one(app: TestApp) {
    let (own, other) = (
        app.register("own@example.com").await,
        app.register("other@example.com").await,
    );
    let product = app.product("FOREIGN", 5).await;
    let order = app.place_order(&own, &product, 1).await.expect(201).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let missing = uuid::Uuid::now_v7().to_string();
    for (method, tail) in [("GET", ""), ("GET", "/history"), ("POST", "/cancel")] {
        let mut answers = Vec::new();
        for id in [&order, &missing] {
            let path = format!("/api/v1/orders/{id}{tail}");
            let answer = app
                .call(method, &path)
                .token(&other)
                .header("x-request-id", "same")
                .send()
                .await;
            assert_problem(&answer, 404, "not_found");
            answers.push(answer.body);
        }
        assert_eq!(answers[0], answers[1], "{method} {tail}");
    }
}
