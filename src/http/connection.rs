//! One connection of the public listener, watched: whether its client is still there.
//!
//! Actix keeps this to itself, and a part of it even from itself: a reset that comes in together with bytes is taken for
//! the end of the input (`read_available` of actix-http's dispatcher), as if the client had only finished sending. Its
//! requests are then worked on and answered into the void. So the stream is watched here, below the dispatcher, and what it
//! said is there for the requests on it. It changes nothing of what is read or written.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpRequest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The other end of a connection, as the requests on it see it. Clones are the same one; each connection lives on one
/// worker.
#[derive(Debug, Clone, Default)]
pub(super) struct Peer {
    state: Rc<Cell<State>>,
    /// Nothing more of it is listened to.
    is_ignored: Rc<Cell<bool>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    There,
    /// It said that it will send no more. It may be listening still, or be gone: nothing more is read that would tell.
    DoneSending,
    Gone,
}

impl Peer {
    /// Whether the connection broke: what is answered now reaches nobody.
    pub(super) fn is_gone(&self) -> bool {
        self.state.get() == State::Gone
    }

    /// Whether only writing to it can tell if it is there.
    pub(super) fn is_done_sending(&self) -> bool {
        self.state.get() == State::DoneSending
    }

    /// Takes whatever else it sends for the end of what it sends, so that the connection ends once the answer is written.
    /// Actix waits without limit for the rest of a chunked body that it was answered in the middle of.
    pub(super) fn ignore(&self) {
        self.is_ignored.set(true);
    }

    fn note_read(&self, outcome: &Poll<io::Result<()>>, read_nothing: bool) {
        match outcome {
            Poll::Ready(Err(_)) => self.state.set(State::Gone),
            Poll::Ready(Ok(())) if read_nothing && !self.is_gone() => {
                self.state.set(State::DoneSending);
            }
            _ => {}
        }
    }

    fn note_written<T>(&self, outcome: &Poll<io::Result<T>>) {
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.state.set(State::Gone);
        }
    }
}

/// Whether the client of a request is known to be gone: whatever is decided now reaches nobody.
pub fn client_is_gone(request: &HttpRequest) -> bool {
    request.conn_data::<Peer>().is_some_and(Peer::is_gone)
}

/// A stream that notes what becomes of its other end.
pub(super) struct Watched<T> {
    stream: T,
    peer: Peer,
}

impl<T> Watched<T> {
    pub(super) fn new(stream: T) -> Self {
        Self {
            stream,
            peer: Peer::default(),
        }
    }

    pub(super) fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.peer.is_ignored.get() {
            return Poll::Ready(Ok(()));
        }
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let read_nothing = room > 0 && buffer.filled().len() == before;
        self.peer.note_read(&outcome, read_nothing);
        outcome
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.peer.note_written(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.peer.note_written(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.peer.note_written(&outcome);
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn pair() -> (TcpStream, Watched<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        (
            client.unwrap(),
            Watched::new(listener.accept().await.unwrap().0),
        )
    }

    #[tokio::test]
    async fn a_client_that_ends_its_side_is_done_sending_and_still_there() {
        let (mut client, mut watched) = pair().await;
        let peer = watched.peer();
        client.write_all(b"all").await.unwrap();
        assert!(!peer.is_done_sending());
        client.shutdown().await.unwrap();
        let mut text = String::new();
        watched.read_to_string(&mut text).await.unwrap();
        assert!(peer.is_done_sending() && !peer.is_gone());
        watched.write_all(b"an answer").await.unwrap();
        assert!(!peer.is_gone());
    }

    #[tokio::test]
    async fn a_client_that_is_ignored_is_at_its_end_and_can_still_be_written_to() {
        let (mut client, mut watched) = pair().await;
        let peer = watched.peer();
        client.write_all(b"some").await.unwrap();
        peer.ignore();
        assert!(
            watched
                .read_to_end(&mut Vec::new())
                .await
                .is_ok_and(|read| read == 0)
        );
        watched.write_all(b"an answer").await.unwrap();
        assert!(!peer.is_gone() && !peer.is_done_sending());
    }

    #[tokio::test]
    async fn a_client_that_resets_is_gone_whatever_it_sent_before() {
        let (mut client, mut watched) = pair().await;
        let peer = watched.peer();
        client.write_all(b"some").await.unwrap();
        client.set_zero_linger().unwrap();
        drop(client);
        assert!(watched.read_to_end(&mut Vec::new()).await.is_err());
        assert!(peer.is_gone());
        assert!(watched.read_to_end(&mut Vec::new()).await.is_ok());
        assert!(peer.is_gone(), "what ends after a reset is no half-close");
    }

    #[tokio::test]
    async fn a_client_that_resets_later_is_gone_when_it_is_written_to() {
        let (mut client, mut watched) = pair().await;
        let peer = watched.peer();
        client.shutdown().await.unwrap();
        watched.read_to_end(&mut Vec::new()).await.unwrap();
        client.set_zero_linger().unwrap();
        drop(client);
        while watched.write_all(b"an answer").await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(peer.is_gone());
    }
}
