//! Every input that there is, with a canary in it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Further, canary};
use crate::support::app;
use crate::support::client::{Answer, Call, Client};
use crate::support::database::TestDatabase;
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::process::Process;

/// The service's inputs, and what it answered: an answer that is an error must not repeat what it was given.
pub(crate) struct Inputs<'a> {
    public: Client,
    admin: Client,
    database: &'a TestDatabase,
    further: Further,
    errors: Vec<(String, String)>,
    access: String,
    product: String,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(process: &Process, database: &'a TestDatabase, further: Further) -> Self {
        Self {
            public: process.public(),
            admin: process.admin(),
            database,
            further,
            errors: Vec::new(),
            access: String::new(),
            product: String::new(),
        }
    }

    pub(crate) fn into_parts(self) -> (Further, Vec<(String, String)>) {
        (self.further, self.errors)
    }

    /// Notes an answer: all of it if it is an error, else its headers. A good body is its owner's.
    fn note(&mut self, what: &str, answer: &Answer) {
        let text = if answer.status < 400 {
            format!("{:?}", answer.headers)
        } else {
            format!("{:?}\n{}", answer.headers, answer.text())
        };
        self.errors
            .push((format!("{} to {what}", answer.status), text));
    }

    async fn send(&mut self, what: &str, status: u16, call: Call) -> Answer {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        self.note(what, &answer);
        answer
    }

    async fn post(&mut self, status: u16, path: &str, body: &Value) -> Answer {
        let call = self.public.post(path).bearer(&self.access).json(body);
        self.send(&format!("POST {path}"), status, call).await
    }

    fn keep_tokens(&mut self, answer: &Answer) -> (String, String) {
        let body = answer.json();
        let [access, refresh] = ["access_token", "refresh_token"]
            .map(|name| body[name].as_str().expect("a token").to_owned());
        self.further.add(&access);
        self.further.add(&refresh);
        (access, refresh)
    }

    /// Passwords, names, addresses and tokens: right, wrong, and not what they should be.
    pub(crate) async fn accounts(&mut self) {
        let (accounts, sessions) = ("/api/v1/accounts", "/api/v1/sessions");
        let email = format!("{}@example.com", canary("email"));
        let password = canary("password");
        let registration = json!({
            "email": email, "password": password, "display_name": canary("display-name"),
        });
        self.post(201, accounts, &registration).await;
        self.post(409, accounts, &registration).await;
        let log_in = json!({"email": email, "password": password});
        let answer = self.post(201, sessions, &log_in).await;
        let (access, refresh) = self.keep_tokens(&answer);
        self.access = access;
        for (email, password) in [
            (email.clone(), canary("wrong-password")),
            (
                format!("{}@example.com", canary("unknown-email")),
                password.clone(),
            ),
        ] {
            let body = json!({"email": email, "password": password});
            self.post(401, sessions, &body).await;
        }
        for (field, value) in [
            ("email", json!(canary("not-an-email"))),
            ("email", json!([canary("email-in-a-list")])),
            (
                "password",
                json!({"secret": canary("password-in-an-object")}),
            ),
            ("password", json!([canary("password-in-a-list")])),
            ("display_name", json!([canary("name-in-a-list")])),
            (
                "display_name",
                json!(format!("{}\u{0}", canary("name-with-nul"))),
            ),
            ("password", json!(canary("long-password").repeat(10))),
        ] {
            let mut body = registration.clone();
            body[field] = value;
            self.post(422, accounts, &body).await;
        }
        for wrong in [
            json!(canary("a-text")),
            json!([email, password]),
            json!({"email": email, "password": canary("p"), "password_again": canary("p")}),
        ] {
            self.post(422, sessions, &wrong).await;
        }
        for (path, begin) in [
            (
                accounts,
                format!("{{\"email\": \"{email}\", \"password\": \""),
            ),
            (
                sessions,
                format!("{{\"email\": \"{email}\", \"password\": \""),
            ),
            (
                "/api/v1/sessions/refresh",
                "{\"refresh_token\": \"".to_owned(),
            ),
        ] {
            let cut = begin + &canary("cut-off");
            for (status, kind) in [(400, "application/json"), (415, "text/plain")] {
                let call = self.public.post(path).body(kind, cut.clone());
                self.send(path, status, call).await;
            }
        }
        self.refresh(&refresh).await;
    }

    async fn refresh(&mut self, token: &str) {
        let path = "/api/v1/sessions/refresh";
        let fresh = self.post(200, path, &json!({"refresh_token": token})).await;
        self.keep_tokens(&fresh);
        for (status, token) in [
            (401, json!(token)), // used before: a theft, which is logged
            (401, json!(canary("made-up-refresh-token"))),
            (422, json!([canary("refresh-token-in-a-list")])),
        ] {
            self.post(status, path, &json!({"refresh_token": token}))
                .await;
        }
        for token in [
            canary("bearer"),
            format!("{}.{}.{}", canary("h"), canary("p"), canary("s")),
            format!("{}x", self.access),
            self.access.replace('.', ".."),
        ] {
            let call = self.public.get("/api/v1/accounts/me").bearer(&token);
            self.send("GET me", 401, call).await;
        }
        for value in [canary("no-scheme"), format!("Basic {}", canary("basic"))] {
            let call = self.public.get("/api/v1/accounts/me");
            let call = call.header("authorization", &value);
            self.send("GET me", 401, call).await;
        }
        let me = self.public.get("/api/v1/accounts/me").bearer(&self.access);
        self.send("GET me", 200, me).await;
    }

    /// Keys of idempotency, and texts where numbers and ids belong.
    pub(crate) async fn catalog_and_orders(&mut self) {
        let (email, password) = ("operator@example.com", canary("operators-password"));
        app::create_operator(self.database, email, &password);
        let log_in = json!({"email": email, "password": password});
        let answer = self.post(201, "/api/v1/sessions", &log_in).await;
        let (operator, _) = self.keep_tokens(&answer);
        let customer = std::mem::replace(&mut self.access, operator);
        let product = json!({
            "sku": "LAMP-1", "name": "A lamp", "product_type": "physical", "unit_price_cents": 1, "stock": 3,
        });
        let made = self.post(201, "/api/v1/products", &product).await;
        made.json()["id"]
            .as_str()
            .expect("an id")
            .clone_into(&mut self.product);
        for field in ["sku", "product_type", "unit_price_cents", "stock"] {
            let mut body = product.clone();
            body[field] = json!(format!("{} {}", canary(field), canary(field)));
            self.post(422, "/api/v1/products", &body).await;
        }
        self.access = customer;
        let order = |quantity: Value| json!({"items": [{"product_id": self.product, "quantity": quantity}]});
        let (good, too_much, text) = (
            order(json!(1)),
            order(json!(900)),
            order(json!(canary("quantity"))),
        );
        for (status, body, key) in [
            (201, &good, canary("key")),
            (201, &good, canary("key")),
            (422, &too_much, canary("key")),
            (409, &too_much, canary("key-of-a-refusal")),
            (422, &text, canary("key-of-nonsense")),
            (400, &good, format!("two {}", canary("words"))),
            (400, &good, canary("k").repeat(12)),
        ] {
            let call = self.public.post("/api/v1/orders").bearer(&self.access);
            let call = call.key(&key).json(body);
            self.send("POST order", status, call).await;
        }
    }

    /// Everything else of a request that a client fills.
    pub(crate) async fn headers_and_paths(&mut self) {
        let hidden = canary("query");
        let product = self.product.clone();
        for (status, path) in [
            (200, format!("/?token={hidden}")),
            (200, format!("/health?token={hidden}")),
            (200, format!("/docs?token={hidden}")),
            (200, format!("/api/v1/products?token={hidden}")),
            (200, format!("/api/v1/products/{product}?token={hidden}")),
            (400, format!("/api/v1/products?type={hidden}")),
            (400, format!("/api/v1/products?limit={hidden}")),
            (400, format!("/api/v1/products?cursor={hidden}")),
            (400, format!("/api/v1/orders?status={hidden}")),
            (400, format!("/api/v1/products/{}", canary("id"))),
            (404, format!("/{}", canary("path"))),
            (404, format!("/api/v1/{}/x", canary("path"))),
            (404, format!("/docs/{}", canary("file"))),
            (404, format!("/problems/{}", canary("problem"))),
        ] {
            let call = self.public.get(&path).bearer(&self.access);
            self.send("GET with a query or a path", status, call).await;
        }
        for (status, method, header) in [
            (200, "GET", "cookie"),
            (200, "GET", "user-agent"),
            (200, "GET", "referer"),
            (200, "GET", "x-api-key"),
            (200, "GET", "if-none-match"),
            (200, "GET", "tracestate"),
            (200, "GET", "x-forwarded-for"),
            (200, "GET", "forwarded"),
            (400, "GET", "origin"),
            (405, "OPTIONS", "access-control-request-headers"),
            (415, "PATCH", "content-type"),
            (415, "PATCH", "content-encoding"),
            (200, "GET", "proxy-authorization"),
        ] {
            let path = format!("/api/v1/products/{product}");
            let call = self
                .public
                .call(method, &path)
                .header(header, &canary(header));
            let answer = call.send().await;
            let as_expected = answer.status == status || method != "GET" || header == "origin";
            assert!(as_expected, "{header}: {} {}", answer.status, answer.text());
            self.note(header, &answer);
        }
        let call = self.public.call(&canary("METHOD").to_uppercase(), "/");
        self.send("an unknown method", 405, call).await;
    }

    /// What is refused before it is a request, and what breaks off.
    pub(crate) async fn bad_http(&mut self) {
        let secret = canary("bad-http");
        for head in [
            format!("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: {secret}\r\n"),
            format!("GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: {secret}\r\n"),
            format!("GET / HTTP/1.1\r\nhost: {secret}\r\nhost: {secret}\r\n"),
            format!("GET / HTTP/9.{secret}\r\nhost: x\r\n"),
            format!("GET /{secret} {secret} HTTP/1.1\r\nhost: x\r\n"),
            format!("GET / HTTP/1.1\r\nhost: x\r\n{secret}\r\n"),
            format!("GET / HTTP/1.1\r\nhost: x\r\nupgrade: {secret}\r\nconnection: upgrade\r\n"),
            format!("GET / HTTP/1.1\r\nhost: x\r\nexpect: {secret}\r\n"),
            format!("{secret}\r\n"),
        ] {
            let mut raw = self.public.raw().await;
            raw.send(format!("{head}\r\n")).await;
            raw.half_close().await;
            let (bytes, _) = raw.rest().await;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.errors.push(("bad HTTP".to_owned(), text));
        }
        let head =
            "POST /api/v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        for body in [
            format!("content-length: 500\r\n\r\n{{\"password\": \"{secret}"),
            format!("transfer-encoding: chunked\r\n\r\n{secret}\r\n"),
            format!(
                "transfer-encoding: chunked\r\n\r\n5;{secret}={secret}\r\n{{\"a\": \r\n0\r\n{secret}: {secret}\r\n\r\n"
            ),
        ] {
            let mut raw = self.public.raw().await;
            raw.send(format!("{head}{body}")).await;
            raw.half_close().await;
            let (bytes, _) = raw.rest().await;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.errors.push(("a bad body".to_owned(), text));
            let mut raw = self.public.raw().await;
            raw.send(format!("{head}{body}")).await;
            raw.reset();
        }
    }

    /// The admin listener: its token, right and wrong, and what is sent to it.
    pub(crate) async fn admin(&mut self, token: &str) {
        let basic = |name: &str, password: &str| {
            use base64::Engine as _;
            let text = format!("{name}:{password}");
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            (format!("Basic {encoded}"), encoded)
        };
        let (right, encoded) = basic("operator", token);
        self.further.add(&encoded);
        let (wrong, encoded) = basic(&canary("name"), &canary("wrong-admin-password"));
        self.further.add(&encoded);
        let at = |path: &str, authorization: &str| {
            self.admin.get(path).header("authorization", authorization)
        };
        let calls = [
            (200, at("/config", &right)),
            (401, at("/config", &wrong)),
            (
                401,
                at(
                    "/config",
                    &format!("Bearer {}", canary("wrong-admin-token")),
                ),
            ),
            (
                200,
                at(&format!("/log?token={}", canary("admin-query")), &right),
            ),
            (404, at(&format!("/{}", canary("admin-path")), &right)),
            (401, at(&format!("/{}", canary("admin-path")), &wrong)),
            (421, at("/config", &right).header("host", &canary("host"))),
            (
                403,
                self.admin
                    .post("/ready/hold")
                    .bearer(token)
                    .header("origin", &canary("origin")),
            ),
            (
                422,
                self.admin
                    .put("/log")
                    .bearer(token)
                    .json(&json!({"filter": "info", "for": canary("period")})),
            ),
            (
                400,
                self.admin
                    .put("/log")
                    .bearer(token)
                    .body("application/json", canary("no-json")),
            ),
        ];
        for (status, call) in calls {
            self.send("the admin listener", status, call).await;
        }
    }

    /// Writes that fail in the database, whose errors come with causes.
    pub(crate) async fn failing_database(&mut self) {
        let held = HeldWrites::in_database(self.database);
        let body = json!({"items": [{"product_id": self.product, "quantity": 1}]});
        let call = self.public.post("/api/v1/orders").bearer(&self.access);
        let call = call.key(&canary("key-while-it-fails")).json(&body);
        self.send("a database that is locked", 503, call).await;
        drop(held);
        // A table that is not there any more: the whole chain of causes is logged.
        let broken = "ALTER TABLE accounts RENAME TO elsewhere";
        self.database.execute(broken);
        let email = format!("{}@example.com", canary("email-of-a-failure"));
        let registration = json!({
            "email": email, "password": canary("password-of-a-failure"), "display_name": canary("name-of-a-failure"),
        });
        let log_in = json!({"email": email, "password": canary("password-of-a-failure")});
        self.post(503, "/api/v1/accounts", &registration).await;
        self.post(503, "/api/v1/sessions", &log_in).await;
        self.database
            .execute("ALTER TABLE elsewhere RENAME TO accounts");
        let soon = Duration::from_secs(20);
        eventually("the service to go on", soon, async || {
            self.public.get("/api/v1/products").send().await.status == 200
        })
        .await;
    }
}
