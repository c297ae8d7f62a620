//! The filter changes while the log runs, and comes back by itself.

use std::time::Duration;

use tracing::dispatcher;

use super::Log;
use crate::settings::LogFormat;
use crate::telemetry::logs::LogControl;

#[tokio::test(start_paused = true)]
async fn a_change_of_the_filter_is_taken_back_in_time_and_told_at_any_filter() {
    let log = Log::new("off", LogFormat::Json);
    let _guard = dispatcher::set_default(&log.dispatch);
    let control = log.logs.control();
    let told = || {
        log.lines()
            .iter()
            .map(|line| line["message"].to_string())
            .collect::<Vec<_>>()
    };

    let scenario = async {
        tracing::info!("silent");
        control.set("debug", Some(Duration::from_mins(1))).unwrap();
        tracing::debug!("loud");
        tokio::time::sleep(Duration::from_secs(50)).await;
        control.set("trace", Some(Duration::from_secs(30))).unwrap();
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert_eq!(
            control.filter(),
            "trace",
            "the first reversion was replaced"
        );
        assert!(control.reverts_in().unwrap() <= Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(
            (control.filter().as_str(), control.reverts_in()),
            ("off", None)
        );
        tracing::error!("silent again");

        control.set("info", Some(Duration::from_secs(5))).unwrap();
        control.set("warn", None).unwrap();
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(
            control.filter(),
            "warn",
            "a lasting change replaces a pending reversion"
        );
    };
    tokio::select! {
        () = control.clone().watch() => unreachable!(),
        () = scenario => {}
    }

    let changed = "\"log filter changed\"";
    let reverted = "\"log filter reverted\"";
    assert_eq!(
        told(),
        [changed, "\"loud\"", changed, reverted, changed, changed]
    );
    let line = &log.lines()[0];
    assert_eq!(
        (&line["log.filter.old"], &line["log.filter.new"]),
        (&"off".into(), &"debug".into())
    );
    assert_eq!(
        (&line["log.filter.for_seconds"], &line["level"]),
        (&60.0.into(), &"INFO".into())
    );
}

#[test]
fn a_filter_that_is_refused_changes_nothing() {
    let control = LogControl::detached();
    for filter in ["", "inof", "a=b=c"] {
        assert!(control.set(filter, None).is_err(), "{filter}");
    }
    assert_eq!(
        (control.filter().as_str(), control.configured()),
        ("info", "info")
    );
}
