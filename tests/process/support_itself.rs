//! The test support itself: what all tests stand on must be seen to work, and to notice what it is there to notice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::{Connection as _, PgConnection};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::database::{Backend, TestDatabase};
use crate::support::eventually::eventually;
use crate::support::json::{assert_fields, assert_problem};
use crate::support::metrics::Metrics;
use crate::support::on_both;
use crate::support::postgres::PrivateCluster;
use crate::support::process::Program;
use crate::support::proxy::{Mode, Proxy};
use crate::support::raw::{End, Raw};
use crate::support::test_app::TestApp;

/// For what happens within milliseconds when it happens at all.
const SOON: Duration = Duration::from_secs(10);

on_both!(a_service_in_this_process_is_used_by_name);
async fn a_service_in_this_process_is_used_by_name(app: TestApp) {
    let product = app.product("LAMP-1", 10).await;
    let account = app.register("buyer@example.com").await;
    app.place_order(&account, &product, 2).await.expect(201);
    let rows = "SELECT count(*) AS number FROM orders";
    assert_eq!(app.database().number(rows), 1);
    let metrics = app.metrics().await;
    let created = metrics.value("orders_created_total", &[("product_type", "physical")]);
    assert!((created - 1.0).abs() < f64::EPSILON, "{created}");
}

on_both!(options_reach_the_service, |settings| settings
    .server
    .body_limit = 10);
async fn options_reach_the_service(app: TestApp) {
    let call = app
        .post("/api/v1/accounts")
        .json(&json!({"email": "longer"}));
    assert_problem(&call.send().await, 413, "body_too_large");
    let call = app.post("/api/v1/accounts").json(&json!({"a": 1}));
    let problem = assert_problem(&call.send().await, 422, "invalid_body");
    assert_fields(&problem, &["a"]);
}

on_both!(a_database_begins_empty);
async fn a_database_begins_empty(database: Arc<TestDatabase>) {
    database.execute("CREATE TABLE orders (id BIGINT); INSERT INTO orders VALUES (1), (2)");
    let rows = "SELECT count(*) AS number FROM orders";
    assert_eq!(database.number(rows), 2);
    assert_eq!(
        database.file().is_some(),
        database.backend() == Backend::Sqlite
    );
}

on_both!(a_program_serves_logs_and_ends);
async fn a_program_serves_logs_and_ends(database: Arc<TestDatabase>) {
    let mut process = Program::on(&database).serve().await;
    process
        .public()
        .get("/health/live")
        .send()
        .await
        .expect(200);
    process.admin().metrics().await.value("build_info", &[]);
    process.signal("TERM");
    let finished = process.wait_exit(SOON).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");

    let finished = Program::on(&database).args(&["no-such-command"]).run();
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("no-such-command"), "{finished:?}");
}

#[actix_web::test]
async fn a_cluster_of_postgres_is_paused_stopped_and_crashes() {
    let mut cluster = PrivateCluster::start().await;
    let url = cluster.url();
    let answers = || PgConnection::establish(&format!("{url}?connect_timeout=2"));
    answers().unwrap();

    cluster.pause();
    let asked = Instant::now();
    assert!(answers().is_err());
    assert!(
        asked.elapsed() > Duration::from_secs(1),
        "it was refused, not left waiting"
    );
    cluster.resume();
    answers().unwrap();

    cluster.stop();
    let asked = Instant::now();
    assert!(answers().is_err());
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "it was left waiting, not refused"
    );
    cluster.start_again().await;
    answers().unwrap();
    cluster.restart_immediate().await;
    answers().unwrap();
    cluster.end_by("INT").await;
    assert!(answers().is_err());
    cluster.start_again().await;
    answers().unwrap();
    cluster.pause(); // and it can be dropped like that
}

/// Answers each connection with these bytes, closes it, and forgets it.
async fn answering(bytes: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    actix_web::rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(bytes.as_bytes()).await.unwrap();
        }
    });
    address
}

#[actix_web::test]
async fn answers_by_hand_are_told_apart() {
    let all = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n\
               HTTP/1.1 204 No Content\r\nX-Last: yes\r\n\r\nHTTP/1.1 409 Conflict\r\nContent-Length: 3\r\n\r\nabcrest";
    let mut raw = Raw::connect(answering(all).await).await;
    let first = raw.response().await.unwrap();
    assert_eq!((first.status, first.text().as_str()), (200, "abcde"));
    assert_eq!(raw.response().await.unwrap().header("x-last"), Some("yes"));
    let third = raw.response().await.unwrap();
    assert_eq!((third.status, third.text().as_str()), (409, "abc"));
    assert_eq!(raw.rest().await, (b"rest".to_vec(), End::Closed));
}

#[actix_web::test]
async fn a_proxy_forwards_freezes_and_cuts() {
    let target = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let proxy = Proxy::to(target).await;
    let mut raw = Raw::connect(proxy.address()).await;
    assert_eq!(raw.response().await.unwrap().text(), "hi");

    proxy.set(Mode::Freeze);
    let mut late = Raw::connect(proxy.address()).await;
    assert!(late.is_silent_for(Duration::from_millis(200)).await);
    proxy.set(Mode::Pass);
    assert_eq!(late.response().await.unwrap().text(), "hi");

    for mode in [Mode::Cut, Mode::TurnAway] {
        proxy.set(mode);
        let mut refused = Raw::connect(proxy.address()).await;
        assert_eq!(refused.rest().await, (vec![], End::Reset));
    }
    assert_eq!(
        proxy.url(&format!("postgres://a:b@{target}/c")),
        format!("postgres://a:b@{}/c", proxy.address())
    );
}

#[actix_web::test]
async fn a_proxy_holds_answers_back_and_cuts_within_them() {
    let target = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let proxy = Proxy::to(target).await;
    proxy.set(Mode::Mute);
    let mut unanswered = Raw::connect(proxy.address()).await;
    assert!(unanswered.is_silent_for(Duration::from_millis(200)).await);
    // What is open goes on when others are turned away.
    proxy.set(Mode::TurnAway);
    assert_eq!(unanswered.response().await.unwrap().text(), "hi");

    proxy.set(Mode::CutAfter(9));
    let mut cut = Raw::connect(proxy.address()).await;
    assert_eq!(cut.rest().await, (b"HTTP/1.1 ".to_vec(), End::Reset));
}

#[actix_web::test]
async fn waiting_ends_with_what_is_found() {
    let mut left = 3;
    let found = eventually("the third look", SOON, async || {
        left -= 1;
        if left == 0 { Ok("it") } else { Err(left) }
    });
    assert_eq!(found.await, "it");
}

#[actix_web::test]
#[should_panic(expected = "waited 20ms for a miracle; seen last: \"only this\"")]
async fn waiting_fails_with_what_was_awaited_and_what_was_seen() {
    let look = async || Err::<(), _>("only this");
    eventually("a miracle", Duration::from_millis(20), look).await;
}

#[test]
fn a_scrape_is_read() {
    let text = "# HELP a_total What.\n# TYPE a_total counter\na_total{path=\"/x,{y}\",q=\"\\\"\\\\\\n\"} 3\na_total{path=\"/z\"} 4\n\
                # TYPE b gauge\nb 1.5\nc_bucket{le=\"+Inf\"} +Inf\n";
    let metrics = Metrics::parse(text);
    let odd = [("path", "/x,{y}"), ("q", "\"\\\n")];
    assert!((metrics.value("a_total", &odd) - 3.0).abs() < f64::EPSILON);
    assert!((metrics.sum("a_total", &[]) - 7.0).abs() < f64::EPSILON);
    assert!((metrics.value("b", &[]) - 1.5).abs() < f64::EPSILON);
    assert!(metrics.value("c_bucket", &[("le", "+Inf")]).is_infinite());
    assert_eq!(
        (
            metrics.series_count(None),
            metrics.series_count(Some("a_total"))
        ),
        (4, 2)
    );
    assert_eq!(metrics.names(), ["a_total", "b"]);
}

#[test]
fn promtool_is_asked() {
    let good = "# HELP a_total What.\n# TYPE a_total counter\na_total 1\n";
    assert_eq!(Metrics::parse(good).complaints(), "");
    assert_ne!(Metrics::parse("# TYPE a counter\na 1\n").complaints(), "");
}
