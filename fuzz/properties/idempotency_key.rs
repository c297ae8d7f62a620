//! What holds for every value of the `Idempotency-Key` header: it is a key exactly when the API's document says so. The
//! oracle is the pattern in docs/openapi.json, by which clients check what they send.
//!
//! An input is the value of the header.

use std::sync::LazyLock;

use actix_web::http::header::HeaderValue;
use glasshouse::orders::idempotency::{IdempotencyKey, MalformedKey};
use regex::bytes::Regex;
use serde_json::Value;
use uuid::Uuid;

static DOCUMENTED: LazyLock<Regex> = LazyLock::new(|| {
    let document = include_str!("../../docs/openapi.json");
    let document: Value = serde_json::from_str(document).expect("JSON");
    let parameters = &document["paths"]["/api/v1/orders"]["post"]["parameters"];
    let parameters = parameters.as_array().expect("parameters");
    let mut named = parameters.iter();
    let key = named.find(|parameter| parameter["name"] == "Idempotency-Key");
    let pattern = &key.expect("the header")["schema"]["pattern"];
    Regex::new(pattern.as_str().expect("a pattern")).expect("a regular expression")
});

/// Panics where something does not.
pub(super) fn holds(data: &[u8]) {
    let read = IdempotencyKey::parse(data);
    lines(data, &read);
    match &read {
        Ok(key) => accepted(key),
        Err(reason) => refused(data, *reason),
    }
    // No request brings other bytes than these.
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    let sent = without_blanks(value.as_bytes());
    let shown = data.escape_ascii();
    assert_eq!(read.is_ok(), DOCUMENTED.is_match(sent), "{shown}");
    if let Ok(key) = read {
        let quoted = sent.starts_with(b"\"");
        let spelt = if quoted {
            quote(key.as_str())
        } else {
            key.as_str().to_owned()
        };
        assert_eq!(spelt.as_bytes(), sent, "not what was sent");
    }
}

/// There is a key where there is one line, none where there is none, and nobody chooses among two.
fn lines(data: &[u8], read: &Result<IdempotencyKey, MalformedKey>) {
    let of = |lines: &[&[u8]]| {
        // By hand, because the lines are borrowed for different times.
        IdempotencyKey::from_lines(lines.iter().copied())
    };
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&[data]), read.clone().map(Some));
    assert_eq!(of(&[data, data]), Err(MalformedKey::Repeated));
}

fn accepted(key: &IdempotencyKey) {
    let text = key.as_str();
    assert!((1..=IdempotencyKey::MAX_LENGTH).contains(&text.len()));
    assert!(text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
    // Quoted it is the same key, with the same lock; bare too, unless it would then be read as a quoted one.
    let quoted = IdempotencyKey::parse(quote(text).as_bytes());
    let quoted = quoted.expect("a key that is quoted is a key");
    assert_eq!(&quoted, key);
    let account = Uuid::from_u128(7);
    assert_eq!(quoted.lock_number(account), key.lock_number(account));
    if !text.starts_with('"') {
        assert_eq!(IdempotencyKey::parse(text.as_bytes()).as_ref(), Ok(key));
    }
    assert_eq!(format!("{key:?}"), "IdempotencyKey(..)", "it shows itself");
}

/// The reason is one that the value gives.
fn refused(data: &[u8], reason: MalformedKey) {
    let bare = data.trim_ascii();
    let holds = match reason {
        MalformedKey::Repeated => false,
        MalformedKey::Empty => bare.is_empty() || bare == b"\"\"",
        MalformedKey::TooLong => bare.len() > IdempotencyKey::MAX_LENGTH,
        MalformedKey::NotVisible => bare.iter().any(|byte| !(b'!'..=b'~').contains(byte)),
        MalformedKey::BadQuotes => bare.starts_with(b"\""),
    };
    assert!(holds, "{}: {reason}", data.escape_ascii());
}

/// RFC 9651, section 4.1.6.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Without the blanks around it that HTTP allows (RFC 9110, section 5.5).
fn without_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
