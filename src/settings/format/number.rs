//! Formats of numbers and flags: ports, counts, sizes in bytes, shares.

use std::ops::RangeInclusive;

use bytesize::ByteSize;
use figment::value::Value;

use super::{Format, Wrong, kind, quoted, text};
use crate::settings::shown::Shown;

/// A TCP port; 0 is any free one.
pub(in crate::settings) struct Port;

/// A whole number within bounds.
pub(in crate::settings) struct Count(pub(in crate::settings) RangeInclusive<u64>);

/// A number of bytes within bounds: `64KiB`, or a plain number.
pub(in crate::settings) struct Size(pub(in crate::settings) RangeInclusive<u64>);

/// A share, 0 to 1.
pub(in crate::settings) struct Ratio;

/// Yes or no.
pub(in crate::settings) struct Flag;

/// A whole number from TOML or from text. Both sides of zero, so that a negative one can be named as such.
fn whole(value: &Value) -> Result<i128, Wrong> {
    match value {
        Value::Num(_, number) => {
            let whole = number
                .to_i128()
                .or_else(|| number.to_u128().and_then(|number| number.try_into().ok()));
            whole.ok_or_else(|| Wrong::new("it is not a whole number"))
        }
        other => {
            let text = text(other)?;
            text.parse()
                .map_err(|_| Wrong::new(format!("{} is not a whole number", quoted(text))))
        }
    }
}

fn within(number: i128, bounds: &RangeInclusive<u64>) -> Result<u64, Wrong> {
    match u64::try_from(number) {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => Err(Wrong::new(format!("{number} is out of range"))),
    }
}

/// Cannot fail within the bounds that the sections give; where it would, the fault says so.
fn narrow<T: TryFrom<u64>>(number: u64) -> Result<T, Wrong> {
    T::try_from(number).map_err(|_| Wrong::new(format!("{number} is out of range")))
}

impl Format<u16> for Port {
    fn right(&self) -> String {
        "a port from 1 to 65535, or 0 for any free one".into()
    }

    fn read(&self, value: &Value) -> Result<u16, Wrong> {
        narrow(within(whole(value)?, &(0..=u64::from(u16::MAX)))?)
    }

    fn show(&self, value: &u16) -> Shown {
        Shown::Whole(u64::from(*value))
    }
}

impl Count {
    fn words(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }
}

impl Format<u32> for Count {
    fn right(&self) -> String {
        self.words()
    }

    fn read(&self, value: &Value) -> Result<u32, Wrong> {
        narrow(within(whole(value)?, &self.0)?)
    }

    fn show(&self, value: &u32) -> Shown {
        Shown::Whole(u64::from(*value))
    }
}

impl Format<usize> for Count {
    fn right(&self) -> String {
        self.words()
    }

    fn read(&self, value: &Value) -> Result<usize, Wrong> {
        narrow(within(whole(value)?, &self.0)?)
    }

    fn show(&self, value: &usize) -> Shown {
        Shown::Whole(*value as u64)
    }
}

impl Format<usize> for Size {
    fn right(&self) -> String {
        let (least, most) = (brief(*self.0.start()), brief(*self.0.end()));
        format!("a size such as 64KiB or 1MiB, or a number of bytes, from {least} to {most}")
    }

    fn read(&self, value: &Value) -> Result<usize, Wrong> {
        if let Value::Num(..) = value {
            return narrow(within(whole(value)?, &self.0)?);
        }
        let text = text(value)?;
        let bytes: ByteSize = text
            .parse()
            .map_err(|_| Wrong::new(format!("{} is not a size", quoted(text))))?;
        if !self.0.contains(&bytes.as_u64()) {
            return Err(Wrong::new(format!("{} is out of range", quoted(text))));
        }
        narrow(bytes.as_u64())
    }

    fn show(&self, value: &usize) -> Shown {
        Shown::Text(brief(*value as u64))
    }
}

/// The shortest exact way to write a number of bytes.
fn brief(bytes: u64) -> String {
    let units = [
        ("GiB", bytesize::GIB),
        ("MiB", bytesize::MIB),
        ("KiB", bytesize::KIB),
    ];
    let unit = units
        .iter()
        .find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    unit.map_or_else(
        || format!("{bytes}B"),
        |(name, size)| format!("{}{name}", bytes / size),
    )
}

impl Format<f64> for Ratio {
    fn right(&self) -> String {
        "a share from 0 to 1, such as 0.1".into()
    }

    fn read(&self, value: &Value) -> Result<f64, Wrong> {
        let ratio = match value {
            Value::Num(_, number) => {
                // Within 0..=1 a whole number is exact as f64.
                number
                    .to_f64()
                    .or_else(|| u8::try_from(whole(value).ok()?).ok().map(f64::from))
            }
            other => text(other)?.parse().ok(),
        };
        match ratio {
            Some(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
            Some(ratio) => Err(Wrong::new(format!("{ratio} is out of range"))),
            None => Err(Wrong::new("it is not a number from 0 to 1")),
        }
    }

    fn show(&self, value: &f64) -> Shown {
        Shown::Real(*value)
    }
}

impl Format<bool> for Flag {
    fn right(&self) -> String {
        "true or false".into()
    }

    fn read(&self, value: &Value) -> Result<bool, Wrong> {
        match value {
            Value::Bool(_, flag) => Ok(*flag),
            Value::String(_, text) => match text.trim() {
                "true" => Ok(true),
                "false" => Ok(false),
                other => Err(Wrong::new(format!("{} is neither", quoted(other)))),
            },
            other => Err(Wrong::new(format!("it is {}", kind(other)))),
        }
    }

    fn show(&self, value: &bool) -> Shown {
        Shown::Flag(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_text_and_from_toml_within_their_bounds() {
        let count = Count(2..=10);
        for good in [
            Value::from("10"),
            Value::from(10),
            Value::from(10u64),
            Value::from(" 10 "),
        ] {
            assert_eq!(Format::<usize>::read(&count, &good), Ok(10));
        }
        for bad in [
            Value::from("11"),
            Value::from(1),
            Value::from(-3),
            Value::from("ten"),
            Value::from(2.5),
            true.into(),
        ] {
            assert!(Format::<u32>::read(&count, &bad).is_err(), "{bad:?}");
        }
        assert_eq!(Port.read(&Value::from("0")), Ok(0));
        assert!(Port.read(&Value::from("65536")).is_err());
        assert!(Port.read(&Value::from("")).is_err());
    }

    #[test]
    fn sizes_take_units_or_bytes_and_come_out_exact() {
        let size = Size(1..=bytesize::GIB);
        for (text, bytes) in [
            ("64KiB", 65_536),
            ("1 MiB", 1_048_576),
            ("1000", 1_000),
            ("1kB", 1_000),
            ("1.5KiB", 1_536),
        ] {
            assert_eq!(size.read(&Value::from(text)), Ok(bytes), "{text}");
            assert_eq!(
                size.read(&Value::from(size.show(&bytes).to_string())),
                Ok(bytes)
            );
        }
        assert_eq!(size.read(&Value::from(4096)), Ok(4096));
        for bad in ["", "0", "-1", "2GiB", "many", "64 XiB"] {
            assert!(size.read(&Value::from(bad)).is_err(), "{bad}");
        }
        assert_eq!(size.show(&65_536), Shown::Text("64KiB".into()));
        assert_eq!(size.show(&1_000), Shown::Text("1000B".into()));
    }

    #[test]
    fn a_share_is_between_nothing_and_all() {
        for (good, ratio) in [
            (Value::from("0.25"), 0.25),
            (Value::from(1), 1.0),
            (Value::from(0.5), 0.5),
            ("0".into(), 0.0),
        ] {
            assert!(
                Ratio
                    .read(&good)
                    .is_ok_and(|read| (read - ratio).abs() < f64::EPSILON),
                "{good:?}"
            );
        }
        for bad in [
            Value::from("1.1"),
            Value::from(2),
            Value::from(-1),
            "NaN".into(),
            "inf".into(),
            "ten".into(),
            true.into(),
        ] {
            assert!(Ratio.read(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        assert_eq!(Flag.read(&Value::from("true")), Ok(true));
        assert_eq!(Flag.read(&Value::from(false)), Ok(false));
        for bad in [
            Value::from("yes"),
            Value::from("1"),
            Value::from(1),
            Value::from(""),
        ] {
            assert!(Flag.read(&bad).is_err(), "{bad:?}");
        }
    }
}
