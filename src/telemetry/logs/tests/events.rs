//! Which events become lines, and how they are counted.

use std::sync::Arc;

use tracing_subscriber::util::SubscriberInitExt as _;

use super::Log;
use crate::settings::LogFormat;
use crate::telemetry::logs::{LogMetrics, install_panic_hook};
use crate::telemetry::metrics::Registry;
use crate::telemetry::{RequestContext, RequestId, with_context};

#[test]
fn records_of_the_log_crate_arrive_under_their_own_target() {
    let log = Log::new("warn,noisy=off", LogFormat::Json);
    let guard = log.dispatch.clone().set_default();
    log::warn!(target: "library::part", "it {}", "rained");
    log::info!(target: "library::part", "filtered");
    log::error!(target: "noisy", "filtered");
    drop(guard);
    let line = log.line();
    assert_eq!(
        (&line["target"], &line["message"]),
        (&"library::part".into(), &"it rained".into())
    );
    assert!(
        !line.keys().any(|name| name.starts_with("log.")),
        "{line:?}"
    );
}

#[test]
fn a_panic_is_one_line_with_its_place_and_its_request() {
    install_panic_hook();
    let context = RequestContext::new(RequestId::parse("unlucky").unwrap(), None, false);
    let log = Log::json();
    log.run(|| {
        let panicked = with_context(Arc::new(context), || {
            std::panic::catch_unwind(|| panic!("the {} broke", "glass"))
        });
        assert!(panicked.is_err());
    });
    let line = log.line();
    assert_eq!(
        (&line["level"], &line["message"]),
        (&"ERROR".into(), &"thread panicked".into())
    );
    assert_eq!(line["panic.message"], "the glass broke");
    assert!(
        line["panic.location"]
            .as_str()
            .unwrap()
            .contains("logs/tests/events.rs:"),
        "{line:?}"
    );
    assert!(
        line["panic.backtrace"]
            .as_str()
            .unwrap()
            .contains("glasshouse"),
        "{line:?}"
    );
    assert_eq!(line["request_id"], "unlucky");
}

#[test]
fn events_are_counted_by_level_after_the_filter() {
    let log = Log::new("info", LogFormat::Json);
    let registry = Registry::new();
    LogMetrics::publish(&registry, &log.logs).unwrap();
    let before = registry.encode().unwrap();
    log.run(|| {
        tracing::error!("one");
        tracing::info!("two");
        tracing::info!("three");
        tracing::debug!("filtered");
    });
    let after = registry.encode().unwrap();

    assert!(
        before.contains("log_events_total{level=\"error\"} 0\n"),
        "{before}"
    );
    assert!(before.contains("log_lines_dropped_total 0\n"), "{before}");
    for (level, count) in [
        ("error", 1),
        ("warn", 0),
        ("info", 2),
        ("debug", 0),
        ("trace", 0),
    ] {
        let line = format!("log_events_total{{level=\"{level}\"}} {count}\n");
        assert!(after.contains(&line), "{after}");
    }
}

#[test]
fn lines_for_people_are_short_and_cannot_take_the_terminal_over() {
    let log = Log::new("info", LogFormat::Pretty);
    log.run(|| {
        tracing::info!(target: "glasshouse::app", { port = 8080, took_ms = 1.5 }, "service started");
        tracing::warn!(target: "other", evil = "\u{1b}[2J", "beware");
    });
    let text = log.text();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| &line["23:59:59.000".len()..])
        .collect();
    assert_eq!(lines[0], " INFO  service started  port=8080  took_ms=1.500");
    assert_eq!(lines[1], " WARN  beware  evil=\\u{1b}[2J  target=other");
}
