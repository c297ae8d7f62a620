//! How often one may ask, and who "one" is: an account, an address, or the network that an address stands for.
//! Registering and guessing one account's password are in `sessions`.

use std::time::Duration;

use glasshouse::settings::{LimitSettings, Rate, Settings};
use serde_json::json;

use crate::support::client::{Account, Answer, PASSWORD};
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

/// So many at once, and then hardly any.
fn limit(limit: &mut LimitSettings, burst: u32) {
    limit.rate = Some(Rate {
        count: 2,
        per: Duration::from_mins(1),
    });
    limit.burst = burst;
}

fn behind_a_proxy(settings: &mut Settings) {
    settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

/// Fails unless the answer says by which policy it was refused and when to come back, in all three headers alike.
#[track_caller]
fn assert_limited(answer: &Answer, policy: &str) {
    assert_problem(answer, 429, "rate_limited");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some(&*format!("\"{policy}\";q=2;w=60"))
    );
    assert_eq!(
        answer.header("ratelimit"),
        Some(&*format!("\"{policy}\";r=0;t={wait}"))
    );
}

/// How many requests a limit let through, and how many it did not.
async fn decided(app: &TestApp, policy: &str) -> (f64, f64) {
    let metrics = app.metrics().await;
    let of = |decision| {
        let labels = [("policy", policy), ("decision", decision)];
        metrics.value("rate_limit_requests_total", &labels)
    };
    (of("allowed"), of("rejected"))
}

on_both!(
    guessing_is_limited_by_address_whichever_account_it_is,
    |settings| {
        limit(&mut settings.rate_limit.login, 3);
        behind_a_proxy(settings);
    }
);
async fn guessing_is_limited_by_address_whichever_account_it_is(app: TestApp) {
    let ada = registered(&app, "ada@example.com").await;
    let log_in = async |email: &str, password: &str, from: &str| {
        app.post("/api/v1/sessions")
            .header("x-forwarded-for", from)
            .json(&json!({"email": email, "password": password}))
            .send()
            .await
    };
    for guessed in ["one@example.com", "two@example.com", "three@example.com"] {
        let answer = log_in(guessed, "a wrong guess", "198.51.100.1").await;
        assert_problem(&answer, 401, "invalid_credentials");
    }
    // The fourth account is refused from there, with its right password too, and let in from elsewhere.
    let refused = log_in(&ada, PASSWORD, "198.51.100.1").await;
    assert_limited(&refused, "login");
    log_in(&ada, PASSWORD, "198.51.100.2").await.expect(201);
    let metrics = app.metrics().await;
    let throttled = metrics.value("logins_total", &[("outcome", "throttled")]);
    assert!((throttled - 1.0).abs() < 0.1, "{throttled}");
}

/// Registers without logging in, which is what is limited; gives back the address.
async fn registered(app: &TestApp, email: &str) -> String {
    let body = json!({"email": email, "password": PASSWORD, "display_name": "A Tester"});
    let call = app.post("/api/v1/accounts").json(&body);
    call.send().await.expect(201);
    email.to_owned()
}

on_both!(
    who_holds_one_ipv6_address_holds_its_whole_network,
    |settings| {
        limit(&mut settings.rate_limit.register, 2);
        behind_a_proxy(settings);
    }
);
async fn who_holds_one_ipv6_address_holds_its_whole_network(app: TestApp) {
    let register = async |number: u32, from: &str| {
        let email = format!("n{number}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "display_name": "N"});
        let call = app.post("/api/v1/accounts").header("x-forwarded-for", from);
        call.json(&body).send().await
    };
    register(0, "2001:db8:1:2::1").await.expect(201);
    register(1, "2001:db8:1:2:ffff::1").await.expect(201);
    assert_limited(&register(2, "2001:db8:1:2:3:4:5:6").await, "register");
    register(3, "2001:db8:1:3::1").await.expect(201);
    // An address of IPv4 is one client, in either way of writing it.
    register(4, "198.51.100.7").await.expect(201);
    register(5, "::ffff:198.51.100.7").await.expect(201);
    assert_limited(&register(6, "198.51.100.7").await, "register");
    register(7, "198.51.100.8").await.expect(201);
    assert_eq!(decided(&app, "register").await, (6.0, 2.0));
}

on_both!(
    the_api_is_limited_by_account_where_a_token_names_one,
    |settings| {
        limit(&mut settings.rate_limit.api, 6);
        behind_a_proxy(settings);
    }
);
async fn the_api_is_limited_by_account_where_a_token_names_one(app: TestApp) {
    // Registering, logging in and asking who one is comes from this machine's address, but for the last.
    let ada = app.register("ada@example.com").await;
    let bob = app.register("bob@example.com").await;
    let list = async |account: &Account, from: &str| {
        let call = app.get("/api/v1/products").header("x-forwarded-for", from);
        call.token(account).send().await
    };
    // One of six was for asking who she is.
    for place in 0..5 {
        let from = format!("198.51.100.{place}");
        list(&ada, &from).await.expect(200);
    }
    assert_limited(&list(&ada, "198.51.100.9").await, "api");
    list(&bob, "198.51.100.9").await.expect(200);
    // It holds for whatever is below /api/, however that is written, and for nothing else.
    for path in ["/api/v1/orders", "/%61pi/v1/products", "/api/nowhere"] {
        assert_limited(&app.get(path).token(&ada).send().await, "api");
    }
    for path in ["/", "/docs", "/health/ready", "/problems/rate_limited"] {
        app.get(path).token(&ada).send().await.expect(200);
    }
}

on_both!(
    the_api_is_limited_by_address_where_no_token_is_good,
    |settings| {
        limit(&mut settings.rate_limit.api, 3);
        behind_a_proxy(settings);
    }
);
async fn the_api_is_limited_by_address_where_no_token_is_good(app: TestApp) {
    let list = async |authorization: Option<&str>, from: &str| {
        let call = app.get("/api/v1/products").header("x-forwarded-for", from);
        let call = match authorization {
            Some(value) => call.header("authorization", value),
            None => call,
        };
        call.send().await
    };
    let before = decided(&app, "api").await;
    assert_eq!(before, (0.0, 0.0));
    // Tokens that somebody made up are no way around it.
    for made_up in [None, Some("Bearer made-up-1"), Some("Bearer made-up-2")] {
        list(made_up, "198.51.100.1").await.expect(200);
    }
    for made_up in [None, Some("Bearer made-up-3")] {
        assert_limited(&list(made_up, "198.51.100.1").await, "api");
    }
    list(None, "198.51.100.2").await.expect(200);
    assert_eq!(decided(&app, "api").await, (4.0, 2.0));
    let metrics = app.metrics().await;
    let refused = [("reason", "rate_limit")];
    let rejected = metrics.value("http_requests_rejected_total", &refused);
    assert!((rejected - 2.0).abs() < 0.1, "{rejected}");
    // Refused or not, it is told of on the route that was asked for.
    let labels = [
        ("method", "GET"),
        ("path", "/api/v1/products"),
        ("status", "429"),
    ];
    let counted = metrics.value("http_requests_total", &labels);
    assert!((counted - 2.0).abs() < 0.1, "{counted}");
}
