//! Formats of words: free text, a choice among names, a path, a log filter, a rate.

use std::path::PathBuf;

use figment::value::Value;
use tracing_subscriber::EnvFilter;

use super::{Format, Wrong, quoted, text};
use crate::settings::rate::Rate;
use crate::settings::shown::Shown;
use crate::settings::{Environment, LogFormat, TraceProtocol};

/// Text that is not empty.
pub(in crate::settings) struct Text;

/// One of the names of [`Named::ALL`].
pub(in crate::settings) struct Choice;

/// The path of a file, or empty for none.
pub(in crate::settings) struct OptionalPath;

/// What `RUST_LOG` takes.
pub(in crate::settings) struct Filter;

/// A [`Rate`], or empty for no limit.
pub(in crate::settings) struct Limit;

impl Format<String> for Text {
    fn right(&self) -> String {
        "text of 1 to 200 characters".into()
    }

    fn read(&self, value: &Value) -> Result<String, Wrong> {
        let text = text(value)?;
        match text.chars().count() {
            0 => Err(Wrong::new("it is empty")),
            1..=200 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
            _ => Err(Wrong::new(format!(
                "{} is too long or has control characters",
                quoted(text)
            ))),
        }
    }

    fn show(&self, value: &String) -> Shown {
        Shown::Text(value.clone())
    }
}

/// A closed set of values with names.
pub(in crate::settings) trait Named: Copy + PartialEq + 'static {
    /// Every value with its name.
    const ALL: &'static [(&'static str, Self)];
}

impl Named for Environment {
    const ALL: &'static [(&'static str, Self)] = &[
        (Self::Development.as_str(), Self::Development),
        (Self::Production.as_str(), Self::Production),
    ];
}

impl Named for LogFormat {
    const ALL: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("json", Self::Json),
        ("pretty", Self::Pretty),
    ];
}

impl Named for TraceProtocol {
    const ALL: &'static [(&'static str, Self)] =
        &[("http/protobuf", Self::HttpProtobuf), ("grpc", Self::Grpc)];
}

impl<T: Named> Format<T> for Choice {
    fn right(&self) -> String {
        let names: Vec<String> = T::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(" or ")
    }

    fn read(&self, value: &Value) -> Result<T, Wrong> {
        let text = text(value)?;
        let found = T::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| Wrong::new(format!("{} is none of the choices", quoted(text))))
    }

    fn show(&self, value: &T) -> Shown {
        Shown::optional(
            T::ALL
                .iter()
                .find(|(_, choice)| choice == value)
                .map(|(name, _)| name),
        )
    }
}

impl Format<Option<PathBuf>> for OptionalPath {
    fn right(&self) -> String {
        "the path of a file, or empty".into()
    }

    fn read(&self, value: &Value) -> Result<Option<PathBuf>, Wrong> {
        let text = text(value)?;
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn show(&self, value: &Option<PathBuf>) -> Shown {
        Shown::optional(value.as_ref().map(|path| path.display()))
    }
}

/// The levels that a log filter knows.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Format<String> for Filter {
    fn right(&self) -> String {
        "a level (off, error, warn, info, debug, trace) or target=level pairs, such as info,glasshouse::orders=debug".into()
    }

    fn read(&self, value: &Value) -> Result<String, Wrong> {
        let text = text(value)?;
        if text.is_empty() {
            return Err(Wrong::new("it is empty"));
        }
        if let Err(error) = EnvFilter::builder().parse(text) {
            return Err(Wrong::new(format!(
                "{} is not a log filter ({error})",
                quoted(text)
            )));
        }
        // A bare word that is no level is a target at TRACE: `RUST_LOG=warning` silences everything else.
        for word in text.split(',').map(str::trim) {
            if let Some(level) = meant_level(word) {
                let right = format!("`{level}`; or `{word}=trace` if that is the name of a target");
                return Err(Wrong::with(
                    format!("{} is not a level", quoted(word)),
                    right,
                ));
            }
        }
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> Shown {
        Shown::Text(value.clone())
    }
}

/// The level that a bare word was probably meant to be.
fn meant_level(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    if LEVELS.contains(&word.as_str()) || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    LEVELS.into_iter().find(|level| {
        let longer = word.starts_with(level) && *level != "off";
        let shorter = word.len() >= 3 && level.starts_with(&word);
        longer || shorter || strsim::osa_distance(&word, level) == 1
    })
}

impl Format<Option<Rate>> for Limit {
    fn right(&self) -> String {
        "a rate such as 10/s, 5/m or 100/h, or empty for no limit".into()
    }

    fn read(&self, value: &Value) -> Result<Option<Rate>, Wrong> {
        let text = text(value)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse()
            .map(Some)
            .map_err(|_| Wrong::new(format!("{} is not a rate", quoted(text))))
    }

    fn show(&self, value: &Option<Rate>) -> Shown {
        Shown::optional(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_one_of_its_names() {
        assert_eq!(Choice.read(&Value::from("grpc")), Ok(TraceProtocol::Grpc));
        assert_eq!(
            Format::<LogFormat>::right(&Choice),
            "`auto` or `json` or `pretty`"
        );
        assert!(Format::<Environment>::read(&Choice, &Value::from("staging")).is_err());
        for (name, environment) in Environment::ALL {
            assert_eq!(Choice.show(environment), Shown::Text((*name).into()));
        }
    }

    #[test]
    fn a_filter_follows_the_grammar_of_rust_log() {
        let good = [
            "info",
            "WARN",
            "off",
            "glasshouse=debug",
            "info,glasshouse::orders=trace",
            "[request{id=7}]=debug",
            "3",
        ];
        for text in good
            .into_iter()
            .chain(["glasshouse", "actix_web,info", "database"])
        {
            assert_eq!(Filter.read(&Value::from(text)), Ok(text.to_owned()));
        }
        for text in ["", "glasshouse=loud", "info,[", "a=b=c"] {
            assert!(Filter.read(&Value::from(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_target() {
        let meant = [
            ("warning", "warn"),
            ("inof", "info"),
            ("err", "error"),
            ("Debg", "debug"),
            ("traces", "trace"),
        ];
        for (word, level) in meant {
            let wrong = Filter.read(&Value::from(word)).unwrap_err();
            assert!(
                wrong.right.unwrap().starts_with(&format!("`{level}`")),
                "{word}"
            );
            let target = format!("{word}=trace");
            assert_eq!(Filter.read(&Value::from(target.as_str())), Ok(target));
        }
    }

    #[test]
    fn an_empty_rate_and_an_empty_path_mean_none() {
        assert_eq!(Limit.read(&Value::from("")), Ok(None));
        assert_eq!(
            Limit.read(&Value::from("10/m")),
            Ok(Some(Rate::per_minute(10)))
        );
        assert!(Limit.read(&Value::from("off")).is_err());
        assert_eq!(OptionalPath.read(&Value::from(" ")), Ok(None));
        assert!(Text.read(&Value::from(" ")).is_err());
        assert!(Text.read(&Value::from("a\nb")).is_err());
    }
}
