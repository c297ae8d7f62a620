//! What systemd is told through `NOTIFY_SOCKET`: ready, alive, how it is, stopping. The socket is the test's own.

use std::time::Duration;

use tokio::net::UnixDatagram;

use crate::shop::assert_ended_in_order;
use crate::support::database::{Backend, TestDatabase};
use crate::support::process::Program;

/// Longest wait for anything that must come, on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Reads what it is told until this line is among it; all lines since the last call.
async fn told(socket: &UnixDatagram, awaited: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    while !all.iter().any(|line| line == awaited) {
        let mut bytes = [0; 1024];
        let read = tokio::time::timeout(SOON, socket.recv(&mut bytes)).await;
        let Ok(length) = read else {
            panic!("{awaited} did not come; {all:?} did");
        };
        let text = String::from_utf8_lossy(&bytes[..length.unwrap()]).into_owned();
        all.extend(text.lines().map(str::to_owned));
    }
    all
}

#[actix_web::test]
async fn systemd_is_told_of_readiness_life_and_the_end() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let path = database.folder().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let program = Program::on(&database)
        .env("NOTIFY_SOCKET", &path.display().to_string())
        .env("WATCHDOG_USEC", "400000")
        .env("GLASSHOUSE_SHUTDOWN__DRAIN_DELAY", "500ms");
    let mut process = program.serve().await;
    // Not before both listeners are there: they are, when `READY=1` has come.
    let start = told(&socket, "READY=1").await;
    assert!(!start.contains(&"STOPPING=1".to_owned()), "{start:?}");
    told(&socket, "STATUS=ready (ok)").await;
    let began = std::time::Instant::now();
    for _ in 0..5 {
        told(&socket, "WATCHDOG=1").await;
    }
    // Five at half of its interval; a late start of the clock may save one.
    assert!(began.elapsed() > Duration::from_millis(600));

    process.admin().post("/ready/hold").send().await.expect(200);
    told(&socket, "STATUS=not ready: hold (held)").await;
    process.signal("TERM");
    let stopping = told(&socket, "STOPPING=1").await;
    assert!(!stopping.contains(&"READY=1".to_owned()), "{stopping:?}");
    // It is fed while it drains, or a long drain would be taken for a hang.
    told(&socket, "WATCHDOG=1").await;
    assert_ended_in_order(&process.wait_exit(SOON).await);
}

#[actix_web::test]
async fn a_manager_that_is_gone_is_no_failure() {
    let database = TestDatabase::empty(Backend::Sqlite);
    let path = database.folder().join("nobody");
    let mut process = Program::on(&database)
        .env("NOTIFY_SOCKET", &path.display().to_string())
        .serve()
        .await;
    let warned = process.logged("systemd notification failed").await;
    assert_eq!(warned["level"], "WARN");
    process.signal("TERM");
    assert_ended_in_order(&process.wait_exit(SOON).await);
}
