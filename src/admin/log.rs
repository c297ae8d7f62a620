//! `GET /log` and `PUT /log`: the log filter of the running process.
//!
//! A change may carry the time after which it is taken back: nobody remembers to turn DEBUG off.
//! Every change, and every one taken back, is itself in the log, past every filter.

use crate::http::Resource;
use crate::http::extract::Json;
use crate::http::problem::Problem;
use crate::http::problem::kinds::INVALID_BODY;
use crate::telemetry::error_chain;
use crate::telemetry::logs::LogControl;
use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig};
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a change is for when nothing is said: a filter that was forgotten must not stay.
const USUAL: Duration = Duration::from_mins(10);
/// The longest time that a change may be for; a longer one belongs into the settings.
const LONGEST: Duration = Duration::from_hours(24);

pub(super) fn configure(config: &mut ServiceConfig) {
    Resource::at("/log")
        .get(show_log)
        .put(change_log)
        .register(config);
}

#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct LogRequest {
    /// In the grammar of `RUST_LOG`.
    #[garde(length(bytes, max = 4096))]
    filter: String,
    /// Such as `90s` or `2h`; 10 minutes when it is absent. A change always reverts by itself.
    #[garde(skip)]
    #[serde(rename = "for")]
    period: Option<String>,
}

#[derive(Serialize)]
struct LogBody {
    /// What is in effect.
    filter: String,
    /// What the settings say.
    configured: String,
    /// Seconds until the configured one is back; `null` when nothing is pending.
    reverts_in_seconds: Option<u64>,
}

async fn show_log(log: Data<LogControl>) -> HttpResponse {
    answer(&log)
}

async fn change_log(
    log: Data<LogControl>,
    request: Json<LogRequest>,
) -> Result<HttpResponse, Problem> {
    let period = request.period.as_deref().map_or(Ok(USUAL), parse_period)?;
    log.set(&request.filter, Some(period))
        .map_err(|error| Problem::new(&INVALID_BODY).field("filter", error_chain(&error)))?;
    Ok(answer(&log))
}

fn answer(log: &LogControl) -> HttpResponse {
    HttpResponse::Ok().json(LogBody {
        filter: log.filter(),
        configured: log.configured().to_owned(),
        // Rounded up: who asked for 10m should not read 599 at once.
        reverts_in_seconds: log
            .reverts_in()
            .map(|left| left.as_secs() + u64::from(left.subsec_nanos() > 0)),
    })
}

fn parse_period(text: &str) -> Result<Duration, Problem> {
    let wrong = |message| Problem::new(&INVALID_BODY).field("for", message);
    let period = humantime::parse_duration(text)
        .map_err(|_| wrong("must be a time with its unit, such as 90s, 10m or 2h"))?;
    if period.is_zero() || period > LONGEST {
        return Err(wrong("must be longer than nothing and 24h at most"));
    }
    Ok(period)
}

#[cfg(test)]
mod tests {
    use super::parse_period;
    use std::time::Duration;

    #[test]
    fn a_period_has_a_unit_and_ends_within_a_day() {
        for (text, seconds) in [
            ("10m", 600),
            ("1h 30m", 5400),
            ("24h", 86400),
            ("1day", 86400),
        ] {
            assert_eq!(
                parse_period(text).unwrap(),
                Duration::from_secs(seconds),
                "{text}"
            );
        }
        for text in [
            "",
            "10",
            "ten minutes",
            "-1m",
            "0s",
            "24h 1s",
            "1000000000000000000000y",
        ] {
            let problem = parse_period(text).unwrap_err();
            assert_eq!(problem.errors()[0].field, "for", "{text}");
        }
    }
}
