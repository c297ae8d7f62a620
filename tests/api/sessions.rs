//! Logging in, staying logged in, logging out; and how often one may try.

use std::time::Duration;

use glasshouse::settings::{Rate, Settings};
use serde_json::json;

use crate::support::client::{Answer, PASSWORD};
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::TestApp;

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/v1/sessions")
        .header("x-request-id", "same")
        .json(&json!({"email": email, "password": password}))
        .send()
        .await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post("/api/v1/sessions/refresh")
        .json(&json!({"refresh_token": token}))
        .send()
        .await
}

fn refresh_token(answer: &Answer) -> String {
    answer.json()["refresh_token"].as_str().unwrap().to_owned()
}

on_both!(an_address_is_one_account_in_any_letter_case);
async fn an_address_is_one_account_in_any_letter_case(app: TestApp) {
    app.register("ada@example.com").await;
    let again = json!({"email": "ADA@Example.Com", "password": PASSWORD, "display_name": "Ada"});
    assert_problem(
        &app.post("/api/v1/accounts").json(&again).send().await,
        409,
        "email_taken",
    );
    log_in(&app, "aDa@example.com", PASSWORD).await.expect(201);
}

on_both!(a_wrong_password_and_an_unknown_address_answer_alike);
async fn a_wrong_password_and_an_unknown_address_answer_alike(app: TestApp) {
    app.register("ada@example.com").await;
    let wrong = log_in(&app, "ada@example.com", "not the password").await;
    let unknown = log_in(&app, "nobody@example.com", "not the password").await;
    assert_problem(&wrong, 401, "invalid_credentials");
    assert_eq!(wrong.body, unknown.body);
    let names = |answer: &Answer| {
        answer
            .headers
            .keys()
            .map(ToString::to_string)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&wrong), names(&unknown));
}

on_both!(a_session_has_the_promised_shape_and_is_never_cached);
async fn a_session_has_the_promised_shape_and_is_never_cached(app: TestApp) {
    app.register("ada@example.com").await;
    let answer = log_in(&app, "ada@example.com", PASSWORD).await.expect(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = answer.json();
    assert_eq!(
        (
            session["token_type"].as_str(),
            session["expires_in"].as_i64()
        ),
        (Some("Bearer"), Some(900))
    );
    assert_eq!(session.as_object().unwrap().len(), 4, "{session}");
}

on_both!(a_used_refresh_token_that_comes_back_ends_its_whole_family);
async fn a_used_refresh_token_that_comes_back_ends_its_whole_family(app: TestApp) {
    let ada = app.register("ada@example.com").await;
    let second = refresh_token(&refresh(&app, &ada.refresh_token).await.expect(200));
    let third = refresh_token(&refresh(&app, &second).await.expect(200));
    assert_problem(
        &refresh(&app, &ada.refresh_token).await,
        401,
        "invalid_refresh_token",
    );
    assert_problem(&refresh(&app, &third).await, 401, "invalid_refresh_token");
    // Another log-in is another family.
    let elsewhere = app.login("ada@example.com").await;
    refresh(&app, &elsewhere.refresh_token).await.expect(200);
}

on_both!(of_two_who_refresh_at_once_one_wins);
async fn of_two_who_refresh_at_once_one_wins(app: TestApp) {
    let ada = app.register("ada@example.com").await;
    let (one, two) = tokio::join!(
        refresh(&app, &ada.refresh_token),
        refresh(&app, &ada.refresh_token)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

on_both!(logging_out_ends_every_session_of_the_account);
async fn logging_out_ends_every_session_of_the_account(app: TestApp) {
    let here = app.register("ada@example.com").await;
    let there = app.login("ada@example.com").await;
    let bob = app.register("bob@example.com").await;
    app.delete("/api/v1/sessions")
        .token(&here)
        .send()
        .await
        .expect(204);
    for token in [&here.refresh_token, &there.refresh_token] {
        assert_problem(&refresh(&app, token).await, 401, "invalid_refresh_token");
    }
    refresh(&app, &bob.refresh_token).await.expect(200);
    // Access tokens live out their time.
    app.get("/api/v1/accounts/me")
        .token(&here)
        .send()
        .await
        .expect(200);
}

on_both!(a_token_that_is_not_ours_is_refused);
async fn a_token_that_is_not_ours_is_refused(app: TestApp) {
    let ada = app.register("ada@example.com").await;
    let good = &ada.access_token;
    let none = format!(
        "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.",
        good.split('.').nth(1).unwrap()
    );
    for token in [
        "",
        "x",
        "a.b.c",
        &good[..good.len() - 2],
        &format!("{good}x"),
        &none,
        &"x".repeat(8000),
    ] {
        let answer = app.get("/api/v1/accounts/me").bearer(token).send().await;
        assert_problem(&answer, 401, "unauthenticated");
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer"),
            "{token}"
        );
    }
    for header in ["Basic YTpi", "Bearer", "bearer", good] {
        let answer = app
            .get("/api/v1/accounts/me")
            .header("authorization", header)
            .send()
            .await;
        assert_problem(&answer, 401, "unauthenticated");
    }
}

fn with_limits(settings: &mut Settings) {
    let rate = |count| {
        Some(Rate {
            count,
            per: Duration::from_mins(1),
        })
    };
    (
        settings.rate_limit.login.rate,
        settings.rate_limit.login.burst,
    ) = (rate(10), 3);
    (
        settings.rate_limit.register.rate,
        settings.rate_limit.register.burst,
    ) = (rate(5), 2);
    settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

#[track_caller]
fn assert_limited(answer: &Answer, policy: &str) {
    assert_problem(answer, 429, "rate_limited");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(
        answer
            .header("ratelimit-policy")
            .unwrap()
            .starts_with(&format!("\"{policy}\";q="))
    );
    assert!(
        answer
            .header("ratelimit")
            .unwrap()
            .starts_with(&format!("\"{policy}\";r=0;t="))
    );
}

on_both!(registering_is_limited_by_address, |settings| {
    with_limits(settings);
});
async fn registering_is_limited_by_address(app: TestApp) {
    let register = async |number: u32, from: &str| {
        let body = json!({"email": format!("n{number}@example.com"), "password": PASSWORD, "display_name": "N"});
        app.post("/api/v1/accounts")
            .header("x-forwarded-for", from)
            .json(&body)
            .send()
            .await
    };
    for number in 0..2 {
        register(number, "198.51.100.1").await.expect(201);
    }
    assert_limited(&register(2, "198.51.100.1").await, "register");
    // What stands before the address that the proxy saw is the client's own writing.
    assert_limited(&register(3, "203.0.113.9, 198.51.100.1").await, "register");
    register(4, "198.51.100.2").await.expect(201);
    let decided = |metrics: &crate::support::metrics::Metrics, decision| {
        metrics.value(
            "rate_limit_requests_total",
            &[("policy", "register"), ("decision", decision)],
        )
    };
    let metrics = app.metrics().await;
    assert!(
        (decided(&metrics, "allowed") - 3.0).abs() < 0.1
            && (decided(&metrics, "rejected") - 2.0).abs() < 0.1
    );
}

on_both!(
    guessing_is_limited_by_account_wherever_it_comes_from,
    |settings| {
        with_limits(settings);
    }
);
async fn guessing_is_limited_by_account_wherever_it_comes_from(app: TestApp) {
    let guess = async |email: &str, from: &str| {
        let body = json!({"email": email, "password": "a wrong guess"});
        app.post("/api/v1/sessions")
            .header("x-forwarded-for", from)
            .json(&body)
            .send()
            .await
    };
    for place in 1..=3 {
        assert_problem(
            &guess("victim@example.com", &format!("198.51.100.{place}")).await,
            401,
            "invalid_credentials",
        );
    }
    assert_limited(&guess("Victim@Example.com", "198.51.100.9").await, "login");
    assert_problem(
        &guess("somebody@example.com", "198.51.100.10").await,
        401,
        "invalid_credentials",
    );
    // A request is one request, though it was looked at by account and by address.
    let metrics = app.metrics().await;
    for (decision, requests) in [("allowed", 4.0), ("rejected", 1.0)] {
        let labels = [("policy", "login"), ("decision", decision)];
        let told = metrics.value("rate_limit_requests_total", &labels);
        assert!((told - requests).abs() < 0.1, "{told} {decision}");
    }
}
