//! The file of SQLite and what may happen to it while the service runs: no room for it to grow, or another file in its place.

use std::process::Command;
use std::time::Duration;

use crate::probes::{check, ready};
use crate::support::app;
use crate::support::client::PASSWORD;
use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::assert_problem;
use crate::support::process::Program;
use crate::support::test_app::TestApp;

const SOON: Duration = Duration::from_secs(20);

/// Lets no file of the process grow beyond so many bytes; what is longer already can be read and not be written.
fn let_files_grow_to(pid: u32, most: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit.args(["--pid", &pid.to_string(), &format!("--fsize={most}:")]);
    let status = prlimit.status().expect("`prlimit` is a part of util-linux");
    assert!(status.success());
}

#[actix_web::test]
async fn without_room_to_write_it_is_read_and_all_is_well_once_there_is_some_again() {
    let database = TestDatabase::empty(Backend::Sqlite);
    // The signal that says so would end it; a disk that is full sends none.
    let process = Program::on(&database).ignoring("XFSZ").serve().await;
    let client = process.public();
    app::create_operator(&database, "operator@example.com", PASSWORD);
    let operator = client.login("operator@example.com").await;
    let product = client.create_product(&operator, "LAMP-1", 100).await;
    let mut placed = 0;
    for _ in 0..5 {
        client.place_order(&operator, &product, 1).await.expect(201);
        placed += 1;
    }

    let_files_grow_to(process.pid(), "1");
    for _ in 0..5 {
        let refused = client.place_order(&operator, &product, 1).await;
        assert_problem(&refused, 503, "database_read_only");
        assert!(refused.header("retry-after").is_some());
        let path = format!("/api/v1/products/{product}");
        let shown = client.get(&path).send().await.expect(200).json();
        assert_eq!(shown["stock"], 100 - placed);
    }
    client.get("/health/live").send().await.expect(200);
    client.get("/health/ready").send().await.expect(200);

    let_files_grow_to(process.pid(), "unlimited");
    for _ in 0..5 {
        client.place_order(&operator, &product, 1).await.expect(201);
        placed += 1;
    }
    let orders = "SELECT count(*) AS number FROM orders";
    assert_eq!(database.number(orders), placed);
    let whole = "SELECT integrity_check AS text FROM pragma_integrity_check";
    assert_eq!(database.texts(whole), ["ok"]);
}

#[actix_web::test]
async fn another_file_in_its_place_takes_the_service_out_of_rotation() {
    let app = TestApp::start(Backend::Sqlite, |_| {}).await;
    ready(app.client()).await;
    let file = app.database().file().expect("a file");
    let away = file.with_extension("away");
    std::fs::rename(&file, &away).unwrap();
    std::fs::copy(&away, &file).unwrap();
    // What would be written now would go to the file that nobody finds any more, so it is refused at once.
    let body = serde_json::json!({"email": "late@example.com", "password": PASSWORD, "display_name": "Late"});
    let refused = app.post("/api/v1/accounts").json(&body).send().await;
    assert_problem(&refused, 503, "database_unavailable");
    eventually("the service to notice", SOON, async || {
        let answer = app.get("/health/ready").send().await;
        let body = answer.json();
        let reason = check(&body, "database").map(|check| check["reason"].clone());
        let noticed = answer.status == 503 && reason == Some("refused".into());
        noticed.then_some(()).ok_or(body)
    })
    .await;
    app.get("/health/live").send().await.expect(200);
    // The same file again is as good as before.
    std::fs::rename(&away, &file).unwrap();
    ready(app.client()).await;
    assert!(app.stop().await);
}
