//! What holds for every problem, whatever is in it: it is sent as one JSON document with the members that are promised,
//! nothing of it becomes a header, and on a page nothing of it becomes markup.
//!
//! An input is in parts, with a byte between them that no text has (`0xFF`): the numbers, then the detail, the value of a
//! header, the name of the request, and fields with their messages.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::ResponseError as _;
use actix_web::body::MessageBody as _;
use actix_web::http::header::{ACCEPT, HeaderName, HeaderValue};
use glasshouse::http::html;
use glasshouse::http::problem::kinds::PROBLEMS;
use glasshouse::http::problem::{FieldError, PROBLEM_JSON, Problem, ProblemType};
use glasshouse::telemetry::{RequestContext, RequestId, with_context};
use serde_json::{Map, Value, json};

/// A header that some problems add.
const ADDED: HeaderName = actix_web::http::header::WWW_AUTHENTICATE;

/// What goes into a problem.
struct Contents {
    kind: &'static ProblemType,
    detail: Option<String>,
    fields: Vec<(String, String)>,
    header: Option<HeaderValue>,
    retry_after: Option<Duration>,
    request_id: Option<RequestId>,
}

/// Panics where something does not.
pub(super) fn holds(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0xFF);
    let numbers = parts.next().unwrap_or_default();
    let mut texts = parts.map(|part| String::from_utf8_lossy(part).into_owned());
    let mut number = numbers.iter().copied();
    let mut number = || number.next().unwrap_or_default();
    let (kind, has, seconds, nanoseconds) = (number(), number(), number(), number());
    let detail = texts.next().filter(|_| has & 1 != 0);
    let header = texts
        .next()
        .and_then(|text| HeaderValue::from_str(&text).ok());
    let request_id = texts.next().and_then(|text| RequestId::parse(&text));
    let fields: Vec<_> = texts.collect();
    let (pairs, _) = fields.as_chunks::<2>();
    let seconds = match seconds {
        // The longest time that there is, and everyday ones.
        0xFE => u64::MAX,
        seconds => seconds.into(),
    };
    rendered(&Contents {
        kind: PROBLEMS[usize::from(kind) % PROBLEMS.len()],
        detail,
        fields: pairs.iter().cloned().map(Into::into).collect(),
        header: header.filter(|_| has & 2 != 0),
        retry_after: (has & 4 != 0).then(|| Duration::new(seconds, nanoseconds.into())),
        request_id,
    });
    let text = String::from_utf8_lossy(data);
    shown(&text);
    if let Ok(accept) = HeaderValue::from_bytes(data) {
        let wanted = html::wanted(Some(&accept));
        let named = text.to_ascii_lowercase().contains("text/html");
        assert!(named || !wanted, "{ACCEPT}: {text}");
    }
}

fn rendered(contents: &Contents) {
    let mut problem = Problem::new(contents.kind);
    if let Some(detail) = &contents.detail {
        problem = problem.detail(detail.clone());
    }
    problem = problem.fields(contents.fields.iter().map(|(field, message)| FieldError {
        field: field.clone().into(),
        message: message.clone().into(),
    }));
    if let Some(value) = &contents.header {
        problem = problem.header(ADDED, value.clone());
    }
    if let Some(after) = contents.retry_after {
        problem = problem.retry_after(after);
    }
    let response = match contents.request_id {
        Some(id) => {
            let context = Arc::new(RequestContext::new(id, None, false));
            with_context(context, || problem.error_response())
        }
        None => problem.error_response(),
    };
    assert_eq!(response.status().as_u16(), contents.kind.status);
    assert_eq!(headers(&response), expected_headers(contents));
    let body = bytes(response);
    let raw = body.iter().find(|byte| **byte < b' ' || **byte == 0x7F);
    // DEL may stand in a JSON string; the others may not.
    assert!(
        raw.is_none_or(|byte| *byte == 0x7F),
        "{}",
        body.escape_ascii()
    );
    let document: Value = serde_json::from_slice(&body).expect("a problem is JSON");
    assert_eq!(document, expected_body(contents));
}

fn expected_body(contents: &Contents) -> Value {
    let kind = contents.kind;
    let mut expected = Map::new();
    let mut put = |name: &str, value: Value| expected.insert(name.to_owned(), value);
    put("type", json!(format!("/problems/{}", kind.code)));
    put("title", json!(kind.title));
    put("status", json!(kind.status));
    put(
        "detail",
        json!(contents.detail.as_deref().unwrap_or(kind.meaning)),
    );
    put("code", json!(kind.code));
    let id = contents.request_id.as_ref();
    put(
        "request_id",
        json!(id.map(RequestId::as_str).unwrap_or_default()),
    );
    if !contents.fields.is_empty() {
        let error = |(field, message): &_| json!({"field": field, "message": message});
        put("errors", contents.fields.iter().map(error).collect());
    }
    Value::Object(expected)
}

/// All headers there may be, with their values, sorted.
fn expected_headers(contents: &Contents) -> Vec<(String, Vec<u8>)> {
    let mut expected = vec![("content-type".to_owned(), PROBLEM_JSON.into())];
    if let Some(after) = contents.retry_after {
        let seconds = after
            .as_nanos()
            .div_ceil(1_000_000_000)
            .clamp(1, u64::MAX.into());
        expected.push(("retry-after".to_owned(), seconds.to_string().into()));
    }
    if let Some(value) = &contents.header {
        expected.push((ADDED.to_string(), value.as_bytes().into()));
    }
    expected
}

fn headers(response: &HttpResponse) -> Vec<(String, Vec<u8>)> {
    let headers = response.headers().iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    headers.sort();
    for (name, value) in &headers {
        let breaks = value.iter().any(|byte| b"\r\n\0".contains(byte));
        assert!(!breaks, "{name}: {}", value.escape_ascii());
    }
    headers
}

fn bytes(response: HttpResponse) -> Vec<u8> {
    let bytes = response.into_body().try_into_bytes();
    bytes
        .unwrap_or_else(|_| panic!("a body in one piece"))
        .to_vec()
}

/// Text on a page.
fn shown(text: &str) {
    let escaped = html::escape(text);
    assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped}");
    assert_eq!(read_by_a_browser(&escaped), text);

    let prose = html::prose(text);
    let mut pieces = prose.split("<code>");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_once("</code>").expect("code that ends");
        plain = plain + code + rest;
    }
    assert_eq!(read_by_a_browser(&plain), text.replace('`', ""));
    assert!(!plain.contains(['<', '>', '"', '\'']), "{prose}");

    let frame = bytes(html::page("", ""));
    let page = bytes(html::page(text, &prose));
    let tags = |html: &[u8]| html.split(|byte| *byte == b'<').count();
    let own = prose.matches('<').count();
    assert_eq!(tags(&page), tags(&frame) + own, "{}", page.escape_ascii());
    assert_eq!(page.len(), frame.len() + 2 * escaped.len() + prose.len());
}

/// What the five entities stand for; another `&` is a mistake.
fn read_by_a_browser(html: &str) -> String {
    let mut text = String::new();
    let mut pieces = html.split('&');
    text += pieces.next().unwrap_or_default();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';').expect("an entity ends");
        text.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("no entity of ours: {other}"),
        });
        text += rest;
    }
    text
}
