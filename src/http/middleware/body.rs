//! The body of a request, as far as the gate is concerned: a request holds no slot while its client takes his time to send
//! it, and one that is refused has a small one swallowed, so that its connection can be used again.

use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::super::admission::Permit;

/// Larger bodies of refused requests are not swallowed.
pub(super) const SWALLOWED: usize = 16 * 1024;
/// Nor those that are not there by then. Most come together with their head.
const PATIENCE: Duration = Duration::from_millis(5);

/// Has the permit lent to others whenever the body is waited for.
pub(super) fn lends(request: &mut ServiceRequest, permit: &Rc<Permit>) {
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let permit = Rc::downgrade(permit);
            let payload = Box::pin(Awaited { payload, permit });
            request.set_payload(Payload::Stream { payload });
        }
    }
}

/// Reads a small body that is there, or as good as.
pub(super) async fn swallow(request: &mut ServiceRequest) {
    let mut payload = match request.take_payload() {
        Payload::None => return,
        payload => payload,
    };
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length <= SWALLOWED) {
        let all = async { while let Some(Ok(_)) = payload.next().await {} };
        // What is not there by then goes with its connection.
        let _late = tokio::time::timeout(PATIENCE, all).await;
    }
}

/// A body that somebody waits for.
struct Awaited {
    payload: Payload,
    /// Of the request, as long as that is under way.
    permit: Weak<Permit>,
}

impl Stream for Awaited {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.payload.poll_next_unpin(cx);
        if let Some(permit) = self.permit.upgrade() {
            match polled {
                Poll::Pending => permit.lend(),
                Poll::Ready(_) => permit.take_back(),
            }
        }
        polled
    }
}
