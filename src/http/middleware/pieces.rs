//! A body handed over in pieces. The dispatcher copies what it is given, and keeps what its client does not take: given
//! whole, the largest answer would be a megabyte for each slow reader.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

/// As large as the dispatcher's buffer.
const PIECE: usize = 32 * 1024;

pin_project! {
    /// The body.
    pub(super) struct Pieces<B> {
        #[pin]
        body: B,
        rest: Bytes,
    }
}

impl<B> Pieces<B> {
    pub(super) fn new(body: B) -> Self {
        Self {
            body,
            rest: Bytes::new(),
        }
    }
}

impl<B: MessageBody> MessageBody for Pieces<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        if this.rest.is_empty() {
            match ready!(this.body.poll_next(cx)) {
                Some(Ok(bytes)) => *this.rest = bytes,
                other => return Poll::Ready(other),
            }
        }
        let length = this.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(this.rest.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_body_comes_in_pieces_and_whole() {
        for length in [0, 1, PIECE, PIECE + 1, 5 * PIECE - 1] {
            let bytes = (0..length).map(|at| at.to_le_bytes()[0]);
            let body: Bytes = bytes.collect();
            let mut pieces = pin!(Pieces::new(body.clone()));
            let mut read = Vec::new();
            while let Some(piece) = poll_fn(|cx| pieces.as_mut().poll_next(cx)).await {
                let piece = piece.unwrap();
                assert!(piece.len() <= PIECE);
                read.extend_from_slice(&piece);
            }
            assert_eq!(read, body);
        }
    }
}
