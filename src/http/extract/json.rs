//! A JSON body: its media type, its size and the time it takes, its syntax, its fields and their rules.
//!
//! 415, 413, 408 and 400 are told apart from 422, and a 422 names each field. Unknown fields are refused, if the type
//! says `deny_unknown_fields`: a misspelt field that is ignored is a wrong order.

use std::ops::Deref;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use garde::Validate;
use serde::de::DeserializeOwned;

use super::object::Object;
use crate::http::connection::Peer;
use crate::http::metrics::Rejection;
use crate::http::problem::kinds::{
    BODY_TOO_LARGE, INVALID_BODY, MALFORMED_REQUEST, REQUEST_TIMEOUT, UNSUPPORTED_MEDIA_TYPE,
};
use crate::http::problem::{FieldError, Problem};

/// The limits of every body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// The most bytes.
    pub size: usize,
    /// The longest that the whole body may take, where the connection does not see to it.
    pub time: Duration,
}

/// A body that is JSON and keeps the rules of its type.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> FromRequest for Json<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_head(request);
        let payload = payload.take();
        let peer = request.conn_data::<Peer>().cloned();
        Box::pin(async move {
            let limits = checked?;
            let bytes = read(payload, limits, peer).await?;
            let value: T = parse(&bytes)?;
            value.validate().map_err(broken_rules)?;
            Ok(Self(value))
        })
    }
}

/// What can be refused before a byte of the body is read.
fn check_head(request: &HttpRequest) -> Result<BodyLimits, Problem> {
    let limits = request.app_data::<Data<BodyLimits>>().map_or(
        BodyLimits {
            size: 64 * 1024,
            time: Duration::from_secs(10),
        },
        |limits| *limits.get_ref(),
    );
    let headers = request.headers();
    if !headers.get(CONTENT_TYPE).is_some_and(is_json) {
        return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE));
    }
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE).detail("Compressed bodies are not read."));
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.size as u64) {
        return Err(too_large(limits.size));
    }
    Ok(limits)
}

/// `application/json`, with no parameter but `charset=utf-8`.
fn is_json(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter.is_empty()
                || parameter.split_once('=').is_some_and(|(name, value)| {
                    name.trim().eq_ignore_ascii_case("charset")
                        && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
                })
        })
}

async fn read(
    mut payload: Payload,
    limits: BodyLimits,
    peer: Option<Peer>,
) -> Result<Bytes, Problem> {
    // A connection of the public listener sees to the time itself, and for bodies that nobody reads too.
    let watched = peer.is_some();
    let whole = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                if peer.as_ref().is_some_and(Peer::is_late) {
                    too_slow()
                } else {
                    broken_off(&error)
                }
            })?;
            if bytes.len() + chunk.len() > limits.size {
                return Err(too_large(limits.size));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    if watched {
        return whole.await;
    }
    match tokio::time::timeout(limits.time, whole).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(too_slow()),
    }
}

fn too_slow() -> Problem {
    Problem::new(&REQUEST_TIMEOUT)
        .rejected(Rejection::Timeout)
        .closing()
}

fn too_large(limit: usize) -> Problem {
    Problem::new(&BODY_TOO_LARGE)
        .detail(format!("The body may have {limit} bytes at most."))
        .rejected(Rejection::Payload)
}

/// The client went away in the middle, or its chunks are no chunks. Nobody reads this answer in the first case; the
/// access line tells it as 499.
fn broken_off(error: &PayloadError) -> Problem {
    Problem::new(&MALFORMED_REQUEST)
        .detail("The body ended before it was complete, or its framing is wrong.")
        .closing()
        .source(error.to_string())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Object(value) =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| unreadable(&error))?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(&MALFORMED_REQUEST).detail(format!(
        "The body is not JSON: it stops making sense at line {}, column {}.",
        error.line(),
        error.column()
    ))
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if !inner.is_data() {
        return malformed(inner);
    }
    let text = inner.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _position)| message);
    let path = error.path().to_string();
    let field = match (path.as_str(), named_field(message)) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => String::new(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (path, _) => path.to_owned(),
    };
    let name: String = field.chars().take(LONGEST_NAME).collect();
    Problem::new(&INVALID_BODY).field(name, without_value(message))
}

/// The most characters of a field's name that are sent back: an unknown one may be as long as the body.
const LONGEST_NAME: usize = 100;

/// What serde says, without the value that it says it of: that may be a secret in the wrong place, and is of any length.
fn without_value(message: &str) -> String {
    let what = ["invalid type: ", "invalid value: "]
        .into_iter()
        .find_map(|what| {
            let (got, expected) = message.strip_prefix(what)?.rsplit_once(", expected ")?;
            let sort = got.split(['"', '`']).next()?.trim();
            Some(format!("{what}{sort}, expected {expected}"))
        });
    let unknown = || {
        let (_name, expected) = message
            .strip_prefix("unknown field `")?
            .rsplit_once("`, expected ")?;
        Some(format!("unknown field, expected {expected}"))
    };
    what.or_else(unknown)
        .unwrap_or_else(|| message.chars().take(200).collect())
}

/// The field that serde complains about in words only: an unknown or a missing one.
fn named_field(message: &str) -> Option<&str> {
    let rest = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))?;
    rest.split('`').next()
}

fn broken_rules(report: garde::Report) -> Problem {
    let errors = report
        .into_inner()
        .into_iter()
        .map(|(path, error)| FieldError {
            field: path.to_string().into(),
            message: error.message().to_owned().into(),
        });
    Problem::new(&INVALID_BODY).fields(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[garde(dive)]
        #[serde(deserialize_with = "super::super::objects")]
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[garde(range(min = 1, max = 9))]
        quantity: i64,
    }

    fn fault(body: &str) -> (u16, Vec<(String, String)>) {
        let problem = match parse::<Outer>(body.as_bytes()) {
            Ok(value) => broken_rules(value.validate().unwrap_err()),
            Err(problem) => problem,
        };
        let errors = problem
            .errors()
            .iter()
            .map(|error| (error.field.to_string(), error.message.to_string()))
            .collect();
        (problem.kind().status, errors)
    }

    #[test]
    fn what_is_not_json_is_400_without_fields() {
        for body in ["", "{", "{\"items\": [}", "{\"items\": []} x", "\u{feff}{}"] {
            assert_eq!(fault(body), (400, vec![]), "{body:?}");
        }
    }

    #[test]
    fn a_fault_in_a_field_is_422_and_names_it() {
        for (body, field) in [
            ("{}", "items"),
            ("{\"items\": [], \"extra\": 1}", "extra"),
            ("{\"items\": 1}", "items"),
            (
                "{\"items\": [{\"quantity\": 1}, {\"quantity\": \"two\"}]}",
                "items[1].quantity",
            ),
            ("{\"items\": [{}]}", "items[0].quantity"),
            (
                "{\"items\": [{\"quantity\": 1, \"colour\": 2}]}",
                "items[0].colour",
            ),
            ("{\"items\": [{\"quantity\": 10}]}", "items[0].quantity"),
            ("[]", ""),
            ("[[]]", ""),
            ("{\"items\": [[1]]}", "items[0]"),
        ] {
            let (status, errors) = fault(body);
            assert_eq!(status, 422, "{body}");
            assert!(
                errors.iter().any(|(name, _)| name == field),
                "{body}: {errors:?}"
            );
        }
    }

    #[test]
    fn no_value_is_sent_back() {
        for (body, expected) in [
            (
                "{\"items\": \"a, expected b\"}",
                "invalid type: string, expected a list of objects",
            ),
            (
                "{\"items\": 5}",
                "invalid type: integer, expected a list of objects",
            ),
            (
                "{\"items\": [{\"quantity\": 1.5}]}",
                "invalid type: floating point, expected i64",
            ),
        ] {
            assert_eq!(fault(body).1[0].1, expected);
        }
        let (_, errors) = fault(&format!("{{\"items\": [], \"{}\": 1}}", "x".repeat(5_000)));
        assert!(
            errors[0].0.len() == LONGEST_NAME && errors[0].1 == "unknown field, expected `items`",
            "{errors:?}"
        );
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;", true),
            ("application/json; charset=latin1", false),
            ("application/json; x=y", false),
            ("application/jsonx", false),
            ("text/plain", false),
        ] {
            assert_eq!(
                is_json(&HeaderValue::from_static(value)),
                expected,
                "{value}"
            );
        }
    }
}
