//! The probes as a load balancer and an operator read them: the same on both listeners, honest about why and for how long.
//! What they say while the service starts and ends is in `tests/process`, and while the database is away in `outage`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::eventually::eventually;
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

/// Waits until the service wants traffic.
pub(crate) async fn ready(client: &Client) {
    eventually("the service to be ready", SOON, async || {
        let answer = client.get("/health/ready").send().await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    })
    .await;
}

/// One check of a probe's body.
pub(crate) fn check<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    let checks = body["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name)
}

/// Without what differs from one moment to the next.
fn still(mut body: Value) -> Value {
    if let Some(uptime) = body.get_mut("uptime_seconds") {
        assert!(uptime.take().as_f64().expect("a number") > 0.0);
    }
    if let Some(checks) = body.get_mut("checks").and_then(Value::as_array_mut) {
        for check in checks {
            assert!(check["for_seconds"].take().as_f64().expect("a number") >= 0.0);
        }
    }
    body
}

/// What both listeners say, which has to be one and the same.
async fn said(app: &TestApp, path: &str) -> (u16, Value) {
    let (public, admin) = tokio::join!(app.get(path).send(), app.admin().get(path).send());
    assert_eq!(public.header("cache-control"), Some("no-store"));
    let of = |answer: &crate::support::client::Answer| (answer.status, still(answer.json()));
    assert_eq!(of(&public), of(&admin), "{path}");
    of(&public)
}

on_both!(both_listeners_say_the_same_of_a_service_that_is_well);
async fn both_listeners_say_the_same_of_a_service_that_is_well(app: TestApp) {
    ready(app.admin()).await;
    let (status, live) = said(&app, "/health/live").await;
    assert_eq!((status, &live), (200, &json!({"status": "live"})));
    let passes = |name: &str| json!({"name": name, "status": "pass", "for_seconds": null});
    let checks = json!([passes("migrations"), passes("database")]);
    let (status, body) = said(&app, "/health/ready").await;
    assert_eq!(
        (status, body),
        (200, json!({"status": "ready", "checks": checks}))
    );
    let (status, body) = said(&app, "/health").await;
    assert_eq!((status, &body["status"]), (200, &json!("ok")));
    assert_eq!(body["checks"], checks);
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert!(body["revision"].is_string());
}

on_both!(a_hold_takes_it_out_of_rotation_and_a_release_puts_it_back);
async fn a_hold_takes_it_out_of_rotation_and_a_release_puts_it_back(app: TestApp) {
    let admin = app.admin();
    ready(admin).await;
    let gauges = async || {
        let metrics = admin.metrics().await;
        let database = metrics.value("health_check_up", &[("check", "database")]);
        (metrics.value("ready", &[]) > 0.5, database > 0.5)
    };
    assert_eq!(gauges().await, (true, true));
    admin.post("/ready/hold").send().await.expect(200);

    let (status, body) = said(&app, "/health/ready").await;
    assert_eq!((status, &body["status"]), (503, &json!("unready")));
    let hold = check(&body, "hold").expect("a check");
    assert_eq!(
        (&hold["status"], &hold["reason"]),
        (&json!("fail"), &json!("held"))
    );
    let (status, body) = said(&app, "/health").await;
    assert_eq!((status, &body["status"]), (503, &json!("unavailable")));
    assert_eq!(gauges().await, (false, true));
    said_live(&app).await;
    // Whoever still comes is served as ever.
    let answer = app.get("/api/v1/products").send().await.expect(200);
    assert_eq!(answer.header("connection"), None);

    let lasts = async || {
        let body = app.get("/health/ready").send().await.expect(503).json();
        let hold = check(&body, "hold").expect("a check");
        hold["for_seconds"].as_f64().expect("a number")
    };
    let first = lasts().await;
    eventually("the time to go on", SOON, async || {
        lasts().await > first + 0.1
    })
    .await;
    admin.post("/ready/hold").send().await.expect(200);
    assert!(
        lasts().await > first,
        "a second hold does not begin it anew"
    );

    admin.call("DELETE", "/ready/hold").send().await.expect(200);
    let (status, body) = said(&app, "/health/ready").await;
    assert_eq!((status, check(&body, "hold")), (200, None));
    assert_eq!(gauges().await, (true, true));
}

async fn said_live(app: &TestApp) {
    let (status, live) = said(app, "/health/live").await;
    assert_eq!((status, live), (200, json!({"status": "live"})));
}

on_both!(
    a_pool_that_is_used_up_is_load_and_not_an_outage,
    |settings| {
        settings.database.max_connections = 2;
    }
);
async fn a_pool_that_is_used_up_is_load_and_not_an_outage(app: TestApp) {
    let product = app.product("LAMP-1", 5).await;
    let operator = app.operator().await;
    ready(app.admin()).await;
    let held = crate::support::held::HeldWrites::in_database(app.database());
    let orders = (0..6).map(async |_| app.place_order(&operator, &product, 1).await.status);
    let watching = async {
        // More than the three seconds after which a database that does not answer is down.
        for _ in 0..40 {
            let (status, body) = said(&app, "/health/ready").await;
            assert_eq!(status, 200, "{body}");
            said_live(&app).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (statuses, ()) = tokio::join!(futures_util::future::join_all(orders), watching);
    assert_eq!(statuses, [503; 6]);
    drop(held);
}
