//! The service under test as its clients know it, and the requests that they send; every answer is counted once.

use serde_json::{Value, json};

use super::tally::Tally;
use crate::support::app;
use crate::support::client::{Answer, Call, Client, PASSWORD};
use crate::support::database::TestDatabase;
use crate::support::process::Process;
use crate::support::raw::Raw;

/// What an answer to a log-in holds that is worth keeping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The service, and what its clients saw.
pub(crate) struct Shop {
    pub(crate) public: Client,
    pub(crate) admin: Client,
    pub(crate) tally: Tally,
    pub(crate) operator: Tokens,
    pub(crate) customer: Tokens,
    /// Ids of products; the last one is out of stock.
    pub(crate) products: Vec<String>,
}

impl Shop {
    /// Opens it: an operator, a customer and some products, each made by a counted request.
    pub(crate) async fn open(process: &Process, database: &TestDatabase) -> Self {
        app::create_operator(database, "operator@example.com", PASSWORD);
        let mut shop = Self {
            public: process.public(),
            admin: process.admin(),
            tally: Tally::default(),
            operator: Tokens::default(),
            customer: Tokens::default(),
            products: Vec::new(),
        };
        shop.operator = shop.log_in("operator@example.com").await;
        shop.register("customer@example.com").await.expect(201);
        shop.customer = shop.log_in("customer@example.com").await;
        for (number, kind) in ["physical", "digital", "service", "subscription", "physical"]
            .into_iter()
            .enumerate()
        {
            let stock = if number == 4 { 0 } else { 1_000_000 };
            let sku = format!("SHOP-{number}");
            let product = shop.create_product(&sku, kind, stock).await.expect(201);
            let id = product.json()["id"].as_str().expect("an id").to_owned();
            shop.products.push(id);
        }
        shop
    }

    /// Sends a request, dressed up with headers and body, to a path of this route.
    pub(crate) async fn send(
        &self,
        method: &str,
        route: &str,
        path: &str,
        dress: impl FnOnce(Call) -> Call,
    ) -> Answer {
        let answer = dress(self.public.call(method, path)).send().await;
        self.tally.count(method, route, answer.status);
        answer
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        let body = json!({"email": email, "password": PASSWORD, "display_name": "A Customer"});
        self.send("POST", ACCOUNTS, ACCOUNTS, |call| call.json(&body))
            .await
    }

    pub(crate) async fn log_in(&self, email: &str) -> Tokens {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.send("POST", SESSIONS, SESSIONS, |call| call.json(&body));
        Tokens::of(&answer.await.expect(201).json())
    }

    pub(crate) async fn create_product(&self, sku: &str, kind: &str, stock: u32) -> Answer {
        let body = json!({
            "sku": sku, "name": sku, "product_type": kind, "unit_price_cents": 250, "stock": stock,
        });
        self.send("POST", PRODUCTS, PRODUCTS, |call| {
            call.bearer(&self.operator.access).json(&body)
        })
        .await
    }

    /// A whole request to place an order, as it goes over the wire.
    pub(crate) fn order(&self, headers: &str) -> (String, String) {
        let body = json!({"items": [{"product_id": self.products[0], "quantity": 1}]}).to_string();
        let head = format!(
            "POST {ORDERS} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n",
            self.customer.access,
            body.len()
        );
        (head, body)
    }

    /// A connection to say anything on.
    pub(crate) async fn raw(&self) -> Raw {
        self.public.raw().await
    }

    /// Requests in work now, as the service tells it.
    pub(crate) async fn in_flight(&self) -> f64 {
        let metrics = self.admin.metrics().await;
        metrics.value("http_requests_in_flight", &[])
    }
}

impl Tokens {
    pub(crate) fn of(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().expect("a token").to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

pub(crate) const ACCOUNTS: &str = "/api/v1/accounts";
pub(crate) const ME: &str = "/api/v1/accounts/me";
pub(crate) const SESSIONS: &str = "/api/v1/sessions";
pub(crate) const REFRESH: &str = "/api/v1/sessions/refresh";
pub(crate) const PRODUCTS: &str = "/api/v1/products";
pub(crate) const PRODUCT: &str = "/api/v1/products/{id}";
pub(crate) const ORDERS: &str = "/api/v1/orders";
pub(crate) const ORDER: &str = "/api/v1/orders/{id}";
pub(crate) const HISTORY: &str = "/api/v1/orders/{id}/history";
