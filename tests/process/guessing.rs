//! Who guesses addresses must not learn from the clock which of them have an account: an unknown one costs the service the
//! same work as a wrong password. Told by the CPU time of the process, which is the work itself, however busy the machine.

use std::sync::Arc;

use serde_json::json;

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::json::assert_problem;
use crate::support::on_both;
use crate::support::process::Program;

/// Log-ins of each kind in one round; a hash takes some 27 ms, and CPU time is told in steps of 10 ms.
const GUESSES: u32 = 8;

/// CPU seconds that these log-ins take, all of them refused.
async fn cost(public: &Client, admin: &Client, email: &str) -> f64 {
    let spent = async || {
        let metrics = admin.metrics().await;
        metrics.value("process_cpu_seconds_total", &[])
    };
    let before = spent().await;
    for _ in 0..GUESSES {
        let body = json!({"email": email, "password": "a wrong guess"});
        let call = public.post("/api/v1/sessions").json(&body);
        assert_problem(&call.send().await, 401, "invalid_credentials");
    }
    spent().await - before
}

on_both!(an_unknown_address_costs_the_same_work_as_a_wrong_password);
async fn an_unknown_address_costs_the_same_work_as_a_wrong_password(database: Arc<TestDatabase>) {
    let process = Program::on(&database).serve().await;
    let (public, admin) = (process.public(), process.admin());
    public.register("known@example.com").await;
    // What is only done once is done before.
    for email in ["known@example.com", "unknown@example.com"] {
        cost(&public, &admin, email).await;
    }
    let (mut known, mut unknown) = (0.0, 0.0);
    for _ in 0..3 {
        known += cost(&public, &admin, "known@example.com").await;
        unknown += cost(&public, &admin, "unknown@example.com").await;
    }
    println!(
        "{:?}: {known:.2} s known, {unknown:.2} s unknown",
        database.backend()
    );
    let guesses = f64::from(3 * GUESSES);
    assert!(known / guesses > 0.01, "a hash is work: {known} s");
    let ratio = unknown / known;
    assert!((0.6..1.7).contains(&ratio), "{known} s and {unknown} s");
}
