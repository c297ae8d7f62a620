//! What is no HTTP, or can be read in more than one way, is refused and the connection closed: a second request behind it on
//! the same connection, the canary, is never reached. Sent to the service itself, and through HAProxy and nginx, where the
//! canary is one that the proxy lets nobody send.
//!
//! What is decided for each case is in `table`, and for people in docs/http.md.

mod exchange;
mod fronts;
mod table;

use std::time::{Duration, Instant};

use crate::support::database::Backend;
use crate::support::json::assert_problem;
use crate::support::raw::Raw;
use crate::support::test_app::{TestApp, run};

use exchange::{Said, Until, exchange};
use fronts::Front;
use table::{Case, Outcome, cases};

/// Counted by a path and a method that nothing else here has.
const CANARY: &str = "DELETE /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

/// How often the canary was reached.
async fn reached(app: &TestApp) -> f64 {
    let labels = [("method", "DELETE"), ("path", "/health/live")];
    let metrics = app.metrics().await;
    metrics.sum("http_requests_total", &labels)
}

fn until(case: &Case) -> Until {
    match case.outcome {
        Outcome::Refused(_) | Outcome::Closed(_) => Until::Ended,
        Outcome::Swallowed(_) => Until::Answered(1),
        Outcome::Kept(_) => Until::Answered(2),
    }
}

/// What is wrong, if something is.
fn judge(case: &Case, said: &Said, reached: f64) -> Option<String> {
    let (statuses, closed, canaries) = match case.outcome {
        Outcome::Refused(status) | Outcome::Closed(status) => (vec![status], true, 0.0),
        Outcome::Swallowed(status) => (vec![status], false, 0.0),
        Outcome::Kept(status) => (vec![status, 405], false, 1.0),
    };
    let right =
        said.statuses == statuses && said.closed == closed && (reached - canaries).abs() < 0.1;
    (!right).then(|| format!("{}: {said:?}, canary reached {reached} times", case.name))
}

#[test]
fn hostile_http_is_refused_and_a_second_request_behind_it_is_never_reached() {
    run::<TestApp>(
        Backend::Sqlite,
        |_| {},
        async |app| {
            let cases = cases();
            assert!(cases.len() >= 40);
            let mut wrong = Vec::new();
            for case in &cases {
                // What is not closed takes long to fail: a few tell enough.
                if wrong.len() > 2 {
                    break;
                }
                let bytes = [&case.bytes, CANARY.as_bytes()].concat();
                // In one piece, and in pieces of any size: what is refused does not depend on how it came.
                for size in [bytes.len(), 3] {
                    let before = reached(&app).await;
                    let mut stream = exchange::connect(app.address()).await;
                    let said = exchange(&mut stream, &bytes, size, until(case)).await;
                    wrong.extend(judge(case, &said, reached(&app).await - before));
                    if said.is_problem && said.reset {
                        wrong.push(format!("{}: reset behind the answer: {said:?}", case.name));
                    }
                    if matches!(case.outcome, Outcome::Refused(_)) && !said.is_problem {
                        wrong.push(format!("{}: no problem document: {said:?}", case.name));
                    }
                }
            }
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            app.get("/health/ready").send().await.expect(200);
        },
    );
}

#[test]
fn what_was_asked_before_something_hostile_is_answered_first() {
    run::<TestApp>(
        Backend::Sqlite,
        |_| {},
        async |app| {
            let good = "GET /problems/forbidden HTTP/1.1\r\nHost: x\r\n\r\n";
            let bad = "GET / HTTP/1.1\nHost: x\r\n\r\n";
            let mut raw = app.raw().await;
            raw.send(format!("{good}{good}{bad}{CANARY}")).await;
            for _ in 0..2 {
                let answer = raw.response().await.expect("an answer");
                assert_eq!(answer.status, 200);
                assert!(answer.text().contains("forbidden"), "{answer:?}");
            }
            let answer = raw.response().await.expect("an answer");
            assert_problem(&answer.answer(), 400, "malformed_request");
            assert!(raw.rest().await.0.is_empty());
            assert!(reached(&app).await < 0.5);
            let metrics = app.metrics().await;
            let closed = metrics.value("http_connections_closed_total", &[("reason", "malformed")]);
            assert!((closed - 1.0).abs() < 0.1, "{closed}");
        },
    );
}

/// Who is refused and sends no more is not waited for, whether the answer has a body or not.
#[test]
fn a_refused_request_whose_body_does_not_come_ends_with_its_answer() {
    run::<TestApp>(
        Backend::Sqlite,
        |settings| settings.server.body_timeout = Duration::from_mins(1),
        async |app| {
            for method in ["POST", "HEAD"] {
                let begin = Instant::now();
                let mut raw = app.raw().await;
                raw.send(format!(
                    "{method} /api/v1/accounts HTTP/1.1\r\nHost: x, y\r\nTransfer-Encoding: chunked\r\n\r\n"
                ))
                .await;
                let text = String::from_utf8_lossy(&raw.rest().await.0).into_owned();
                assert!(text.starts_with("HTTP/1.1 400 "), "{method}: {text}");
                let took = begin.elapsed();
                assert!(took < Duration::from_secs(15), "{method} took {took:?}");
            }
        },
    );
}

/// Every case through a proxy that keeps its connections to the service for whoever comes next.
async fn behind(app: &TestApp, front: &Front) {
    let mut wrong = Vec::new();
    for case in &cases() {
        let bytes = [&case.bytes, CANARY.as_bytes()].concat();
        let mut stream = front.connect().await;
        let said = exchange(&mut stream, &bytes, bytes.len(), Until::Answered(1)).await;
        let reached = reached(app).await;
        if reached > 0.5 {
            wrong.push(format!("{}: {said:?}, canary reached", case.name));
            break;
        }
        // Who comes next gets the answer to its own question.
        for code in ["forbidden", "not_found", "overloaded"] {
            let ask = format!(
                "GET /problems/{code} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
            );
            let mut stream = front.connect().await;
            let next = exchange(&mut stream, ask.as_bytes(), ask.len(), Until::Ended).await;
            if next.statuses != [200] || !next.text.contains(&format!("\"code\":\"{code}\"")) {
                wrong.push(format!(
                    "{}: {said:?}, then for {code}: {next:?}",
                    case.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_http_reaches_nothing_through_haproxy() {
    run::<TestApp>(
        Backend::Sqlite,
        |_| {},
        async |app| {
            let front = Front::haproxy(app.address(), app.database().folder()).await;
            behind(&app, &front).await;
        },
    );
}

#[test]
fn hostile_http_reaches_nothing_through_nginx() {
    run::<TestApp>(
        Backend::Sqlite,
        |_| {},
        async |app| {
            let front = Front::nginx(app.address(), app.database().folder()).await;
            behind(&app, &front).await;
        },
    );
}

/// A proxy that asks with what its client asked: the canary would be answered if it were sent, so the tests above can fail.
#[test]
fn the_canary_is_reached_where_nothing_stands_in_its_way() {
    run::<TestApp>(
        Backend::Sqlite,
        |_| {},
        async |app| {
            let mut raw = Raw::connect(app.address()).await;
            raw.send(CANARY).await;
            assert_eq!(raw.response().await.expect("an answer").status, 405);
            assert!((reached(&app).await - 1.0).abs() < 0.1);
            for front in [
                Front::haproxy(app.address(), app.database().folder()).await,
                Front::nginx(app.address(), app.database().folder()).await,
            ] {
                let mut stream = front.connect().await;
                let length = CANARY.len();
                let said =
                    exchange(&mut stream, CANARY.as_bytes(), length, Until::Answered(1)).await;
                assert_eq!(said.statuses, [403], "{said:?}");
            }
            assert!((reached(&app).await - 1.0).abs() < 0.1);
        },
    );
}
