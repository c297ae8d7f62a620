//! A rate such as `5/m`: how many, in which time. It only counts; the buckets are elsewhere.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So many requests in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; never 0.
    pub count: u32,
    /// In which time: a second, a minute or an hour.
    pub per: Duration,
}

/// The text is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is written N/s, N/m or N/h, where N is a whole number from 1 to 1000000")]
pub struct RateError;

/// More than any instance answers, and few enough for a time between two that is not 0.
const MOST: u32 = 1_000_000;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

impl Rate {
    /// `count` a minute.
    pub const fn per_minute(count: u32) -> Self {
        Self { count, per: MINUTE }
    }

    /// The mean time between two requests at this rate.
    pub fn interval(self) -> Duration {
        self.per / self.count.max(1)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, unit) = text.split_once('/').ok_or(RateError)?;
        let per = match unit.trim() {
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => return Err(RateError),
        };
        let count = count.trim();
        // `u32::from_str` takes a leading `+`, which nobody means here.
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RateError);
        }
        match count.parse() {
            Ok(count) if (1..=MOST).contains(&count) => Ok(Self { count, per }),
            _ => Err(RateError),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            MINUTE => "m",
            HOUR => "h",
            _ => "s",
        };
        write!(out, "{}/{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_and_a_unit() {
        assert_eq!(
            "5/m".parse(),
            Ok(Rate {
                count: 5,
                per: MINUTE
            })
        );
        assert_eq!(
            " 100 / s ".parse(),
            Ok(Rate {
                count: 100,
                per: SECOND
            })
        );
        assert_eq!("1/h".parse::<Rate>().unwrap().interval(), HOUR);
        for text in ["5/m", "1/s", "1000000/h"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_rate_is_refused() {
        for text in [
            "",
            "5",
            "5/",
            "/m",
            "0/m",
            "-1/m",
            "+5/m",
            "5/d",
            "5/min",
            "1.5/s",
            "1000001/s",
            "4294967296/s",
            "5/m/s",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text:?}");
        }
    }
}
