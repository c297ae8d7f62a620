//! Rate limits that replicas count together in a Redis, and what each of them does while it is away: the real program and
//! the real Redis, which is stopped, ended, filled and started again.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::Client as RedisClient;
use serde_json::{Value, json};

use crate::probes::{check, ready};
use crate::support::client::Answer;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::process::{Process, Program};
use crate::support::processes::signal;

const SOON: Duration = Duration::from_secs(20);

/// Far above what a request waits for a Redis that does not answer, far below what would be a hanging one.
const PROMPT: Duration = Duration::from_secs(3);

/// A Redis on a port of its own, which it keeps when it is started again.
struct Redis {
    port: u16,
    server: Child,
}

impl Redis {
    async fn start() -> Self {
        let port = free_port();
        let redis = Self {
            port,
            server: serve(port),
        };
        redis.answers().await;
        redis
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn signal(&self, name: &str) {
        signal(&[self.server.id()], name);
    }

    fn end(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    async fn start_again(&mut self) {
        self.server = serve(self.port);
        self.answers().await;
    }

    async fn answers(&self) {
        eventually("Redis to answer", SOON, async || self.connection().ok()).await;
    }

    fn connection(&self) -> redis::RedisResult<redis::Connection> {
        let mut connection = RedisClient::open(self.url())?.get_connection()?;
        let () = redis::cmd("PING").query(&mut connection)?;
        Ok(connection)
    }

    /// Every key, with the seconds that are left to it.
    fn keys(&self) -> Vec<(String, i64)> {
        let mut connection = self.connection().unwrap();
        let names: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        let mut left = |name: &str| {
            let seconds = redis::cmd("TTL").arg(name).query(&mut connection);
            seconds.unwrap()
        };
        names
            .into_iter()
            .map(|name| (name.clone(), left(&name)))
            .collect()
    }

    fn configure(&self, what: &str, value: &str) {
        let mut connection = self.connection().unwrap();
        let mut order = redis::cmd("CONFIG");
        let () = order
            .arg("SET")
            .arg(what)
            .arg(value)
            .query(&mut connection)
            .unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended_before = self.server.kill();
        let _code = self.server.wait();
    }
}

fn serve(port: u16) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("redis-server: {error}; `make setup` installs it"))
}

fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(10_000..30_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A replica, ready, whose log-ins are limited: so many at once, and then at this rate.
async fn replica(database: &TestDatabase, redis: &str, burst: u32, rate: &str) -> Process {
    let process = Program::on(database)
        .env("GLASSHOUSE_RATE_LIMIT__REDIS_URL", redis)
        .env("GLASSHOUSE_RATE_LIMIT__LOGIN__RATE", rate)
        .env("GLASSHOUSE_RATE_LIMIT__LOGIN__BURST", &burst.to_string())
        .serve()
        .await;
    ready(&process.public()).await;
    process
}

/// Guesses the password of this account.
async fn guess(replica: &Process, email: &str) -> Answer {
    let body = json!({"email": email, "password": "a wrong guess"});
    let call = replica.public().post("/api/v1/sessions").json(&body);
    let asked = Instant::now();
    let answer = call.send().await;
    assert!(asked.elapsed() < PROMPT, "{:?}", asked.elapsed());
    answer
}

/// How many requests it had to count for itself.
async fn fallbacks(replica: &Process) -> f64 {
    let metrics = replica.admin().metrics().await;
    metrics.value("rate_limit_fallbacks_total", &[("policy", "login")])
}

/// What `/health` says of Redis: the word, and the reason.
async fn said(replica: &Process) -> (String, Option<String>) {
    let answer = replica.public().get("/health").send().await.expect(200);
    let body = answer.json();
    let redis = check(&body, "redis").expect("a check of Redis");
    let word = |value: &Value| value.as_str().map(str::to_owned);
    (word(&redis["status"]).unwrap(), word(&redis["reason"]))
}

async fn until_it_says(replica: &Process, status: &str, reason: Option<&str>) {
    let expected = (status.to_owned(), reason.map(str::to_owned));
    eventually(&format!("{expected:?}"), SOON, async || {
        let said = said(replica).await;
        if said == expected { Ok(()) } else { Err(said) }
    })
    .await;
}

#[actix_web::test]
async fn replicas_with_one_redis_count_together() {
    let (one, other) = (
        TestDatabase::migrated(Backend::Sqlite),
        TestDatabase::migrated(Backend::Sqlite),
    );
    let redis = Redis::start().await;
    // One more in 1,200 seconds: no slow machine refills it.
    let one = replica(&one, &redis.url(), 3, "3/h").await;
    let other = replica(&other, &redis.url(), 3, "3/h").await;
    let email = "somebody@example.com";
    for replica in [&one, &other, &one] {
        assert_problem(&guess(replica, email).await, 401, "invalid_credentials");
    }
    for replica in [&one, &other] {
        let refused = guess(replica, email).await;
        assert_problem(&refused, 429, "rate_limited");
        assert_eq!(
            refused.header("ratelimit-policy"),
            Some("\"login\";q=3;w=3600")
        );
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1_000..=1_200).contains(&wait), "{wait}");
        assert_eq!(
            refused.header("ratelimit"),
            Some(&*format!("\"login\";r=0;t={wait}"))
        );
        assert!(fallbacks(replica).await.abs() < 0.1);
    }
    // One for the address and one for the account, which nobody can read there; and each goes away by itself.
    let keys = redis.keys();
    let of_login = keys
        .iter()
        .filter(|(name, _)| name.starts_with("glasshouse:limit:login:"));
    assert_eq!(of_login.count(), 2, "{keys:?}");
    for (name, left) in &keys {
        assert!(!name.contains("example") && !name.contains("127"), "{name}");
        assert!((0..=3_600).contains(left), "{name} lives for {left} s");
    }
}

#[actix_web::test]
async fn a_refused_guess_takes_from_no_bucket_in_redis() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let redis = Redis::start().await;
    let replica = replica(&database, &redis.url(), 2, "2/h").await;
    for email in ["one@example.com", "one@example.com", "two@example.com"] {
        guess(&replica, email).await;
    }
    let of_accounts = redis.keys().len();
    // The address is used up: the third account has lost nothing to it.
    assert_problem(
        &guess(&replica, "three@example.com").await,
        429,
        "rate_limited",
    );
    assert_eq!(redis.keys().len(), of_accounts);
}

#[actix_web::test]
async fn a_bucket_in_redis_fills_at_its_rate_and_no_faster() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let redis = Redis::start().await;
    let replica = replica(&database, &redis.url(), 4, "4/s").await;
    let (began, mut allowed, mut refused) = (Instant::now(), 0.0, 0);
    // Until twice as many came in as the bucket held at first, and one did not.
    while allowed < 8.0 || refused == 0 {
        if guess(&replica, "somebody@example.com").await.status == 429 {
            refused += 1;
        } else {
            allowed += 1.0;
        }
        assert!(began.elapsed() < SOON, "{allowed} and {refused}");
    }
    let most = 4.0 + 4.0 * began.elapsed().as_secs_f64() + 1.0;
    assert!(allowed <= most, "{allowed} of {most}");
    assert!(fallbacks(&replica).await.abs() < 0.1);
}

#[actix_web::test]
async fn while_redis_is_away_each_replica_limits_for_itself_and_says_so() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let mut redis = Redis::start().await;
    let replica = replica(&database, &redis.url(), 3, "3/h").await;
    until_it_says(&replica, "pass", None).await;

    redis.signal("STOP");
    for _ in 0..3 {
        assert_eq!(guess(&replica, "stopped@example.com").await.status, 401);
    }
    assert_eq!(guess(&replica, "stopped@example.com").await.status, 429);
    until_it_says(&replica, "warn", Some("limits_in_memory")).await;
    ready(&replica.public()).await;
    let line = replica.logged("health check degraded").await;
    assert_eq!(line["check.name"], "redis");
    assert!(line["error"].is_string(), "{line}");
    assert!(fallbacks(&replica).await >= 4.0);
    redis.signal("CONT");
    until_it_says(&replica, "pass", None).await;

    redis.end();
    until_it_says(&replica, "warn", Some("limits_in_memory")).await;
    // It has counted that account's address in memory before.
    assert_eq!(guess(&replica, "ended@example.com").await.status, 429);
    redis.start_again().await;
    until_it_says(&replica, "pass", None).await;
    let before = fallbacks(&replica).await;
    assert_eq!(guess(&replica, "back@example.com").await.status, 401);
    assert!((fallbacks(&replica).await - before).abs() < 0.1);
}

#[actix_web::test]
async fn a_redis_that_takes_no_writes_is_as_good_as_none() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let redis = Redis::start().await;
    let replica = replica(&database, &redis.url(), 3, "3/h").await;
    redis.configure("maxmemory", "1");
    until_it_says(&replica, "warn", Some("limits_in_memory")).await;
    assert_eq!(guess(&replica, "full@example.com").await.status, 401);
    redis.configure("maxmemory", "0");
    until_it_says(&replica, "pass", None).await;
}

#[actix_web::test]
async fn a_redis_that_is_not_there_holds_up_no_start() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let nobody = format!("redis://:hunter2-canary@127.0.0.1:{}/", free_port());
    let replica = replica(&database, &nobody, 1, "1/h").await;
    until_it_says(&replica, "warn", Some("limits_in_memory")).await;
    assert_eq!(guess(&replica, "early@example.com").await.status, 401);
    assert_eq!(guess(&replica, "early@example.com").await.status, 429);
    assert!(!replica.said().contains("hunter2-canary"));
}
