//! The format of durations: `500ms`, `30s`, `10m`, `30d`, always with a unit, within bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use figment::value::Value;

use super::{Format, Wrong, quoted, text};
use crate::settings::shown::Shown;

/// One millisecond.
pub(in crate::settings) const MILLISECOND: Duration = Duration::from_millis(1);
/// One second.
pub(in crate::settings) const SECOND: Duration = Duration::from_secs(1);
/// One hour.
pub(in crate::settings) const HOUR: Duration = Duration::from_hours(1);
/// One day.
pub(in crate::settings) const DAY: Duration = Duration::from_hours(24);

/// A duration within bounds.
pub(in crate::settings) struct Period(pub(in crate::settings) RangeInclusive<Duration>);

impl Format<Duration> for Period {
    fn right(&self) -> String {
        let (least, most) = (brief(*self.0.start()), brief(*self.0.end()));
        format!("a duration such as 500ms, 30s or 10m, from {least} to {most}")
    }

    fn read(&self, value: &Value) -> Result<Duration, Wrong> {
        if let Value::Num(..) = value {
            return Err(Wrong::new("it is a number without a unit"));
        }
        let text = text(value)?;
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text != "0" {
            return Err(Wrong::new(format!("{} has no unit", quoted(text))));
        }
        let duration = humantime::parse_duration(text)
            .map_err(|_| Wrong::new(format!("{} is not a duration", quoted(text))))?;
        if !self.0.contains(&duration) {
            return Err(Wrong::new(format!("{} is out of range", quoted(text))));
        }
        Ok(duration)
    }

    fn show(&self, value: &Duration) -> Shown {
        Shown::Text(brief(*value))
    }
}

/// The shortest exact way to write a duration with one unit: `75s`, `10m`, `30d`.
pub(in crate::settings) fn brief(duration: Duration) -> String {
    const UNITS: [(&str, u128); 6] = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
    ];
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".into();
    }
    let unit = UNITS
        .iter()
        .find(|(_, length)| nanoseconds.is_multiple_of(*length));
    unit.map_or_else(
        || format!("{nanoseconds}ns"),
        |(name, length)| format!("{}{name}", nanoseconds / length),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_out_as_people_write_them_and_read_back_equal() {
        let any = Period(Duration::ZERO..=3650 * DAY);
        for text in [
            "0s", "500ms", "1500ms", "75s", "10m", "90m", "36h", "30d", "1us", "7ns",
        ] {
            let duration = any.read(&Value::from(text)).unwrap();
            assert_eq!(brief(duration), text);
        }
        assert_eq!(
            any.read(&Value::from("1m 30s")),
            Ok(Duration::from_secs(90))
        );
        assert_eq!(any.read(&Value::from("0")), Ok(Duration::ZERO));
    }

    #[test]
    fn a_duration_without_unit_or_out_of_bounds_is_refused() {
        let period = Period(SECOND..=HOUR);
        for bad in [
            "",
            "30",
            "0",
            "999ms",
            "61m",
            "-1s",
            "s",
            "soon",
            "99999999999999999999y",
        ] {
            assert!(period.read(&Value::from(bad)).is_err(), "{bad}");
        }
        assert_eq!(
            period.read(&Value::from(30)),
            Err(Wrong::new("it is a number without a unit"))
        );
    }
}
