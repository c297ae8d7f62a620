//! The service on PostgreSQL with all that watches it, each a real program: Prometheus with the committed configuration and
//! rules, Alertmanager with its own, a collector of traces. What they cannot be told is where the others are, which in the
//! compose stack is a name and here a free port.

use std::net::SocketAddr;
use std::time::Duration;

use serde_norway::Value;

use crate::alertmanager::Alertmanager;
use crate::load::run::{PASSWORD, Running, load};
use crate::probe::Window;
use crate::prometheus::Prometheus;
use crate::repository::{at, read, yaml};
use crate::support::collector::{Collector, Protocol};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::process::{Process, Program};

/// Between two scrapes. Five times as often as in the stack, so that the test takes a minute and not five.
pub(super) const SCRAPE: Duration = Duration::from_secs(1);

/// Longest wait for something that takes a few scrapes.
pub(super) const SOON: Duration = Duration::from_secs(30);

/// What the service is called in the compose stack.
pub(super) const INSTANCE: &str = "app:9464";

/// A pool that four long statements use up, and deadlines that are over soon after.
const SMALL_POOL: [(&str, &str); 4] = [
    ("GLASSHOUSE_DATABASE__MAX_CONNECTIONS", "4"),
    ("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "1500ms"),
    ("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "3s"),
    ("GLASSHOUSE_DATABASE__DEADLINE", "4s"),
];

/// All of it. The database outlives the service.
pub(super) struct Stack {
    pub(super) service: Process,
    pub(super) prometheus: Prometheus,
    pub(super) alertmanager: Alertmanager,
    pub(super) collector: Collector,
    pub(super) database: TestDatabase,
}

impl Stack {
    /// Starts it, and waits until the service has been scraped.
    pub(super) async fn start() -> Self {
        let database = TestDatabase::migrated(Backend::Postgres);
        crate::load::run::seed(&database, 20, 5);
        let collector = Collector::start(Protocol::Http).await;
        let service = program(&database, &collector).serve().await;
        let alertmanager = Alertmanager::start().await;
        let folder = tempfile::tempdir().unwrap();
        // A first configuration without targets: where it listens itself is known only now.
        // An alert that fires before Alertmanager is known is told again at once, and not after a minute.
        let flags = [
            "--web.enable-lifecycle",
            "--web.enable-remote-write-receiver",
            "--rules.alert.resend-delay=1s",
        ];
        let prometheus = Prometheus::start(folder, "{}", &flags).await;
        let stack = Self {
            service,
            prometheus,
            alertmanager,
            collector,
            database,
        };
        stack.watch().await;
        stack
    }

    /// Ends the service as an orchestrator does and starts it anew, on other ports and under the same name.
    pub(super) async fn restart(&mut self) {
        self.service.signal("TERM");
        let ended = self.service.wait_exit(SOON).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.service = program(&self.database, &self.collector).serve().await;
        self.watch().await;
    }

    /// A load test against it, which also tells Prometheus what it sees.
    pub(super) fn load(&self, scenario: &str, variables: &[(&str, &str)]) -> Running {
        let url = |address: SocketAddr| format!("http://{address}");
        let api = url(self.service.public().address());
        let admin = url(self.service.admin().address());
        let remote = url(self.prometheus.client().address()) + "/api/v1/write";
        let here = [
            ("API", &*api),
            ("ADMIN", &admin),
            ("LOAD_PASSWORD", PASSWORD),
            ("PROMETHEUS", &remote),
            ("K6_PROMETHEUS_RW_PUSH_INTERVAL", "1s"),
        ];
        load(&self.database, scenario, &[&here, variables].concat())
    }

    /// The one number of this query; `None` when there is nothing.
    pub(super) async fn number(&self, query: &str) -> Option<f64> {
        let form = serde_urlencoded::to_string([("query", query)]).unwrap();
        let path = format!("/api/v1/query?{form}");
        let answer = self.prometheus.client().get(&path).send().await.expect(200);
        let json = answer.json();
        let value = json["data"]["result"].get(0)?["value"][1]
            .as_str()?
            .to_owned();
        value.parse().ok()
    }

    /// When the first series of this range has samples, in seconds since 1970.
    pub(super) async fn times(&self, query: &str) -> Vec<f64> {
        let form = serde_urlencoded::to_string([("query", query)]).unwrap();
        let path = format!("/api/v1/query?{form}");
        let answer = self.prometheus.client().get(&path).send().await.expect(200);
        let json = answer.json();
        let samples = json["data"]["result"][0]["values"].as_array();
        let samples = samples.map(Vec::as_slice).unwrap_or_default();
        samples
            .iter()
            .map(|sample| sample[0].as_f64().unwrap())
            .collect()
    }

    /// How many series a selector has selected at any time in this window.
    pub(super) async fn series(&self, selector: &str, window: Window) -> usize {
        let (start, end) = (window.start().to_string(), window.end.to_string());
        let form = [("match[]", selector), ("start", &start), ("end", &end)];
        let path = format!(
            "/api/v1/series?{}",
            serde_urlencoded::to_string(form).unwrap()
        );
        let answer = self.prometheus.client().get(&path).send().await.expect(200);
        answer.json()["data"].as_array().expect("series").len()
    }

    /// Waits until no window of a rate sees any of what was before.
    pub(super) async fn rest(&self) {
        tokio::time::sleep(SCRAPE * 6).await;
    }

    /// Points Prometheus at everything, and waits until it has scraped this very process.
    async fn watch(&self) {
        self.prometheus.reconfigure(&self.configuration()).await;
        let started = self.service.admin().metrics().await;
        let started = started.value("process_start_time_seconds", &[]);
        let query = format!("process_start_time_seconds{{instance=\"{INSTANCE}\"}}");
        eventually("the service to be scraped", SOON, async || {
            let seen = self.number(&query).await;
            seen.filter(|seen| (seen - started).abs() < 0.5)
        })
        .await;
    }

    /// `prometheus.yml`, with addresses in the place of the stack's names.
    fn configuration(&self) -> String {
        let mut config: Value = yaml("prometheus.yml", &read("prometheus.yml"));
        let every = Value::from(format!("{}s", SCRAPE.as_secs()));
        for key in ["scrape_interval", "scrape_timeout", "evaluation_interval"] {
            *at_key(&mut config["global"], key) = every.clone();
        }
        let rules = at("prometheus/rules/*.yml").display().to_string();
        *at_key(&mut config, "rule_files") = vec![rules].into();
        let alertmanager = self.alertmanager.client().address().to_string();
        let told = at_key(
            &mut config["alerting"]["alertmanagers"][0],
            "static_configs",
        );
        *told = targets(&alertmanager, None);

        let prometheus = self.prometheus.client().address().to_string();
        let service = self.service.admin().address().to_string();
        let jobs = config["scrape_configs"].as_sequence_mut().unwrap();
        assert_eq!(
            jobs.len(),
            3,
            "prometheus.yml has other jobs than this knows"
        );
        for job in jobs {
            let found = match job["job_name"].as_str().unwrap() {
                // Its name is found as if by the look-up that the stack makes, and rewritten by the same rules.
                "glasshouse" => {
                    job.as_mapping_mut()
                        .unwrap()
                        .remove("dns_sd_configs")
                        .unwrap();
                    targets(&service, Some("app"))
                }
                "prometheus" => targets(&prometheus, None),
                "alertmanager" => targets(&alertmanager, None),
                other => panic!("nothing here is the job {other}"),
            };
            job.as_mapping_mut()
                .unwrap()
                .insert("static_configs".into(), found);
        }
        serde_norway::to_string(&config).unwrap()
    }
}

/// The service with a small pool, every request that asks for it traced.
fn program(database: &TestDatabase, collector: &Collector) -> Program {
    let program = Program::on(database)
        .env("GLASSHOUSE_TRACES__ENDPOINT", &collector.endpoint())
        .env("GLASSHOUSE_TRACES__PROTOCOL", collector.setting())
        .env("GLASSHOUSE_TRACES__SAMPLE_RATIO", "0.01");
    SMALL_POOL
        .iter()
        .fold(program, |program, (name, value)| program.env(name, value))
}

/// What stands there already: a setting that was renamed or removed is none of ours to add.
#[track_caller]
fn at_key<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    value
        .get_mut(key)
        .unwrap_or_else(|| panic!("prometheus.yml has no {key} any more"))
}

/// `static_configs` for this address, found under this name.
fn targets(address: &str, name: Option<&str>) -> Value {
    let name = name.map_or(String::new(), |name| {
        format!(", labels: {{__meta_dns_name: {name}}}")
    });
    yaml("targets", &format!("[{{targets: [\"{address}\"]{name}}}]"))
}
