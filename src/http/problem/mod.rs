//! Errors as answers: `application/problem+json` (RFC 9457), from every layer, made in this one place.
//!
//! A [`ProblemType`] is the kind, declared once as a constant by the room that it belongs to; a [`Problem`] is one
//! occurrence. Its `source` goes to the log and never to the client.

mod database;
pub mod kinds;
mod pages;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry;

use super::metrics::Rejection;

pub(super) use database::retry_after;
pub use pages::Explanations;
pub(super) use pages::{__path_show_problem, show_problem};

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A kind of problem. `GET /problems/{code}` is made of these.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// The stable code that programs match on.
    pub code: &'static str,
    /// The HTTP status that it is sent with.
    pub status: u16,
    /// The kind in a few words, the same for each occurrence.
    pub title: &'static str,
    /// What happened, in prose.
    pub meaning: &'static str,
    /// What whoever gets it should do.
    pub remedy: &'static str,
}

/// One field that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it is, as `items[0].quantity`; empty for the body as a whole.
    #[schema(example = "items[0].quantity")]
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    #[schema(example = "must be between 1 and 1000")]
    pub message: Cow<'static, str>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody<'a> {
    /// Relative reference to the page that explains the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/out_of_stock")]
    pub type_: Cow<'a, str>,
    /// The kind in a few words.
    pub title: &'a str,
    /// The HTTP status, repeated.
    #[schema(example = 409)]
    pub status: u16,
    /// This occurrence, in a sentence.
    pub detail: &'a str,
    /// The stable code.
    #[schema(example = "out_of_stock")]
    pub code: &'a str,
    /// The request, as in the `X-Request-Id` header and in the log.
    pub request_id: &'a str,
    /// The fields at fault, where fields are.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldError],
}

/// One occurrence of a problem.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: &'static ProblemType,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    retry_after: Option<Duration>,
    closing: bool,
    rejection: Option<Rejection>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Problem {
    /// A problem of this kind, with the kind's meaning as its detail.
    pub fn new(kind: &'static ProblemType) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: None,
            errors: Vec::new(),
            headers: Vec::new(),
            retry_after: None,
            closing: false,
            rejection: None,
            source: None,
        }))
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names a field at fault and what is wrong with it.
    #[must_use]
    pub fn field(
        mut self,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.0.errors.push(FieldError {
            field: field.into(),
            message: message.into(),
        });
        self
    }

    /// Names several fields at fault.
    #[must_use]
    pub fn fields(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.0.errors.extend(errors);
        self
    }

    /// Says when another try makes sense. Sent in whole seconds, rounded up, 1 at least.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Has the connection closed after the answer, and the answer say so: what may still come on it is no request.
    /// A `Connection` header would not do: Actix writes its own.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.0.closing = true;
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Keeps the cause, for the log only.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Has it counted in `http_requests_rejected_total`.
    #[must_use]
    pub fn rejected(mut self, reason: Rejection) -> Self {
        self.0.rejection = Some(reason);
        self
    }

    /// Its kind.
    pub fn kind(&self) -> &'static ProblemType {
        self.0.kind
    }

    /// The detail as it is sent.
    pub fn detail_text(&self) -> &str {
        self.0.detail.as_deref().unwrap_or(self.0.kind.meaning)
    }

    /// The fields at fault.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    pub(super) fn is_closing(&self) -> bool {
        self.0.closing
    }

    pub(super) fn rejection(&self) -> Option<Rejection> {
        self.0.rejection
    }

    /// The cause, for the log.
    pub(super) fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }

    /// What `Retry-After` says.
    pub(super) fn retry_after_seconds(&self) -> Option<u64> {
        let after = self.0.retry_after?;
        let begun = u64::from(after.subsec_nanos() > 0);
        Some(after.as_secs().saturating_add(begun).max(1))
    }

    /// The body of the answer to this request.
    pub(super) fn document(&self, request_id: &str) -> serde_json::Result<Vec<u8>> {
        let kind = self.0.kind;
        serde_json::to_vec(&ProblemBody {
            type_: Cow::Owned(format!("/problems/{}", kind.code)),
            title: kind.title,
            status: kind.status,
            detail: self.detail_text(),
            code: kind.code,
            request_id,
            errors: &self.0.errors,
        })
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.code)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause()
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let context = telemetry::current();
        let request_id = context
            .as_ref()
            .map_or("", |context| context.request_id().as_str());
        let mut response = HttpResponse::build(self.status());
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        for (name, value) in &self.0.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        if self.0.closing {
            response.force_close();
        }
        match self.document(request_id) {
            Ok(bytes) => response.body(bytes),
            Err(_unserialisable) => response.finish(),
        }
    }
}
