//! What a client of the service does, by name: register, log in, create a product, place an order. Works against the
//! service in this process and in another; an answer is read whole, so that it can be looked at more than once.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::metrics::Metrics;
use super::raw::Raw;

/// The password of every account that tests make.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Longer than the service's own longest limit: an answer that takes as long is a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client of one listener.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    http: reqwest::Client,
}

/// An account that is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Its id.
    pub(crate) id: String,
    /// As it was registered.
    pub(crate) email: String,
    /// For `Authorization: Bearer`.
    pub(crate) access_token: String,
    /// For `POST /api/v1/sessions/refresh`.
    pub(crate) refresh_token: String,
}

/// A request that is being put together.
#[must_use = "a request does nothing until it is sent"]
pub(crate) struct Call(reqwest::RequestBuilder);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// reqwest is built for TLS as well, and insists on something that can do it before it makes a client of any kind.
pub(crate) fn install_crypto() {
    // The second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Client {
    /// A client of whatever listens there.
    pub(crate) fn new(address: SocketAddr) -> Self {
        install_crypto();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .expect("a client");
        Self { address, http }
    }

    /// Where it connects to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to say anything on.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// A request with any method; the path begins with `/` and may carry a query.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Call(
            self.http
                .request(method, format!("http://{}{path}", self.address)),
        )
    }

    /// A `GET`.
    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// A `POST`.
    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    /// A `PUT`.
    pub(crate) fn put(&self, path: &str) -> Call {
        self.call("PUT", path)
    }

    /// A `PATCH`.
    pub(crate) fn patch(&self, path: &str) -> Call {
        self.call("PATCH", path)
    }

    /// A `DELETE`.
    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Registers an account and logs it in.
    pub(crate) async fn register(&self, email: &str) -> Account {
        let body = json!({"email": email, "password": PASSWORD, "display_name": "A Tester"});
        self.post("/api/v1/accounts")
            .json(&body)
            .send()
            .await
            .expect(201);
        self.login(email).await
    }

    /// Logs an account in, whose password is [`PASSWORD`].
    pub(crate) async fn login(&self, email: &str) -> Account {
        let body = json!({"email": email, "password": PASSWORD});
        let tokens = self
            .post("/api/v1/sessions")
            .json(&body)
            .send()
            .await
            .expect(201)
            .json();
        let text = |key: &str| {
            tokens[key]
                .as_str()
                .unwrap_or_else(|| panic!("no {key} in {tokens}"))
                .to_owned()
        };
        let mut account = Account {
            id: String::new(),
            email: email.to_owned(),
            access_token: text("access_token"),
            refresh_token: text("refresh_token"),
        };
        let me = self
            .get("/api/v1/accounts/me")
            .token(&account)
            .send()
            .await
            .expect(200)
            .json();
        me["id"]
            .as_str()
            .expect("an account has an id")
            .clone_into(&mut account.id);
        account
    }

    /// Creates a physical product for 12.50 with so many pieces, as this operator, and gives back its id.
    pub(crate) async fn create_product(&self, operator: &Account, sku: &str, stock: u32) -> String {
        let body = json!({
            "sku": sku, "name": format!("The {sku}"), "product_type": "physical", "unit_price_cents": 1250, "stock": stock,
        });
        let product = self
            .post("/api/v1/products")
            .token(operator)
            .json(&body)
            .send()
            .await
            .expect(201)
            .json();
        product["id"]
            .as_str()
            .expect("a product has an id")
            .to_owned()
    }

    /// Asks for so many pieces of one product.
    pub(crate) async fn place_order(
        &self,
        account: &Account,
        product_id: &str,
        quantity: u32,
    ) -> Answer {
        let body = json!({"items": [{"product_id": product_id, "quantity": quantity}]});
        self.post("/api/v1/orders")
            .token(account)
            .json(&body)
            .send()
            .await
    }

    /// Scrapes `/metrics`; the admin listener's client can.
    pub(crate) async fn metrics(&self) -> Metrics {
        Metrics::parse(&self.get("/metrics").send().await.expect(200).text())
    }
}

impl Call {
    /// As this account.
    pub(crate) fn token(self, account: &Account) -> Self {
        self.bearer(&account.access_token)
    }

    /// With any bearer token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With an `Idempotency-Key`.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With any body.
    pub(crate) fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", content_type).body(body))
    }

    /// Sends it and reads the answer; fails when there is none.
    pub(crate) async fn send(self) -> Answer {
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends it; an error is a connection that was refused, reset or closed without an answer.
    pub(crate) async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer {
            status,
            headers,
            body: response.bytes().await?.to_vec(),
        })
    }
}

impl Answer {
    /// Itself, having this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON: {error}: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("visible characters"))
    }
}
