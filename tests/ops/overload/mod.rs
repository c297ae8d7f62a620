//! More than the service can do: what it refuses it refuses soon and cheaply, the least important first; what it takes on it
//! finishes. How much it still serves then is measured by `scripts/overload`, and simulated beside the gate.

mod refusals;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use glasshouse::settings::Settings;
use serde_json::json;

use crate::support::client::{Account, Answer};
use crate::support::eventually::eventually;
use crate::support::held::HeldWrites;
use crate::support::json::assert_problem;
use crate::support::metrics::{Metrics, whole};
use crate::support::on_both;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

fn refused(metrics: &Metrics, class: &str) -> u64 {
    whole(metrics.sum("http_admission_refused_total", &[("class", class)]))
}

async fn until_in_use(app: &TestApp, class: &str, count: u64) {
    eventually("requests to be in work", SOON, async || {
        let metrics = app.metrics().await;
        let seen = whole(metrics.value("http_admission_in_use", &[("class", class)]));
        if seen == count { Ok(()) } else { Err(seen) }
    })
    .await;
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_problem(answer, 503, "overloaded");
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&after), "{after}");
}

async fn orders(
    app: &TestApp,
    buyer: &Account,
    product: &str,
    count: usize,
) -> Vec<(Answer, Duration)> {
    let order = async || {
        let asked = Instant::now();
        let answer = app.place_order(buyer, product, 1).await;
        (answer, asked.elapsed())
    };
    join_all((0..count).map(|_| order())).await
}

on_both!(
    overload_is_refused_soon_what_was_taken_on_is_finished_and_probes_are_answered,
    |settings| {
        settings.server.max_in_flight = 8;
        settings.database.wait_timeout = Duration::from_secs(20);
        settings.database.statement_timeout = Duration::from_secs(25);
        settings.database.deadline = Duration::from_secs(28);
    }
);
async fn overload_is_refused_soon_what_was_taken_on_is_finished_and_probes_are_answered(
    app: TestApp,
) {
    // Of eight, six may be writes. Eight more wait for a moment.
    const TAKEN: usize = 6;
    const TOO_MANY: usize = 24;
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let held = HeldWrites::in_database(app.database());
    let taken = orders(&app, &buyer, &product, TAKEN);
    let overload = async {
        until_in_use(&app, "write", TAKEN as u64).await;
        let too_many = orders(&app, &buyer, &product, TOO_MANY);
        let probes = async {
            for _ in 0..20 {
                for path in ["/health", "/health/live", "/health/ready"] {
                    app.get(path).send().await.expect(200);
                }
                app.admin().get("/health/live").send().await.expect(200);
            }
        };
        let (too_many, ()) = tokio::join!(too_many, probes);
        for (answer, took) in &too_many {
            assert_refused(answer);
            // Nothing like the 20 s that one waits who was taken on.
            assert!(*took < Duration::from_secs(5), "{took:?}");
        }
        // Reads still find room, and connections.
        app.get("/api/v1/products").send().await.expect(200);
        let metrics = app.metrics().await;
        assert_eq!(refused(&metrics, "write"), TOO_MANY as u64);
        assert_eq!(refused(&metrics, "read") + refused(&metrics, "login"), 0);
        let by_reason =
            |reason| metrics.value("http_requests_rejected_total", &[("reason", reason)]);
        assert_eq!(whole(by_reason("overload")), TOO_MANY as u64);
        drop(held);
    };
    let (taken, ()) = tokio::join!(taken, overload);
    for (answer, _) in taken {
        answer.expect(201);
    }
    // At once, without a pause to recover in.
    let after = orders(&app, &buyer, &product, TAKEN).await;
    for (answer, _) in after {
        answer.expect(201);
    }
    let stored = app
        .database()
        .number("SELECT count(*) AS number FROM orders");
    assert_eq!(
        usize::try_from(stored),
        Ok(2 * TAKEN),
        "what was refused was not done"
    );
}

on_both!(
    in_overload_log_ins_are_refused_first_then_writes_then_reads_and_probes_never,
    |settings| {
        settings.server.max_in_flight = 7;
        settings.database.wait_timeout = Duration::from_secs(20);
        settings.database.statement_timeout = Duration::from_secs(25);
        settings.database.deadline = Duration::from_secs(28);
    }
);
async fn in_overload_log_ins_are_refused_first_then_writes_then_reads_and_probes_never(
    app: TestApp,
) {
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let log_in = async || {
        let body = json!({"email": "nobody@example.com", "password": "not the password"});
        app.post("/api/v1/sessions").json(&body).send().await
    };
    // Of seven, three may be log-ins or registrations, five those and writes.
    let held = HeldWrites::in_database(app.database());
    let emails = ["a@example.com", "b@example.com", "c@example.com"];
    let registering = join_all(emails.map(|email| app.register(email)));
    let writing = async {
        until_in_use(&app, "login", 3).await;
        orders(&app, &buyer, &product, 2).await
    };
    let overload = async {
        until_in_use(&app, "write", 2).await;
        assert_refused(&log_in().await);
        assert_refused(&app.place_order(&buyer, &product, 1).await);
        // The two that are left, one after the other; both at once are let in as well, and a third with them is not.
        for _ in 0..5 {
            app.get("/api/v1/products").send().await.expect(200);
        }
        app.get("/health/ready").send().await.expect(200);
        let metrics = app.metrics().await;
        let counts = ["read", "write", "login"].map(|class| refused(&metrics, class));
        assert_eq!(counts, [0, 1, 1]);
        let limits = ["read", "write", "login"]
            .map(|class| whole(metrics.value("http_admission_limit", &[("class", class)])));
        assert_eq!(limits, [7, 5, 3]);
        drop(held);
    };
    let (_registered, written, ()) = tokio::join!(registering, writing, overload);
    for (answer, _) in written {
        answer.expect(201);
    }
    eventually("log-ins to be let in again", SOON, async || {
        log_in().await.status == 401
    })
    .await;
}

on_both!(
    a_queue_of_writers_lowers_their_limit_until_it_is_gone,
    |settings| {
        settings.server.max_in_flight = 64;
        settings.server.min_in_flight = 2;
        settings.database.max_connections = 2;
        settings.database.wait_timeout = Duration::from_secs(30);
        settings.database.statement_timeout = Duration::from_secs(35);
        settings.database.deadline = Duration::from_secs(40);
        settings.server.request_timeout = Duration::from_secs(50);
    }
);
async fn a_queue_of_writers_lowers_their_limit_until_it_is_gone(app: TestApp) {
    // As many as there may be in the beginning.
    const TAKEN: usize = 13;
    let limit = async || {
        let metrics = app.metrics().await;
        whole(metrics.value("http_admission_limit", &[("class", "write")]))
    };
    let product = app.product("LAMP-1", 1000).await;
    let buyer = app.register("buyer@example.com").await;
    assert_eq!(limit().await, TAKEN as u64);
    let held = HeldWrites::in_database(app.database());
    let taken = orders(&app, &buyer, &product, TAKEN);
    let queue = async {
        until_in_use(&app, "write", TAKEN as u64).await;
        eventually("the limit to fall", SOON, async || match limit().await {
            2 => Ok(()),
            seen => Err(seen),
        })
        .await;
        assert_refused(&app.place_order(&buyer, &product, 1).await);
        drop(held);
    };
    let (taken, ()) = tokio::join!(taken, queue);
    for (answer, _) in taken {
        answer.expect(201);
    }
    eventually("the limit to rise with demand", SOON, async || {
        orders(&app, &buyer, &product, 8).await;
        match limit().await {
            low @ 0..=8 => Err(low),
            _ => Ok(()),
        }
    })
    .await;
}

/// One place for all classes together, and one who has it: while he does, `work` is done.
async fn with_no_place_left(app: &TestApp, work: impl AsyncFnOnce()) {
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let held = HeldWrites::in_database(app.database());
    let work = async {
        until_in_use(app, "write", 1).await;
        assert_refused(&app.get("/api/v1/products").send().await);
        work().await;
        drop(held);
    };
    let (taken, ()) = tokio::join!(app.place_order(&buyer, &product, 1), work);
    taken.expect(201);
    eventually("the only place to be free", SOON, async || {
        app.get("/api/v1/products").send().await.status == 200
    })
    .await;
}

const ONE_PLACE: fn(&mut Settings) = |settings| {
    settings.server.max_in_flight = 1;
    settings.database.wait_timeout = Duration::from_secs(20);
    settings.database.statement_timeout = Duration::from_secs(25);
    settings.database.deadline = Duration::from_secs(28);
};

on_both!(probes_and_the_admin_listener_are_never_refused, ONE_PLACE);
async fn probes_and_the_admin_listener_are_never_refused(app: TestApp) {
    with_no_place_left(&app, async || {
        for _ in 0..10 {
            for path in ["/health", "/health/live", "/health/ready"] {
                app.get(path).send().await.expect(200);
            }
            for path in ["/health/live", "/health/ready", "/metrics", "/config"] {
                app.admin().get(path).send().await.expect(200);
            }
        }
    })
    .await;
}

on_both!(
    who_takes_his_time_to_send_a_body_keeps_nobody_out,
    |settings| {
        settings.server.max_in_flight = 1;
        settings.server.body_timeout = Duration::from_mins(1);
        settings.server.body_min_rate = 0;
        settings.server.request_timeout = Duration::from_mins(2);
    }
);
async fn who_takes_his_time_to_send_a_body_keeps_nobody_out(app: TestApp) {
    let product = app.product("LAMP-1", 100).await;
    let buyer = app.register("buyer@example.com").await;
    let body = r#"{"email": "nobody@example.com", "password": "not the password"}"#;
    let head = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut raw = app.raw().await;
        raw.send(&head).await;
        raw.send(&body[..1]).await;
        until_in_use(&app, "login", 0).await;
        slow.push(raw);
    }
    app.get("/api/v1/products").send().await.expect(200);
    app.place_order(&buyer, &product, 1).await.expect(201);
    // Each is served when all of it is there.
    for mut raw in slow {
        raw.send(&body[1..]).await;
        let answer = raw.response().await.expect("an answer");
        assert_problem(&answer.answer(), 401, "invalid_credentials");
    }
    until_in_use(&app, "login", 0).await;
}
