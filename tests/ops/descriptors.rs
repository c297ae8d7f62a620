//! More clients than file descriptors: who is one too many is told so, the admin listener answers, and a process that has
//! none left waits for some instead of spinning.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::net::TcpStream;

use crate::support::app::raise_descriptors;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::process::Program;

const SOON: Duration = Duration::from_secs(20);

/// Clients that come at once.
const CROWD: u32 = 1_100;

const REQUEST: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

#[actix_web::test]
async fn with_more_clients_than_descriptors_the_admin_listener_is_reachable() {
    raise_descriptors();
    let database = TestDatabase::migrated(Backend::Sqlite);
    let program = Program::on(&database).with_descriptors(1_024);
    let program = program.env("GLASSHOUSE_SERVER__HEADER_TIMEOUT", "60s");
    let process = program.serve().await;
    let said = "fewer connections than server.max_connections: too few file descriptors";
    let said = process.logged(said).await;
    assert_eq!(said["process.max_fds"], 1_024);
    assert_eq!(said["server.max_connections"], 10_000);
    let room = said["server.connections"].as_f64().expect("a number");
    assert!((256.0..1_024.0).contains(&room), "{room}");

    let (public, admin) = (process.public(), process.admin());
    let connect = async |_| {
        TcpStream::connect(public.address())
            .await
            .expect("it listens")
    };
    let crowd = join_all((0..CROWD).map(connect)).await;
    eventually("each to have its place or none", SOON, async || {
        let metrics = admin.metrics().await;
        let open = metrics.value("http_connections_open", &[]);
        let refused = metrics.value("http_connections_closed_total", &[("reason", "limit")]);
        let all = (open - room).abs() < 0.1 && (open + refused - f64::from(CROWD)).abs() < 0.1;
        all.then_some(()).ok_or((open, refused))
    })
    .await;
    for _ in 0..10 {
        admin.get("/health/ready").send().await.expect(200);
    }
    drop(crowd);
    eventually("places", SOON, async || {
        admin.metrics().await.value("http_connections_open", &[]) < 0.5
    })
    .await;
    public.get("/health/ready").send().await.expect(200);
}

/// Lets it have so many from now on.
fn allow(pid: u32, descriptors: usize) {
    let mut prlimit = Command::new("prlimit");
    prlimit.args([
        "--pid",
        &pid.to_string(),
        &format!("--nofile={descriptors}:"),
    ]);
    let status = prlimit.status().expect("`prlimit` is a part of util-linux");
    assert!(status.success());
}

/// The number of the next descriptor. The limit is one of numbers.
fn lowest_free(pid: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let names = open.map(|entry| entry.expect("an entry").file_name());
    let numbers: Vec<usize> = names
        .map(|name| name.to_str().expect("digits").parse().expect("digits"))
        .collect();
    let mut all = 0..=numbers.len();
    all.find(|number| !numbers.contains(number)).expect("one")
}

/// Seconds on the CPU so far, in hundredths.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let fields: Vec<_> = fields.split_whitespace().collect();
    let number = |at: usize| fields[at - 3].parse::<u64>().expect("a number");
    number(14) + number(15)
}

#[actix_web::test]
async fn a_process_without_a_descriptor_left_does_not_spin_and_recovers() {
    let database = TestDatabase::migrated(Backend::Sqlite);
    let process = Program::on(&database).serve().await;
    let mut kept = process.public().raw().await;
    kept.send(REQUEST).await;
    assert_eq!(kept.response().await.expect("an answer").status, 200);
    allow(process.pid(), lowest_free(process.pid()));

    let mut waiting = process.public().raw().await;
    waiting.send(REQUEST).await;
    let (since, before) = (Instant::now(), ticks(process.pid()));
    assert!(waiting.is_silent_for(Duration::from_secs(3)).await);
    // Who is there already does not notice.
    kept.send(REQUEST).await;
    assert_eq!(kept.response().await.expect("an answer").status, 200);
    let (took, lasted) = (ticks(process.pid()) - before, since.elapsed());
    println!("{took} hundredths of a second on the CPU in {lasted:?} without a descriptor");
    assert!(
        u128::from(took) * 10 < lasted.as_millis() / 10,
        "{took} in {lasted:?}"
    );

    allow(process.pid(), 1_024);
    assert_eq!(waiting.response().await.expect("an answer").status, 200);
}
