//! Times of log lines: RFC 3339 in UTC with exactly six decimals.
//!
//! Own code of thirty lines, because a line is written for each request and a general formatter
//! takes longer for the time than the rest of the line does.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, in parts.
pub(super) struct Timestamp {
    days: u64,
    second_of_day: u64,
    micros: u32,
}

impl Timestamp {
    /// Now. Clocks before 1970 show 1970.
    pub(super) fn now() -> Self {
        Self::of(SystemTime::now())
    }

    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            days: since.as_secs() / 86_400,
            second_of_day: since.as_secs() % 86_400,
            micros: since.subsec_micros(),
        }
    }

    /// `2026-01-31T23:59:59.000001Z`.
    pub(super) fn write_rfc3339(&self, line: &mut String) {
        let (year, month, day) = civil(self.days);
        digits(line, year, 4);
        line.push('-');
        digits(line, month, 2);
        line.push('-');
        digits(line, day, 2);
        line.push('T');
        self.write_time_of_day(line);
        line.push('.');
        digits(line, self.micros.into(), 6);
        line.push('Z');
    }

    /// `23:59:59.000`.
    pub(super) fn write_clock(&self, line: &mut String) {
        self.write_time_of_day(line);
        line.push('.');
        digits(line, u64::from(self.micros / 1000), 3);
    }

    fn write_time_of_day(&self, line: &mut String) {
        digits(line, self.second_of_day / 3600, 2);
        line.push(':');
        digits(line, self.second_of_day / 60 % 60, 2);
        line.push(':');
        digits(line, self.second_of_day % 60, 2);
    }
}

/// Year, month and day of a number of days since 1970-01-01, by Howard Hinnant's
/// `civil_from_days`: it counts in years that begin in March, so that the leap day comes last.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The last `width` digits of a number.
fn digits(line: &mut String, number: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = u8::try_from(number / 10_u64.pow(place) % 10).unwrap_or_default();
        line.push(char::from(b'0' + digit));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, SecondsFormat, Utc};
    use proptest::prelude::*;

    use super::*;

    fn written(time: SystemTime) -> String {
        let mut line = String::new();
        Timestamp::of(time).write_rfc3339(&mut line);
        line
    }

    #[test]
    fn a_leap_day_and_the_ends_of_a_year_are_right() {
        for time in [
            "2000-02-29T23:59:59.999999Z",
            "2023-12-31T00:00:00.000001Z",
            "2100-03-01T12:00:00.000000Z",
        ] {
            let parsed: DateTime<Utc> = time.parse().unwrap();
            assert_eq!(written(parsed.into()), time);
        }
    }

    proptest! {
        #[test]
        fn every_time_is_written_as_chrono_writes_it(micros in 0..253_402_300_799_999_999_u64) {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            let expected = DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Micros, true);
            prop_assert_eq!(written(time), expected);
        }
    }
}
