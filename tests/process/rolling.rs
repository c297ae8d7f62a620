//! Rolling restarts behind a load balancer, as deployments do them: one instance after the other is asked to end and started
//! anew, while buyers place orders through the balancer. HAProxy watches readiness and sends nothing twice; nginx watches
//! nothing and sends again what carries an Idempotency-Key. Both run with the configuration that is committed in `deploy/`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::app;
use crate::support::client::{Account, Client, PASSWORD};
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::{eventually, eventually_or_never};
use crate::support::process::{Process, Program};
use crate::support::processes::signal;

/// How often an instance is replaced.
const ROLLS: usize = 10;

/// Buyers at once.
const BUYERS: usize = 6;

/// For what takes a second or two, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Long enough for two failed checks, half a second apart.
const DRAIN: &str = "2s";

#[actix_web::test]
async fn ten_rolling_restarts_behind_haproxy_lose_no_post_postgres() {
    roll(Balancer::Haproxy).await;
}

#[actix_web::test]
async fn ten_rolling_restarts_behind_nginx_lose_no_keyed_post_postgres() {
    roll(Balancer::Nginx).await;
}

/// Which one stands before the instances.
#[derive(Debug, Clone, Copy)]
enum Balancer {
    Haproxy,
    Nginx,
}

async fn roll(balancer: Balancer) {
    let database = Arc::new(TestDatabase::migrated(Backend::Postgres));
    app::create_operator(&database, "operator@example.com", PASSWORD);
    let (ports, entry) = ([free_port(), free_port()], free_port());
    let mut instances = [
        instance(&database, ports[0]).serve().await,
        instance(&database, ports[1]).serve().await,
    ];
    let client = instances[0].public();
    let operator = client.login("operator@example.com").await;
    let product = client.create_product(&operator, "LAMP-1", 1_000_000).await;
    let buyer = client.register("buyer@example.com").await;

    let _balancer = Running::start(balancer, database.folder(), ports, entry);
    let through = Client::new(SocketAddr::from((Ipv4Addr::LOCALHOST, entry)));
    open(&through).await;
    let crowd = Crowd::let_in(&through, &buyer, &product);
    for turn in 0..ROLLS {
        let which = turn % instances.len();
        crowd.has_bought_more().await;
        instances[which].signal("TERM");
        let ended = instances[which].wait_exit(SOON).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        instances[which] = instance(&database, ports[which]).serve().await;
        // A deployment goes on when the new one has taken its share.
        serves(&instances[which]).await;
    }
    crowd.has_bought_more().await;
    let orders = crowd.leave().await;

    println!(
        "{balancer:?}: {ROLLS} restarts, {} orders, none failed",
        orders.len()
    );
    // None lost, none doubled: what was acknowledged is what there is.
    let found = database.texts("SELECT id::text AS text FROM orders");
    assert_eq!(found.len(), orders.len());
    assert_eq!(BTreeSet::from_iter(found), orders);
}

/// An instance that always has this port, and the secret of its siblings.
fn instance(database: &TestDatabase, port: u16) -> Program {
    Program::on(database)
        .env("GLASSHOUSE_SERVER__PORT", &port.to_string())
        .env(
            "GLASSHOUSE_AUTH__JWT_SECRET",
            "the-same-secret-for-all-instances",
        )
        .env("GLASSHOUSE_SHUTDOWN__DRAIN_DELAY", DRAIN)
        // A busy machine is no reason to refuse an order here.
        .env("GLASSHOUSE_DATABASE__WAIT_TIMEOUT", "10s")
        .env("GLASSHOUSE_DATABASE__STATEMENT_TIMEOUT", "11s")
        .env("GLASSHOUSE_DATABASE__DEADLINE", "12s")
}

/// Waits until the balancer lets requests through.
async fn open(through: &Client) {
    eventually("the balancer to be open", SOON, async || {
        let answer = through.get("/health/live").try_send().await;
        answer.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

/// Waits until this instance has placed an order, so that it has its share again.
async fn serves(instance: &Process) {
    let admin = instance.admin();
    eventually("the new instance to get orders", SOON, async || {
        let placed = [
            ("method", "POST"),
            ("path", "/api/v1/orders"),
            ("status", "201"),
        ];
        admin.metrics().await.sum("http_requests_total", &placed) > 0.0
    })
    .await;
}

/// Buyers who order without a pause until they are told to leave.
struct Crowd {
    notes: Rc<Notes>,
    buyers: JoinSet<()>,
}

/// What they were answered.
#[derive(Default)]
struct Notes {
    orders: RefCell<BTreeSet<String>>,
    failures: RefCell<Vec<String>>,
    leaving: std::cell::Cell<bool>,
}

impl Crowd {
    fn let_in(through: &Client, buyer: &Account, product: &str) -> Self {
        let (notes, mut buyers) = (Rc::new(Notes::default()), JoinSet::new());
        for name in 0..BUYERS {
            let (notes, through, buyer) = (Rc::clone(&notes), through.clone(), buyer.clone());
            let body = json!({"items": [{"product_id": product, "quantity": 1}]});
            buyers.spawn_local(async move {
                let mut number = 0;
                while !notes.leaving.get() {
                    number += 1;
                    let call = through.post("/api/v1/orders").token(&buyer);
                    let call = call.key(&format!("buyer-{name}-{number}")).json(&body);
                    notes.take(call.try_send().await);
                }
            });
        }
        Self { notes, buyers }
    }

    /// Waits until some more has been bought.
    async fn has_bought_more(&self) {
        let before = self.notes.orders.borrow().len();
        eventually("more orders", SOON, async || {
            let (orders, failures) = (self.notes.orders.borrow(), self.notes.failures.borrow());
            assert!(failures.is_empty(), "{failures:?}");
            orders.len() > before + 10
        })
        .await;
    }

    /// Lets each finish what it is at: the orders that were acknowledged. Every request must have been.
    async fn leave(mut self) -> BTreeSet<String> {
        self.notes.leaving.set(true);
        while let Some(ended) = self.buyers.join_next().await {
            ended.expect("no buyer panics");
        }
        let failures = self.notes.failures.borrow();
        assert!(failures.is_empty(), "{failures:?}");
        self.notes.orders.borrow().clone()
    }
}

impl Notes {
    fn take(&self, answer: Result<crate::support::client::Answer, reqwest::Error>) {
        match answer {
            Ok(answer) if answer.status == 201 => {
                let id = answer.json()["id"].as_str().expect("an id").to_owned();
                self.orders.borrow_mut().insert(id);
            }
            Ok(answer) => {
                let failure = format!("{} {}", answer.status, answer.text());
                self.failures.borrow_mut().push(failure);
            }
            Err(error) => self.failures.borrow_mut().push(format!("{error:?}")),
        }
    }
}

/// A port that is free and stays so while nobody listens on it: below those that the kernel gives to outgoing connections.
fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(10_000..30_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A balancer that ends with its value. What it says is shown when the test fails.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it with its committed configuration, in which names and ports of the compose stack become those of this test.
    fn start(balancer: Balancer, folder: &Path, instances: [u16; 2], entry: u16) -> Self {
        let (mut command, file, text) = match balancer {
            Balancer::Haproxy => {
                let file = folder.join("haproxy.cfg");
                let mut command = Command::new("haproxy");
                command.args(["-db", "-f"]).arg(&file);
                (command, file, haproxy(instances, entry))
            }
            Balancer::Nginx => {
                let file = folder.join("nginx.conf");
                let mut command = Command::new("nginx");
                command
                    .arg("-p")
                    .arg(folder)
                    .arg("-c")
                    .arg(&file)
                    .args(["-g", "daemon off;"]);
                (command, file, nginx(instances, entry))
            }
        };
        std::fs::write(&file, text).unwrap();
        let log = folder.join("balancer.log");
        let said = File::create(&log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said);
        let child = command.spawn();
        let child =
            child.unwrap_or_else(|error| panic!("{balancer:?}: {error}; `make setup` installs it"));
        Self { child, log }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked, and not killed: nginx has workers.
        signal(&[self.child.id()], "TERM");
        let ended = || matches!(self.child.try_wait(), Ok(Some(_)));
        eventually_or_never(SOON, ended);
        let _ended_before = self.child.kill();
        let _code = self.child.wait();
        if std::thread::panicking() {
            println!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// The stack's own, without its third replica, and without a resolver for names that are addresses here.
fn haproxy(instances: [u16; 2], entry: u16) -> String {
    let committed = read("deploy/haproxy/haproxy.cfg");
    let resolvers = committed.find("resolvers engine").expect("resolvers");
    let frontend = committed.find("frontend public").expect("a frontend");
    let kept = committed[..resolvers].to_owned() + &committed[frontend..];
    let [first, second] = instances.map(|port| format!("127.0.0.1:{port}"));
    changed(
        &kept,
        &[
            (" resolvers engine init-addr none resolve-prefer ipv4", ""),
            ("server app app:8080", &format!("server app {first}")),
            ("server app-2 app-2:8080", &format!("server app-2 {second}")),
            ("    server app-3 app-3:8080\n", ""),
            ("bind :8080", &format!("bind 127.0.0.1:{entry}")),
            ("bind :8405", &format!("bind 127.0.0.1:{}", free_port())),
        ],
    )
}

fn nginx(instances: [u16; 2], entry: u16) -> String {
    let [first, second] = instances.map(|port| format!("127.0.0.1:{port}"));
    changed(
        &read("deploy/nginx/nginx.conf"),
        &[
            ("server app:8080", &format!("server {first}")),
            ("server app-2:8080", &format!("server {second}")),
            ("listen 8080", &format!("listen 127.0.0.1:{entry}")),
        ],
    )
}

/// The text with all of this replaced, each of which must be there.
#[track_caller]
fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not there any more");
        text.replacen(from, to, 1)
    })
}

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
