//! A setting's value as people may see it: secrets are masked before they come here.

use std::fmt;

use serde::Serialize;

/// What stands for a secret that is set.
pub(super) const MASK: &str = "***";

/// A value to show. `Display` is the bare text, [`Shown::toml`] a TOML literal, `Serialize` the natural JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// Text; empty for what is not set.
    Text(String),
    /// A whole number.
    Whole(u64),
    /// A number with a fraction.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// A list of texts.
    List(Vec<String>),
}

impl Shown {
    /// A text that is empty when there is none.
    pub(super) fn optional<T: fmt::Display>(value: Option<T>) -> Self {
        Self::Text(value.map_or_else(String::new, |value| value.to_string()))
    }

    /// The value as a TOML literal.
    pub fn toml(&self) -> String {
        match self {
            Self::Text(text) => quote(text),
            // Debug keeps the `.0` that makes it a float in TOML.
            Self::Real(number) => format!("{number:?}"),
            Self::Whole(_) | Self::Flag(_) => self.to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| quote(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Whole(number) => write!(out, "{number}"),
            Self::Real(number) => write!(out, "{number}"),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::List(items) => out.write_str(&items.join(",")),
        }
    }
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control.is_control() => {
                let escaped = format!("\\u{:04X}", u32::from(control));
                quoted.push_str(&escaped);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_a_toml_literal() {
        let values = [
            (
                Shown::Text("a \"b\" \\ \u{7f}\n\u{e9}".into()),
                r#""a \"b\" \\ \u007F\u000Aé""#,
            ),
            (Shown::Whole(8080), "8080"),
            (Shown::Real(1.0), "1.0"),
            (Shown::Flag(true), "true"),
            (Shown::List(vec!["a".into(), "b".into()]), r#"["a", "b"]"#),
        ];
        for (shown, expected) in values {
            assert_eq!(shown.toml(), expected);
            let table: toml::Table = format!("value = {expected}").parse().unwrap();
            let json = serde_json::to_value(&shown).unwrap();
            assert_eq!(serde_json::to_value(&table["value"]).unwrap(), json);
        }
    }
}
