//! Formats: how a setting's value is written outside (TOML, environment, flag), read, checked by itself and shown.
//! What concerns two settings at once stands in `validate`. The one rule: a format's words never repeat a secret.

mod network;
mod number;
mod period;
mod secret;
mod text;
mod url;

use figment::value::Value;

use super::shown::Shown;

pub(super) use network::{Address, Hosts, Networks, Origins};
pub(super) use number::{Count, Flag, Port, Ratio, Size};
pub(super) use period::{DAY, HOUR, MILLISECOND, Period, SECOND, brief};
pub(super) use secret::{DatabaseAddress, RedisUrl, SigningSecret, Token};
pub(super) use text::{Choice, Filter, Limit, OptionalPath, Text};
pub(super) use url::{Endpoint, TraceUrl};

/// The outer form of values of type `T`.
pub(super) trait Format<T> {
    /// What a right value looks like: completes "right is …".
    fn right(&self) -> String;
    /// Reads and checks a value.
    fn read(&self, value: &Value) -> Result<T, Wrong>;
    /// The value as people may see it.
    fn show(&self, value: &T) -> Shown;
    /// Whether values must never be printed.
    fn is_secret(&self) -> bool {
        false
    }
}

/// Why a value is not taken: completes "wrong is: …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong with it.
    pub(super) what: String,
    /// What would be right, when more can be said than [`Format::right`] does.
    pub(super) right: Option<String>,
}

impl Wrong {
    /// A fault that the format's own words put right.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            right: None,
        }
    }

    /// A fault with its own remedy.
    pub(super) fn with(what: impl Into<String>, right: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            right: Some(right.into()),
        }
    }
}

/// A value for a message: quoted, cut, and without control characters that would steer a terminal.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.is_empty() {
        return "an empty text".to_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{dots}`", cut.escape_debug())
}

/// What kind of thing a value is, without its content.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "text",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Empty(..) => "nothing",
        Value::Dict(..) => "a table or a date",
        Value::Array(..) => "a list",
    }
}

/// The value as trimmed text. Environment and flags always give text; TOML may not.
fn text(value: &Value) -> Result<&str, Wrong> {
    match value {
        Value::String(_, text) => Ok(text.trim()),
        other => Err(Wrong::new(format!("it is {}, not text", kind(other)))),
    }
}

/// The value as a list of non-empty texts: a TOML array, or text with commas.
fn list(value: &Value) -> Result<Vec<&str>, Wrong> {
    let items = match value {
        Value::Array(_, items) => items.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        other => text(other)?.split(',').map(str::trim).collect(),
    };
    Ok(items.into_iter().filter(|item| !item.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_cannot_steer_the_terminal_nor_fill_it() {
        assert_eq!(quoted("a\u{1b}[2Jb"), "`a\\u{1b}[2Jb`");
        assert_eq!(quoted(&"é".repeat(100)), format!("`{}…`", "é".repeat(80)));
    }

    #[test]
    fn a_list_is_an_array_or_commas() {
        assert_eq!(list(&Value::from(" a, b ,,c,")).unwrap(), ["a", "b", "c"]);
        assert_eq!(list(&Value::from(vec!["a", "b,c"])).unwrap(), ["a", "b,c"]);
        assert!(list(&Value::from("")).unwrap().is_empty());
        assert!(list(&Value::from(5)).is_err());
        assert!(list(&Value::from(vec![5])).is_err());
    }
}
