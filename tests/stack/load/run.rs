//! Runs the load tests' scripts and keeps what came of it.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::repository;
use crate::support::database::TestDatabase;
use crate::support::process::Program;

/// The password of everybody who loads.
pub(crate) const PASSWORD: &str = "the password of a load test";

/// What makes no difference to right and wrong, so that a busy machine fails nothing: objectives that nobody misses, and a
/// service that waits.
const PATIENT: [(&str, &str); 11] = [
    ("ACCOUNTS", "5"),
    ("ERRORS", "0.5"),
    ("GRACE", "4s"),
    ("LATE", "60000"),
    ("P99", "60000"),
    ("PRODUCTS", "20"),
    ("TIMEOUT", "30s"),
    ("GLASSHOUSE_SERVER__MIN_IN_FLIGHT", "1024"),
    ("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "20s"),
    ("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "21s"),
    ("GLASSHOUSE_DATABASE__DEADLINE", "22s"),
];

/// How a run ended, what it showed, and what it wrote.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) summary: Value,
}

impl Ran {
    /// What it gives as the reasons for having failed.
    pub(crate) fn failures(&self) -> Vec<&str> {
        let failures = self.summary["failures"].as_array();
        let failures = failures.unwrap_or_else(|| panic!("failures in {}", self.said));
        failures.iter().filter_map(Value::as_str).collect()
    }

    #[track_caller]
    pub(crate) fn assert_passed(&self) {
        assert_eq!(self.code, Some(0), "{}", self.said);
        assert_eq!(self.summary["passed"], true, "{}", self.said);
        assert_eq!(self.failures(), [""; 0], "{}", self.said);
    }

    #[track_caller]
    pub(crate) fn assert_failed(&self, code: i32, because: &str) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        assert_eq!(self.summary["passed"], false, "{}", self.said);
        let found = self.failures().iter().any(|why| why.contains(because));
        assert!(found, "{because} in {}", self.said);
    }

    /// How often an invariant was looked at, and how often it did not hold.
    pub(crate) fn invariant(&self, name: &str) -> (u64, u64) {
        let all = self.summary["invariants"].as_array().unwrap();
        let found = all.iter().find(|one| one["invariant"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} in {}", self.said));
        let number = |key: &str| found[key].as_u64().unwrap();
        (number("checked"), number("violated"))
    }
}

/// A scenario that is running.
pub(crate) struct Running {
    child: Child,
    results: PathBuf,
    id: String,
}

impl Running {
    /// The run's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    pub(crate) fn wait(mut self) -> Ran {
        let status = self.child.wait().expect("a child");
        let read = |file: &str| std::fs::read_to_string(self.results.join(file));
        let summary = read(&format!("{}/summary.json", self.id));
        Ran {
            code: status.code(),
            said: read("said").unwrap(),
            summary: summary.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()),
        }
    }
}

/// A scenario against a service of its own on this database, by the script that is there for it.
pub(crate) fn load_local(
    database: &TestDatabase,
    scenario: &str,
    variables: &[(&str, &str)],
) -> Ran {
    let mut command = script("scripts/load-local");
    command
        .args(["existing", scenario])
        .env("DATABASE_URL", database.url())
        .env("GLASSHOUSE", env!("CARGO_BIN_EXE_glasshouse"));
    start(command, database, variables).wait()
}

/// A scenario against whatever the variables name, as `make load` does it.
pub(crate) fn load(database: &TestDatabase, scenario: &str, variables: &[(&str, &str)]) -> Running {
    let mut command = script("loadtest/run");
    command.arg(scenario);
    start(command, database, variables)
}

pub(crate) fn script(path: &str) -> Command {
    static INSTALLED: LazyLock<Output> = LazyLock::new(|| {
        let mut install = Command::new(repository::at("scripts/k6"));
        install.arg("--install").output().expect("bash is there")
    });
    assert!(INSTALLED.status.success(), "{:?}", *INSTALLED);
    Command::new(repository::at(path))
}

/// Starts it with its results in the database's folder. It is called `test`, unless the variables name it.
fn start(mut command: Command, database: &TestDatabase, variables: &[(&str, &str)]) -> Running {
    let results = database.folder().join("results");
    std::fs::create_dir_all(&results).unwrap();
    let said = File::create(results.join("said")).unwrap();
    let named = variables.iter().find(|(name, _)| *name == "TESTID");
    let id = named.map_or("test", |(_, id)| id).to_owned();
    let child = command
        .env("RESULTS", &results)
        .env("TESTID", &id)
        .envs(PATIENT)
        .envs(variables.iter().copied())
        .current_dir(database.folder())
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
        .expect("a shell is there");
    Running { child, results, id }
}

/// Fills a database with a catalog, accounts to load it with, and an operator.
pub(crate) fn seed(database: &TestDatabase, products: u32, accounts: u32) {
    let (products, accounts) = (products.to_string(), accounts.to_string());
    for arguments in [
        &["seed", "--products", &products, "--accounts", &accounts][..],
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
}
