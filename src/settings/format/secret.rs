//! Formats of secrets. The one rule: no message of theirs repeats any part of a value.

use figment::value::Value;
use secrecy::{ExposeSecret, SecretString};

use super::{Format, Wrong, kind, text};
use crate::settings::database_url::DatabaseUrl;
use crate::settings::locator::Locator;
use crate::settings::shown::{MASK, Shown};

/// A secret that signs tokens, or empty for none.
pub(in crate::settings) struct SigningSecret;

/// A bearer token, or empty for none.
pub(in crate::settings) struct Token;

/// The address of a Redis, password included, or empty for none.
pub(in crate::settings) struct RedisUrl;

/// The address of the database, password included.
pub(in crate::settings) struct DatabaseAddress;

/// HS256 wants a key no shorter than its hash (RFC 7518, section 3.2).
const SHORTEST_SIGNING_SECRET: usize = 32;

/// The value exactly as given: a secret may begin or end with a blank.
fn secret(value: &Value) -> Result<Option<&str>, Wrong> {
    match value {
        Value::String(_, secret) => Ok((!secret.is_empty()).then_some(secret)),
        other => Err(Wrong::new(format!("it is {}, not text", kind(other)))),
    }
}

fn masked(value: Option<&SecretString>) -> Shown {
    Shown::optional(value.map(|_| MASK))
}

impl Format<Option<SecretString>> for SigningSecret {
    fn right(&self) -> String {
        format!(
            "a secret of at least {SHORTEST_SIGNING_SECRET} bytes, such as `openssl rand -base64 48` makes"
        )
    }

    fn read(&self, value: &Value) -> Result<Option<SecretString>, Wrong> {
        match secret(value)? {
            Some(secret) if secret.len() < SHORTEST_SIGNING_SECRET => Err(Wrong::new(format!(
                "it is too short: it has {} bytes",
                secret.len()
            ))),
            secret => Ok(secret.map(SecretString::from)),
        }
    }

    fn show(&self, value: &Option<SecretString>) -> Shown {
        masked(value.as_ref())
    }

    fn is_secret(&self) -> bool {
        true
    }
}

impl Format<Option<SecretString>> for Token {
    fn right(&self) -> String {
        "a token of visible ASCII characters, such as `openssl rand -hex 32` makes".into()
    }

    fn read(&self, value: &Value) -> Result<Option<SecretString>, Wrong> {
        match secret(value)? {
            // It travels in a header.
            Some(token) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => Err(Wrong::new(
                "it has blanks, control characters or characters beyond ASCII",
            )),
            token => Ok(token.map(SecretString::from)),
        }
    }

    fn show(&self, value: &Option<SecretString>) -> Shown {
        masked(value.as_ref())
    }

    fn is_secret(&self) -> bool {
        true
    }
}

impl Format<Option<SecretString>> for RedisUrl {
    fn right(&self) -> String {
        "`redis://user:password@host:port/number`, `rediss://…` for TLS, or empty".into()
    }

    fn read(&self, value: &Value) -> Result<Option<SecretString>, Wrong> {
        let url = text(value)?;
        if url.is_empty() {
            return Ok(None);
        }
        let locator = Locator::parse(url).map_err(|error| Wrong::new(error.to_string()))?;
        if !["redis", "rediss"].contains(&locator.scheme) {
            return Err(Wrong::new(
                "it does not begin with `redis://` or `rediss://`",
            ));
        }
        if locator.hosts.is_empty() || locator.hosts.contains(',') {
            return Err(Wrong::new("it does not name one host"));
        }
        if locator
            .path
            .is_some_and(|number| !number.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(Wrong::new(
                "what follows the host is not the number of a Redis database",
            ));
        }
        Ok(Some(SecretString::from(url)))
    }

    fn show(&self, value: &Option<SecretString>) -> Shown {
        let mask = |url: &SecretString| {
            let locator = Locator::parse(url.expose_secret());
            locator.map_or_else(|_| MASK.to_owned(), |locator| locator.masked())
        };
        Shown::optional(value.as_ref().map(mask))
    }

    fn is_secret(&self) -> bool {
        true
    }
}

impl Format<DatabaseUrl> for DatabaseAddress {
    fn right(&self) -> String {
        "`sqlite://file.db`, `sqlite:///absolute/file.db` or `postgres://user:password@host:port/database`".into()
    }

    fn read(&self, value: &Value) -> Result<DatabaseUrl, Wrong> {
        DatabaseUrl::parse(text(value)?).map_err(|error| Wrong::new(error.to_string()))
    }

    fn show(&self, value: &DatabaseUrl) -> Shown {
        Shown::Text(value.masked())
    }

    fn is_secret(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_secret_has_32_bytes_or_more() {
        assert!(SigningSecret.read(&Value::from("x".repeat(31))).is_err());
        assert!(SigningSecret.read(&Value::from(1234)).is_err());
        assert!(
            SigningSecret
                .read(&Value::from(""))
                .is_ok_and(|secret| secret.is_none())
        );
        let secret = SigningSecret
            .read(&Value::from(format!(" {} ", "é".repeat(15))))
            .unwrap();
        assert_eq!(
            secret.as_ref().map(|secret| secret.expose_secret().len()),
            Some(32)
        );
        assert_eq!(SigningSecret.show(&secret), Shown::Text("***".into()));
        assert_eq!(SigningSecret.show(&None), Shown::Text(String::new()));
    }

    #[test]
    fn a_token_must_fit_into_a_header() {
        assert!(
            Token
                .read(&Value::from("s3cret~"))
                .is_ok_and(|token| token.is_some())
        );
        for bad in ["a b", "a\n", "é"] {
            assert!(Token.read(&Value::from(bad)).is_err());
        }
    }

    #[test]
    fn a_redis_address_names_one_host_and_shows_without_its_password() {
        let url = RedisUrl
            .read(&Value::from("rediss://:canary@cache:6379/2"))
            .unwrap();
        assert_eq!(
            RedisUrl.show(&url),
            Shown::Text("rediss://:***@cache:6379/2".into())
        );
        assert!(
            RedisUrl
                .read(&Value::from(""))
                .is_ok_and(|url| url.is_none())
        );
        for bad in [
            "cache:6379",
            "http://cache",
            "redis://",
            "redis://a,b",
            "redis://a/x",
            "redis://:p@q@a",
        ] {
            assert!(RedisUrl.read(&Value::from(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_message_repeats_a_secret() {
        let values = [
            "canary",
            "canary canary",
            "postgres://canary:can@ary@canary/d",
            "canary://canary",
            "redis://canary,canary",
        ];
        for value in values.map(Value::from) {
            let faults = [
                SigningSecret.read(&value).err(),
                Token.read(&value).err(),
                RedisUrl.read(&value).err(),
                DatabaseAddress.read(&value).err(),
            ];
            assert!(faults.iter().flatten().count() >= 2);
            assert!(!format!("{faults:?}").contains("canary"));
        }
    }
}
