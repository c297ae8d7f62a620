//! What holds for every cursor and every `?limit=`: what was given out leads back to where it was given out, and nothing
//! else leads anywhere. The oracle is another reading of base64 (RFC 4648, section 5), made of bits.
//!
//! An input is a cursor; what follows a line feed is a limit.

use actix_web::FromRequest as _;
use actix_web::http::Uri;
use actix_web::test::TestRequest;
use glasshouse::http::extract::{Cursor, Page};
use uuid::Uuid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Panics where something does not.
pub(super) fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (cursor, limit) = match text.split_once('\n') {
        Some((cursor, limit)) => (cursor, Some(limit)),
        None => (&*text, None),
    };
    let expected = position(cursor);
    assert_eq!(Cursor::decode(cursor), expected, "{cursor:?}");
    if let Some(id) = expected {
        assert_eq!(Cursor::encode(id), cursor, "two cursors for one position");
    }
    // Any 16 bytes are a position.
    let mut bytes = [0; 16];
    let length = data.len().min(16);
    bytes[..length].copy_from_slice(&data[..length]);
    let id = Uuid::from_bytes(bytes);
    assert_eq!(position(&Cursor::encode(id)), Some(id));
    assert_eq!(Cursor::decode(&Cursor::encode(id)), Some(id));

    asked_for(cursor, limit, expected);
    as_it_came(data);
}

/// The same in a query string, where every byte may be escaped.
fn asked_for(cursor: &str, limit: Option<&str>, expected: Option<Uuid>) {
    let limited = limit.map(|limit| format!("&limit={}", escaped(limit)));
    let query = format!(
        "/?cursor={}{}",
        escaped(cursor),
        limited.unwrap_or_default()
    );
    // A URI has an end: longer ones are refused before anybody reads them.
    let Ok(uri) = Uri::try_from(query) else {
        return;
    };
    let wanted = match limit {
        None => Some(20),
        Some(text) => between_1_and_100(text),
    };
    match (page(&uri), expected, wanted) {
        (Ok(page), Some(id), Some(limit)) => {
            assert_eq!((page.after, page.limit), (Some(id), limit), "{uri}");
        }
        (Err(fields), cursor, limit) if cursor.is_none() || limit.is_none() => {
            let mut at_fault = Vec::new();
            at_fault.extend(limit.is_none().then_some("limit"));
            at_fault.extend(cursor.is_none().then_some("cursor"));
            assert_eq!(fields, at_fault, "{uri}");
        }
        (read, ..) => panic!("{uri} was read as {read:?}"),
    }
}

/// Bytes that stand in a query string as they are: whatever they mean, a page has its bounds and a refusal is the client's.
fn as_it_came(data: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/?", data].concat()) else {
        return;
    };
    if let Ok(page) = page(&uri) {
        assert!((1..=100).contains(&page.limit), "{uri}: {page:?}");
    }
}

/// The page, or the parameters that are at fault.
fn page(uri: &Uri) -> Result<Page, Vec<String>> {
    let request = TestRequest::with_uri(&uri.to_string()).to_http_request();
    let read = Page::from_request(&request, &mut actix_web::dev::Payload::None).into_inner();
    read.map_err(|problem| {
        let kind = problem.kind();
        assert_eq!((kind.status, kind.code), (400, "invalid_parameter"));
        let errors = problem.errors().iter();
        errors.map(|error| error.field.to_string()).collect()
    })
}

/// The id in a cursor: 136 bits, of which the first eight say 1, in 23 characters whose last two bits are not used.
fn position(cursor: &str) -> Option<Uuid> {
    if cursor.len() != 23 {
        return None;
    }
    let mut bits = Vec::new();
    for byte in cursor.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let byte = |bits: &[usize]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    let bytes: Vec<_> = bits.chunks(8).map(byte).collect();
    if bytes[0] != 1 || bytes[17] != 0 {
        return None;
    }
    let id = bytes[1..17].iter();
    let number = id.fold(0, |number, byte| number << 8 | *byte as u128);
    Some(Uuid::from_u128(number))
}

/// A whole number as people write it, but for zeros and a plus before it, which do no harm.
fn between_1_and_100(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let significant = digits.trim_start_matches('0');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (1..=100).find(|number| is_number && number.to_string() == significant)
}

fn escaped(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}
