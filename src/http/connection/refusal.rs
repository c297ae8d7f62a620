//! How a connection is answered where there is no request that could be: as a problem, like everything else, but written
//! by the connection itself.

use std::sync::Arc;

use actix_web::ResponseError as _;
use actix_web::body::MessageBody as _;

use super::super::metrics::Closing;
use super::super::problem::Problem;
use super::super::problem::kinds::{
    HEAD_TOO_LARGE, MALFORMED_REQUEST, OVERLOADED, REQUEST_TIMEOUT,
};
use super::framing::Fault;
use crate::telemetry::{self, RequestContext, RequestId};

/// Why a connection ends before its client wants it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Refusal {
    /// What came is wrong.
    Fault(Fault),
    /// A head did not come in time.
    LateHead,
    /// A body did not.
    LateBody,
    /// There are as many connections as there may be.
    TooMany,
    /// There are as many of this address.
    TooManyOfOneAddress,
}

impl Refusal {
    /// As it is counted.
    pub(super) fn reason(self) -> Closing {
        match self {
            Self::Fault(_) => Closing::Malformed,
            Self::LateHead => Closing::HeaderTimeout,
            Self::LateBody => Closing::BodyTimeout,
            Self::TooMany => Closing::Limit,
            Self::TooManyOfOneAddress => Closing::AddressLimit,
        }
    }

    /// The whole answer; none where a request has one of its own, because its head was good.
    pub(in crate::http) fn answer(self) -> Option<Vec<u8>> {
        let detail = match self {
            Self::Fault(Fault::Head) => {
                "The head is no HTTP/1.1, or can be read in more than one way."
            }
            Self::LateHead => {
                "The head was not complete within the time allowed for it (server.header_timeout)."
            }
            Self::TooMany => "More connections are open than the service keeps.",
            Self::TooManyOfOneAddress => {
                "More connections of this address are open than the service keeps for one."
            }
            Self::Fault(Fault::HeadTooLarge) => HEAD_TOO_LARGE.meaning,
            Self::Fault(Fault::Body) | Self::LateBody => return None,
        };
        let kind = match self {
            Self::LateHead => &REQUEST_TIMEOUT,
            Self::TooMany | Self::TooManyOfOneAddress => &OVERLOADED,
            Self::Fault(Fault::HeadTooLarge) => &HEAD_TOO_LARGE,
            _ => &MALFORMED_REQUEST,
        };
        let mut problem = Problem::new(kind).detail(detail);
        if kind.status == 503 {
            problem = problem.retry_after(std::time::Duration::from_secs(1));
        }
        written(&problem)
    }
}

fn written(problem: &Problem) -> Option<Vec<u8>> {
    let context = Arc::new(RequestContext::new(RequestId::generate(), None, false));
    let id = context.request_id().as_str().to_owned();
    let response = telemetry::with_context(context, || problem.error_response());
    let mut answer = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    let headers = response.headers().iter();
    let ours = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let body_less = [
        ("connection", &b"close"[..]),
        ("x-request-id", id.as_bytes()),
        ("x-content-type-options", b"nosniff"),
        ("referrer-policy", b"no-referrer"),
    ];
    for (name, value) in ours.chain(body_less) {
        answer.extend_from_slice(name.as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value);
        answer.extend_from_slice(b"\r\n");
    }
    let body = response.into_body().try_into_bytes().ok()?;
    answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    answer.extend_from_slice(&body);
    Some(answer)
}
