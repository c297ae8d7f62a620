//! What stands in a JSON line.

use std::sync::Arc;

use proptest::prelude::*;

use super::Log;
use crate::telemetry::{RequestContext, RequestId, TraceParent, with_context};

#[derive(Debug, thiserror::Error)]
#[error("the order was not stored")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("no \"connection\"")]
struct Inner;

#[test]
fn a_line_tells_when_what_and_who_and_the_fields_flat() {
    let log = Log::json();
    log.run(|| {
        tracing::info!(
            target: "glasshouse::access",
            {
                http.method = "GET",
                http.status = 200_u16,
                duration_ms = 1.23456,
                db.wait_ms = 0.0,
                account.id = tracing::field::Empty,
                client.address = Option::<&str>::None,
                bytes_out = Some(17_u64),
                replayed = true,
                depth = -3,
            },
            "request completed",
        );
    });
    let text = log.text();
    let (head, rest) = text.split_at("{\"timestamp\":\"2026-01-31T23:59:59.000001Z\",".len());
    assert!(head.ends_with("Z\","), "{head}");
    assert_eq!(
        rest,
        "\"level\":\"INFO\",\"target\":\"glasshouse::access\",\"message\":\"request completed\",\
         \"service\":\"house \\\"of\\\" glass\",\"version\":\"1.2.3\",\"revision\":\"abcdef\",\
         \"environment\":\"test\",\"http.method\":\"GET\",\"http.status\":200,\
         \"duration_ms\":1.235,\"db.wait_ms\":0.000,\"bytes_out\":17,\"replayed\":true,\
         \"depth\":-3}\n"
    );
}

#[test]
fn inside_a_request_its_ids_are_told() {
    let parent = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let context = Arc::new(RequestContext::new(
        RequestId::parse("req-1").unwrap(),
        parent,
        false,
    ));
    let log = Log::json();
    log.run(|| {
        with_context(Arc::clone(&context), || tracing::warn!("inside"));
        tracing::warn!("outside");
    });
    let lines = log.lines();
    assert_eq!(lines[0]["request_id"], "req-1");
    assert_eq!(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(lines[0]["span_id"], context.span_id().as_str());
    assert!(!lines[1].contains_key("request_id"), "{:?}", lines[1]);
    assert_eq!(lines[1]["service"], "house \"of\" glass");
}

#[test]
fn every_kind_of_value_has_its_json() {
    let log = Log::json();
    let error = Outer(Inner);
    log.run(|| {
        tracing::error!(
            nan = f64::NAN,
            infinite_ms = f64::NEG_INFINITY,
            negative_ms = -1.5,
            nothing_ms = -0.0,
            century_ms = 3.2e12,
            huge = 1e300,
            tenth = 0.1,
            small = 5_i128,
            large = i128::MIN,
            most = u128::MAX,
            least = i64::MIN,
            shown = %Inner,
            debugged = ?Some("a\nb"),
            error = &error as &dyn std::error::Error,
            "all kinds",
        );
    });
    let line = log.line();
    assert_eq!(line["nan"], "NaN");
    assert_eq!(line["infinite_ms"], "-inf");
    assert_eq!(line["negative_ms"], -1.5);
    assert_eq!(line["nothing_ms"], 0.0);
    assert_eq!(line["century_ms"], 3.2e12);
    assert_eq!(line["huge"], 1e300);
    assert_eq!(line["tenth"], 0.1);
    assert_eq!(line["small"], 5);
    assert_eq!(line["large"], i128::MIN.to_string());
    assert_eq!(line["most"], u128::MAX.to_string());
    assert_eq!(line["least"], i64::MIN);
    assert_eq!(line["shown"], "no \"connection\"");
    assert_eq!(line["debugged"], "Some(\"a\\nb\")");
    assert_eq!(line["error"], "the order was not stored: no \"connection\"");
}

#[test]
fn no_name_occurs_twice() {
    let context = RequestContext::new(RequestId::parse("mine").unwrap(), None, false);
    let log = Log::json();
    log.run(|| {
        with_context(Arc::new(context), || {
            tracing::info!(
                timestamp = 1,
                level = 2,
                service = 3,
                request_id = "theirs",
                field.level = 4,
                r#type = 5,
                a = 6,
                a = 7,
                "crowded",
            );
        });
    });
    let line = log.line();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["request_id"], "mine");
    assert_eq!(line["field.request_id"], "theirs");
    assert_eq!(
        (&line["field.level"], &line["field.field.level"]),
        (&2.into(), &4.into())
    );
    assert_eq!((&line["type"], &line["a"]), (&5.into(), &6.into()));
}

proptest! {
    #[test]
    fn whatever_a_value_holds_the_line_is_one_object(text in any::<String>(), number in any::<f64>()) {
        let log = Log::json();
        log.run(|| {
            tracing::info!(text, shown = %text, debugged = ?text, number, number_ms = number, "{text}");
        });
        let line = log.line();
        prop_assert_eq!(&line["message"], &text);
        prop_assert_eq!(&line["text"], &text);
        prop_assert_eq!(&line["shown"], &text);
        prop_assert_eq!(&line["debugged"], &format!("{text:?}"));
        if number.is_finite() {
            let written = log.text().contains(&format!("\"number\":{number:?},"));
            prop_assert!(written && line["number"].is_f64());
        }
    }
}
