//! The `Idempotency-Key` of a request: reading it, and telling whether two requests are the same one.
//!
//! Pure; where the record lives and who wins a race is the business of `placing.rs`. The header follows
//! draft-ietf-httpapi-idempotency-key-header-07, which asks for a quoted string (RFC 9651, section 3.3.3); because most
//! clients send the bare text, that is taken too, and `"k"` and `k` are one key.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long a record answers for its key.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);

/// A record made before this moment counts as absent, and may be swept.
pub fn cutoff(now: DateTime<Utc>) -> DateTime<Utc> {
    #[cfg(feature = "planted-bugs")]
    if crate::planted::Bug::ShortMemory.is_planted() {
        return now - TimeDelta::seconds(2);
    }
    now - RETENTION
}

/// A client's name for one attempt to do something: 1 to 255 visible ASCII characters. `Debug` does not show it: some
/// clients put personal data into it.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Why a header is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// The header came more than once.
    #[error("it was sent more than once")]
    Repeated,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// More than 255 characters.
    #[error("it is longer than {} characters", IdempotencyKey::MAX_LENGTH)]
    TooLong,
    /// A space, a control character or something beyond ASCII.
    #[error("it holds something else than visible ASCII characters")]
    NotVisible,
    /// A quote that is not closed, text after the closing one, or a backslash before anything but `"` and `\`.
    #[error("it begins with a quote but is no quoted string")]
    BadQuotes,
}

impl IdempotencyKey {
    /// Most characters, counted without quotes and escapes.
    pub const MAX_LENGTH: usize = 255;

    /// Reads the header's lines, of which there may be none or one.
    pub fn from_lines<'a>(
        mut lines: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Self>, MalformedKey> {
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => Self::parse(line).map(Some),
            (Some(_), Some(_)) => Err(MalformedKey::Repeated),
        }
    }

    /// Reads one header value: a quoted string, or else the bare key.
    pub fn parse(value: &[u8]) -> Result<Self, MalformedKey> {
        let value = value.trim_ascii();
        let key = match value.strip_prefix(b"\"") {
            Some(rest) => unquote(rest)?,
            None => value.to_vec(),
        };
        if key.is_empty() {
            return Err(MalformedKey::Empty);
        }
        if key.len() > Self::MAX_LENGTH {
            return Err(MalformedKey::TooLong);
        }
        if !key.iter().all(u8::is_ascii_graphic) {
            return Err(MalformedKey::NotVisible);
        }
        String::from_utf8(key)
            .map(Self)
            .map_err(|_not_ascii| MalformedKey::NotVisible)
    }

    /// The key, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number by which replicas find out that one of them is at work on this key of this account. Two keys that
    /// share one (1 in 2^64) are told to try again when they meet, and lose nothing.
    pub fn lock_number(&self, account: Uuid) -> i64 {
        let mut hash = Sha256::new();
        hash.update(account.as_bytes());
        hash.update(self.0.as_bytes());
        hash.finalize()
            .first_chunk()
            .map_or(0, |first| i64::from_be_bytes(*first))
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(..)")
    }
}

/// What stands between the quotes; `rest` begins behind the first one.
fn unquote(rest: &[u8]) -> Result<Vec<u8>, MalformedKey> {
    let mut key = Vec::with_capacity(rest.len());
    let mut bytes = rest.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            // Nothing may follow the closing quote.
            b'"' if bytes.len() == 0 => return Ok(key),
            b'"' => break,
            b'\\' => match bytes.next() {
                Some(escaped @ (b'"' | b'\\')) => key.push(escaped),
                _ => break,
            },
            other => key.push(other),
        }
    }
    Err(MalformedKey::BadQuotes)
}

/// What a request asked for, in 32 bytes: SHA-256 over method, route and the body in its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// `route` is the template; `canonical_body` is made from the parsed request, so that white space, the order of
    /// fields and the spelling of ids make no difference.
    pub fn of(method: &str, route: &str, canonical_body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        // Neither a method nor a route holds a line feed, so no two requests run into one text.
        for part in [
            method.as_bytes(),
            b"\n",
            route.as_bytes(),
            b"\n",
            canonical_body,
        ] {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// For storing.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(value: &str) -> Result<String, MalformedKey> {
        IdempotencyKey::parse(value.as_bytes()).map(|key| key.0)
    }

    #[test]
    fn quoted_and_bare_forms_are_read() {
        for (value, expected) in [
            ("k", "k"),
            (r#""k""#, "k"),
            ("  k\t", "k"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            (r#"a"b\c"#, r#"a"b\c"#),
            (
                "8e03978e-40d5-43e8-bc93-6894a57f9324",
                "8e03978e-40d5-43e8-bc93-6894a57f9324",
            ),
            ("a,b;c=d", "a,b;c=d"),
        ] {
            assert_eq!(key(value).as_deref(), Ok(expected), "{value}");
        }
        assert_eq!(key(&"x".repeat(255)).map(|key| key.len()), Ok(255));
        assert_eq!(
            key(&format!("\"{}\"", r"\\".repeat(255))).map(|key| key.len()),
            Ok(255)
        );
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_reason() {
        use MalformedKey::{BadQuotes, Empty, NotVisible, TooLong};
        for (value, expected) in [
            ("", Empty),
            ("  ", Empty),
            (r#""""#, Empty),
            ("a b", NotVisible),
            (r#""a b""#, NotVisible),
            ("a, b", NotVisible),
            ("ä", NotVisible),
            ("a\x7f", NotVisible),
            ("\"", BadQuotes),
            (r#""k"#, BadQuotes),
            (r#""k\""#, BadQuotes),
            (r#""a\b""#, BadQuotes),
            (r#""k"x"#, BadQuotes),
            (r#""k", "l""#, BadQuotes),
            (r#""k";p=1"#, BadQuotes),
            (&"x".repeat(256), TooLong),
        ] {
            assert_eq!(key(value), Err(expected), "{value}");
        }
    }

    #[test]
    fn a_header_may_be_missing_but_not_repeated() {
        let read = |lines: &[&'static [u8]]| IdempotencyKey::from_lines(lines.iter().copied());
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"k"]), Ok(Some(IdempotencyKey("k".to_owned()))));
        assert_eq!(read(&[b"k", b"k"]), Err(MalformedKey::Repeated));
    }

    #[test]
    fn a_key_is_not_printed_and_its_lock_is_its_accounts_own() {
        let key = IdempotencyKey("canary".to_owned());
        assert!(!format!("{key:?}").contains("canary"));
        assert_eq!(
            key.lock_number(Uuid::nil()),
            key.clone().lock_number(Uuid::nil())
        );
        assert_ne!(key.lock_number(Uuid::nil()), key.lock_number(Uuid::max()));
    }

    #[test]
    fn a_fingerprint_differs_by_method_route_and_body() {
        let one = Fingerprint::of("POST", "/orders", b"a");
        assert_eq!(one, Fingerprint::of("POST", "/orders", b"a"));
        for other in [
            ("PUT", "/orders", "a"),
            ("POST", "/order", "sa"),
            ("POST", "/orders", "b"),
        ] {
            assert_ne!(one, Fingerprint::of(other.0, other.1, other.2.as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn quoted_and_bare_are_one_key(bare in "[!#-~][!-~]{0,254}") {
            let quoted = format!("\"{}\"", bare.replace('\\', r"\\").replace('"', "\\\""));
            prop_assert_eq!(key(&quoted), key(&bare));
            prop_assert_eq!(key(&bare), Ok(bare));
        }

        #[test]
        fn whatever_is_sent_is_read_or_refused(value in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(key) = IdempotencyKey::parse(&value) {
                prop_assert!((1..=255).contains(&key.0.len()) && key.0.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
