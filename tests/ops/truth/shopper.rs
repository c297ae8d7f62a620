//! One client of several, who does a bit of everything: all routes, and all the ways to get them wrong.

use serde_json::{Value, json};
use uuid::Uuid;

use super::shop::{
    ACCOUNTS, HISTORY, ME, ORDER, ORDERS, PRODUCT, PRODUCTS, REFRESH, SESSIONS, Shop, Tokens,
};
use crate::support::client::PASSWORD;

/// The client.
pub(crate) struct Shopper<'a> {
    shop: &'a Shop,
    number: usize,
    dice: fastrand::Rng,
    tokens: Tokens,
    orders: Vec<String>,
    tags: Vec<(String, String)>,
}

/// Every route and a method that it does not take.
const WRONG: &[(&str, &str, &str)] = &[
    ("POST", "/", "/"),
    ("DELETE", "/health", "/health"),
    ("PUT", "/health/live", "/health/live"),
    ("PATCH", "/health/ready", "/health/ready"),
    (
        "POST",
        "/problems/{code}",
        "/problems/there-is-no-such-thing",
    ),
    ("PUT", "/openapi.json", "/openapi.json"),
    ("DELETE", "/docs", "/docs"),
    ("GET", ACCOUNTS, ACCOUNTS),
    ("HEAD", ACCOUNTS, ACCOUNTS),
    ("OPTIONS", ME, ME),
    ("PATCH", SESSIONS, SESSIONS),
    ("GET", REFRESH, REFRESH),
    ("TRACE", PRODUCTS, PRODUCTS),
    ("DELETE", PRODUCT, "/api/v1/products/1"),
    ("PUT", ORDERS, ORDERS),
    ("BREW", ORDER, "/api/v1/orders/1"),
    ("POST", HISTORY, "/api/v1/orders/1/history"),
    ("GET", "/api/v1/orders/{id}/pay", "/api/v1/orders/1/pay"),
];

impl<'a> Shopper<'a> {
    pub(crate) async fn new(shop: &'a Shop, number: usize) -> Self {
        let email = format!("shopper-{number}@example.com");
        shop.register(&email).await.expect(201);
        Self {
            shop,
            number,
            dice: fastrand::Rng::with_seed(u64::try_from(number).unwrap()),
            tokens: shop.log_in(&email).await,
            orders: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Sends so many requests, or one or two more.
    pub(crate) async fn go_shopping(&mut self, requests: usize) {
        for round in 0..requests {
            match self.dice.u32(..1_000) {
                0..=279 => self.look_around().await,
                280..=329 => self.read_the_reference().await,
                330..=699 => self.order().await,
                700..=799 => self.look_after_orders().await,
                800..=839 => self.tend_the_catalog(round).await,
                840..=899 => self.refresh().await,
                900..=904 => self.register_and_log_in(round).await,
                905..=949 => self.send_nonsense().await,
                _ => self.miss().await,
            }
        }
    }

    async fn look_around(&mut self) {
        let product = self.product();
        match self.dice.u32(..10) {
            0 => self.get("/", "/").await,
            1 => self.get("/health", "/health").await,
            2 => self.get("/health/live", "/health/live").await,
            3 => self.get("/health/ready", "/health/ready").await,
            4 => {
                self.get(PRODUCTS, "/api/v1/products?type=digital&limit=5")
                    .await;
            }
            5 => {
                self.get(PRODUCTS, "/api/v1/products?limit=a%20lot").await;
            }
            6 => {
                let path = format!("/api/v1/products/{product}");
                self.shop.send("HEAD", PRODUCT, &path, |call| call).await;
            }
            7 => {
                let missing = Uuid::now_v7();
                self.get(PRODUCT, &format!("/api/v1/products/{missing}"))
                    .await;
                self.get(PRODUCT, "/api/v1/products/not-an-id").await;
            }
            _ => self.look_at(&product).await,
        }
    }

    /// With the tag of the last time, so that the answer is 304 unless somebody bought one meanwhile.
    async fn look_at(&mut self, product: &str) {
        let path = format!("/api/v1/products/{product}");
        let known = self.tags.iter().find(|(id, _)| id == product).cloned();
        let answer = self.shop.send("GET", PRODUCT, &path, |call| match &known {
            Some((_, tag)) => call.header("if-none-match", tag),
            None => call,
        });
        let tag = answer.await.header("etag").expect("a tag").to_owned();
        self.tags.retain(|(id, _)| id != product);
        self.tags.push((product.to_owned(), tag));
    }

    async fn read_the_reference(&mut self) {
        match self.dice.u32(..5) {
            0 => self.get("/openapi.json", "/openapi.json").await,
            1 => self.get("/docs", "/docs").await,
            2 => {
                self.get("/problems/{code}", "/problems/out_of_stock").await;
            }
            3 => self.get("/problems/{code}", "/problems/nothing").await,
            _ => self.miss().await,
        }
    }

    async fn order(&mut self) {
        let (bought, sold_out) = (self.product(), self.shop.products[4].clone());
        let one = |id: &str| json!({"items": [{"product_id": id, "quantity": 1}]});
        match self.dice.u32(..20) {
            0 => {
                self.place(&one(&sold_out), None).await;
            }
            1 => {
                self.place(&one(&Uuid::now_v7().to_string()), None).await;
            }
            2 => {
                let twice = json!({"items": [
                    {"product_id": bought, "quantity": 1}, {"product_id": bought, "quantity": 2},
                ]});
                self.place(&twice, None).await;
            }
            3 => self.place(&json!({"items": []}), None).await,
            4 => self.place(&one(&bought), Some("two words")).await,
            5 => {
                let body = one(&bought);
                let send = self.shop.send("POST", ORDERS, ORDERS, |call| {
                    call.bearer("nonsense").json(&body)
                });
                send.await.expect(401);
            }
            6..=8 => {
                let key = Uuid::now_v7().to_string();
                self.place(&one(&bought), Some(&key)).await;
                self.place(&one(&bought), Some(&key)).await;
                self.place(&one(&sold_out), Some(&key)).await;
            }
            9 => {
                let several = json!({"items": [
                    {"product_id": self.shop.products[1], "quantity": 3},
                    {"product_id": self.shop.products[2], "quantity": 1},
                ]});
                self.place(&several, None).await;
            }
            _ => self.place(&one(&bought), None).await,
        }
    }

    async fn place(&mut self, body: &Value, key: Option<&str>) {
        let token = self.tokens.access.clone();
        let answer = self.shop.send("POST", ORDERS, ORDERS, |call| {
            let call = call.bearer(&token).json(body);
            match key {
                Some(key) => call.key(key),
                None => call,
            }
        });
        let answer = answer.await;
        if answer.status == 201 {
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            self.orders.push(id);
        }
    }

    async fn look_after_orders(&mut self) {
        let order = self.dice.choice(&self.orders).cloned();
        let order = order.unwrap_or_else(|| Uuid::now_v7().to_string());
        let (mine, operator) = (self.tokens.access.clone(), &self.shop.operator.access);
        let at = |step: &str| format!("/api/v1/orders/{order}{step}");
        let (method, route, path, token) = match self.dice.u32(..10) {
            0 => ("GET", ORDERS, "/api/v1/orders?status=placed".into(), &mine),
            1 => ("GET", ORDERS, "/api/v1/orders?status=lost".into(), &mine),
            2 => ("GET", ORDER, at(""), &mine),
            3 => ("GET", HISTORY, at("/history"), &mine),
            4 => (
                "POST",
                "/api/v1/orders/{id}/cancel",
                at("/cancel"),
                &self.shop.customer.access,
            ),
            5 => ("POST", "/api/v1/orders/{id}/cancel", at("/cancel"), &mine),
            6 => ("POST", "/api/v1/orders/{id}/pay", at("/pay"), operator),
            7 => ("POST", "/api/v1/orders/{id}/ship", at("/ship"), operator),
            8 => (
                "POST",
                "/api/v1/orders/{id}/deliver",
                at("/deliver"),
                operator,
            ),
            _ => ("POST", "/api/v1/orders/{id}/pay", at("/pay"), &mine),
        };
        self.shop
            .send(method, route, &path, |call| call.bearer(token))
            .await;
    }

    async fn tend_the_catalog(&mut self, round: usize) {
        let sku = format!("S-{}-{round}", self.number);
        self.shop.create_product(&sku, "physical", 3).await;
        self.shop.create_product("SHOP-0", "physical", 3).await;
        let path = format!("/api/v1/products/{}", self.product());
        let (mine, operator) = (
            self.tokens.access.as_str(),
            self.shop.operator.access.as_str(),
        );
        for (token, body) in [
            (operator, json!({"stock_delta": 5})),
            (operator, json!({"stock_delta": -1_000_000_000})),
            (operator, json!({"name": ""})),
            (mine, json!({"unit_price_cents": 1})),
        ] {
            let send = |call: crate::support::client::Call| call.bearer(token).json(&body);
            self.shop.send("PATCH", PRODUCT, &path, send).await;
        }
    }

    /// Mostly a fresh pair; now and then a token that was used before, which ends the session, so a new one begins.
    async fn refresh(&mut self) {
        let used = self.tokens.refresh.clone();
        let exchange = async |token: &str| {
            let body = json!({"refresh_token": token});
            self.shop
                .send("POST", REFRESH, REFRESH, |call| call.json(&body))
                .await
        };
        let fresh = Tokens::of(&exchange(&used).await.expect(200).json());
        self.tokens = fresh;
        if self.dice.u32(..20) == 0 {
            exchange(&used).await.expect(401);
            let again = self.tokens.refresh.clone();
            exchange(&again).await.expect(401);
            let email = format!("shopper-{}@example.com", self.number);
            self.tokens = self.shop.log_in(&email).await;
        }
        self.get(ME, ME).await;
    }

    async fn register_and_log_in(&mut self, round: usize) {
        let email = format!("passer-by-{}-{round}@example.com", self.number);
        self.shop.register(&email).await.expect(201);
        self.shop.register(&email.to_uppercase()).await.expect(409);
        let tokens = self.shop.log_in(&email).await;
        let wrong = json!({"email": email, "password": "not the one"});
        let log_in = self
            .shop
            .send("POST", SESSIONS, SESSIONS, |call| call.json(&wrong));
        log_in.await.expect(401);
        let log_out = self.shop.send("DELETE", SESSIONS, SESSIONS, |call| {
            call.bearer(&tokens.access)
        });
        log_out.await.expect(204);
        let log_out = self.shop.send("DELETE", SESSIONS, SESSIONS, |call| call);
        log_out.await.expect(401);
    }

    async fn send_nonsense(&mut self) {
        let (route, token) = (ORDERS, self.tokens.access.clone());
        match self.dice.u32(..6) {
            0 => {
                let send = |call: crate::support::client::Call| {
                    call.bearer(&token)
                        .body("application/json", "{\"items\": [")
                };
                self.shop.send("POST", route, route, send).await.expect(400);
            }
            1 => {
                let send = |call: crate::support::client::Call| {
                    call.bearer(&token).body("text/plain", "one, please")
                };
                self.shop.send("POST", route, route, send).await.expect(415);
            }
            2 => {
                let large = vec![b' '; 70_000];
                let send = |call: crate::support::client::Call| {
                    call.bearer(&token).body("application/json", large)
                };
                self.shop.send("POST", route, route, send).await.expect(413);
            }
            3 => {
                let body = json!({"email": "nobody", "password": PASSWORD, "age": 3});
                let send = |call: crate::support::client::Call| call.json(&body);
                let answer = self.shop.send("POST", SESSIONS, SESSIONS, send);
                answer.await.expect(422);
            }
            4 => {
                let send = |call: crate::support::client::Call| call.json(&json!(["x"]));
                let answer = self.shop.send("POST", REFRESH, REFRESH, send);
                answer.await.expect(422);
            }
            _ => {
                let send = |call: crate::support::client::Call| call.json(&json!({"sku": 1}));
                let answer = self.shop.send("POST", PRODUCTS, PRODUCTS, send);
                answer.await.expect(401);
            }
        }
    }

    /// Paths that do not exist, and methods that a path does not take.
    async fn miss(&mut self) {
        let method = *self
            .dice
            .choice(&["GET", "POST", "PUT", "DELETE", "BREW", "HEAD"])
            .expect("several");
        let path = format!("/nowhere/{}", self.dice.u64(..));
        self.shop
            .send(method, "unmatched", &path, |call| call)
            .await
            .expect(404);
        let (method, route, path) = self.dice.choice(WRONG).expect("several");
        self.shop
            .send(method, route, path, |call| call)
            .await
            .expect(405);
    }

    async fn get(&self, route: &str, path: &str) {
        let token = &self.tokens.access;
        self.shop
            .send("GET", route, path, |call| call.bearer(token))
            .await;
    }

    fn product(&mut self) -> String {
        self.dice
            .choice(&self.shop.products[..4])
            .expect("several")
            .clone()
    }
}
