//! Requests that take too long or lose again and again: each is answered in time, as a problem, and says when to come back.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::Answer;
use crate::support::database::Backend;
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::test_app::{TestApp, run};

const SOON: Duration = Duration::from_secs(10);

/// Fails unless the answer says when to come back, in whole seconds.
#[track_caller]
fn assert_retry_after(answer: &Answer) {
    let seconds = answer.header("retry-after").expect("when to come back");
    let seconds: u64 = seconds.parse().expect("whole seconds");
    assert!((1..=5).contains(&seconds), "{seconds}");
}

async fn rejected(app: &TestApp, reason: &str) -> f64 {
    let metrics = app.metrics().await;
    metrics.value("http_requests_rejected_total", &[("reason", reason)])
}

/// A stock that changes by the hand of its operator.
async fn restock(app: &TestApp, product: &str) -> Answer {
    let operator = app.operator().await;
    let call = app.patch(&format!("/api/v1/products/{product}"));
    let body = json!({"stock_delta": 1});
    call.token(&operator).json(&body).send().await
}

async fn stock(app: &TestApp, product: &str) -> i64 {
    let path = format!("/api/v1/products/{product}");
    let product = app.get(&path).send().await.expect(200).json();
    product["stock"].as_i64().expect("a stock")
}

on_both!(
    a_request_that_passes_its_deadline_is_answered_then_and_not_later,
    |settings| {
        settings.server.request_timeout = Duration::from_millis(400);
        settings.database.statement_timeout = Duration::from_secs(20);
        settings.database.deadline = Duration::from_secs(20);
    }
);
async fn a_request_that_passes_its_deadline_is_answered_then_and_not_later(app: TestApp) {
    let product = app.product("SLOW", 5).await;
    let lock = format!("SELECT 1 FROM products WHERE id = '{product}' FOR UPDATE");
    let held = app.database().hold(&lock);
    let asked = Instant::now();
    let late = restock(&app, &product).await;
    let took = asked.elapsed();
    assert_problem(&late, 503, "deadline_exceeded");
    assert_retry_after(&late);
    // Far from the limits of the database, which are longer here.
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!((rejected(&app, "timeout").await - 1.0).abs() < 0.1);
    let labels = [
        ("method", "PATCH"),
        ("path", "/api/v1/products/{id}"),
        ("status", "503"),
    ];
    let counted = app.metrics().await.value("http_requests_total", &labels);
    assert!((counted - 1.0).abs() < 0.1, "{counted}");
    // It is the request that was given up: the service goes on.
    app.get("/health/ready").send().await.expect(200);
    assert_eq!(stock(&app, &product).await, 5);
    drop(held);
    eventually("the product to be free again", SOON, async || {
        restock(&app, &product).await.status == 200
    })
    .await;
}

on_both!(
    a_body_that_comes_too_slowly_is_answered_as_a_problem_and_the_connection_closed,
    |settings| {
        settings.server.body_timeout = Duration::from_millis(300);
    }
);
async fn a_body_that_comes_too_slowly_is_answered_as_a_problem_and_the_connection_closed(
    app: TestApp,
) {
    let head = "POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    for body in [
        "Content-Length: 90\r\n\r\n{\"email\": ",
        "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"email\":\r\n",
    ] {
        let mut raw = app.raw().await;
        raw.send(format!("{head}{body}")).await;
        let answer = raw.response().await.expect("an answer");
        assert_problem(&answer.answer(), 408, "request_timeout");
        // What may still come would be taken for the next request.
        assert_eq!(answer.header("connection"), Some("close"));
        let (rest, _) = raw.rest().await;
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
    assert!((rejected(&app, "timeout").await - 2.0).abs() < 0.1);
    let labels = [("path", "/api/v1/accounts"), ("status", "408")];
    let counted = app.metrics().await.sum("http_requests_total", &labels);
    assert!((counted - 2.0).abs() < 0.1, "{counted}");
}

/// Makes each change of a product come to nothing, as if somebody else had always been quicker.
fn meddle(app: &TestApp) {
    app.database().execute(match app.database().backend() {
        Backend::Sqlite => {
            "CREATE TRIGGER meddling BEFORE UPDATE ON products BEGIN SELECT RAISE(IGNORE); END"
        }
        Backend::Postgres => {
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER meddling BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION meddle()"
        }
    });
}

fn stop_meddling(app: &TestApp) {
    app.database().execute(match app.database().backend() {
        Backend::Sqlite => "DROP TRIGGER meddling",
        Backend::Postgres => "DROP TRIGGER meddling ON products",
    });
}

on_both!(a_write_that_loses_every_time_is_told_to_come_back);
async fn a_write_that_loses_every_time_is_told_to_come_back(app: TestApp) {
    let product = app.product("BUSY", 5).await;
    app.operator().await;
    meddle(&app);
    let lost = restock(&app, &product).await;
    assert_problem(&lost, 503, "conflicting_writes");
    assert_retry_after(&lost);
    let metrics = app.metrics().await;
    let conflicts = metrics.value("db_errors_total", &[("kind", "conflict")]);
    assert!((conflicts - 1.0).abs() < 0.1, "{conflicts}");
    assert_eq!(stock(&app, &product).await, 5);
    stop_meddling(&app);
    assert_eq!(restock(&app, &product).await.expect(200).json()["stock"], 6);
}

/// SQLite has one writer, and nobody to lose against.
#[test]
fn a_write_is_tried_three_times_more_before_it_is_given_up_on_postgres() {
    // Counts the tries by a sequence, which no rollback takes back, and lets one through after so many.
    let lose = |times: u32| {
        format!(
            "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries; \
             CREATE OR REPLACE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END IF; \
             RETURN NEW; END $$; \
             CREATE OR REPLACE TRIGGER losing BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION lose()"
        )
    };
    run::<TestApp>(
        Backend::Postgres,
        |_| {},
        async |app| {
            let product = app.product("BUSY", 5).await;
            app.operator().await;
            let tries = || {
                app.database()
                    .number("SELECT last_value AS number FROM tries")
            };
            app.database().execute(&lose(3));
            assert_eq!(restock(&app, &product).await.expect(200).json()["stock"], 6);
            assert_eq!(tries(), 4);
            app.database().execute(&lose(4));
            assert_problem(&restock(&app, &product).await, 503, "conflicting_writes");
            assert_eq!(tries(), 4);
            assert_eq!(stock(&app, &product).await, 6);
        },
    );
}
