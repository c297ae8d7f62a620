//! Formats of URLs that are shown in full, and so must not hold a password.

use figment::value::Value;

use super::{Format, Wrong, quoted, text};
use crate::settings::locator::Locator;
use crate::settings::shown::Shown;

/// The base address of an OTLP collector, or empty for none.
pub(in crate::settings) struct Endpoint;

/// The address of a trace with a hole for its id, or empty for none.
pub(in crate::settings) struct TraceUrl;

impl Format<Option<String>> for Endpoint {
    fn right(&self) -> String {
        "`http://host:port` or `https://host:port`, without user and password, or empty".into()
    }

    fn read(&self, value: &Value) -> Result<Option<String>, Wrong> {
        let text = text(value)?;
        if text.is_empty() {
            return Ok(None);
        }
        // It is shown in full, so it must not hold a password, and a fault must not repeat one.
        let locator = Locator::parse(text).map_err(|error| Wrong::new(error.to_string()))?;
        if locator.user.is_some() {
            return Err(Wrong::new("it holds a user or a password"));
        }
        let web = ["http", "https"].contains(&locator.scheme);
        if !web
            || locator.query.is_some()
            || locator.hosts.is_empty()
            || locator.hosts.contains(',')
        {
            return Err(Wrong::new(format!(
                "{} is not the address of a collector",
                quoted(text)
            )));
        }
        Ok(Some(text.to_owned()))
    }

    fn show(&self, value: &Option<String>) -> Shown {
        Shown::optional(value.as_ref())
    }
}

impl Format<Option<String>> for TraceUrl {
    fn right(&self) -> String {
        "an http:// or https:// address with `{trace_id}` in it, without user and password, or empty".into()
    }

    fn read(&self, value: &Value) -> Result<Option<String>, Wrong> {
        let text = text(value)?;
        if text.is_empty() {
            return Ok(None);
        }
        // It becomes a link on a page: no `javascript:`, and no password.
        let Some(rest) = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
        else {
            return Err(Wrong::new("it does not begin with `http://` or `https://`"));
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') {
            return Err(Wrong::new("it names no host, or a user"));
        }
        if text.contains(char::is_whitespace)
            || text.contains(char::is_control)
            || !text.contains("{trace_id}")
        {
            return Err(Wrong::new("it has no `{trace_id}`, or it has blanks"));
        }
        Ok(Some(text.to_owned()))
    }

    fn show(&self, value: &Option<String>) -> Shown {
        Shown::optional(value.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_shown_hold_no_password() {
        let endpoint = |text: &str| Endpoint.read(&Value::from(text));
        assert_eq!(
            endpoint("http://localhost:4318/otlp"),
            Ok(Some("http://localhost:4318/otlp".into()))
        );
        assert_eq!(endpoint(""), Ok(None));
        let template = |text: &str| TraceUrl.read(&Value::from(text));
        assert!(template("http://localhost:16686/trace/{trace_id}").is_ok_and(|url| url.is_some()));
        assert!(template("https://g/explore?left=[\"{trace_id}\",{\"a\":\"b@c\"}]").is_ok());
        for bad in [
            "localhost:4318",
            "grpc://h",
            "http://",
            "http://h?x",
            "http://a,b",
            "http://u:canary@h",
            "http://u:can@ary@h",
        ] {
            assert!(
                !format!("{:?}", endpoint(bad).unwrap_err()).contains("canary"),
                "{bad}"
            );
        }
        for bad in [
            "javascript:alert('{trace_id}')",
            "http://h/trace",
            "http://u:canary@h/{trace_id}",
            "http://h/ {trace_id}",
        ] {
            assert!(
                !format!("{:?}", template(bad).unwrap_err()).contains("canary"),
                "{bad}"
            );
        }
    }
}
