//! A connection of the public listener, watched: whether its client is still there, how long it is waited for, and whether
//! what it sends is HTTP of which everybody sees the same end.
//!
//! Actix bounds the time for the first head on a connection, and nothing else: not a later head, not a body, not an answer
//! that is not taken. So that is done here, below its dispatcher, which is told of an end of the input where a limit is
//! passed, and of a broken connection where an answer is not taken. What passes is not changed by a byte.
//!
//! It is handed one request at a time. Given what comes behind, it would answer that too, even where the answer before has
//! said that the connection ends with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::super::metrics::Closing;
use super::abort::Abort;
use super::clock::Clock;
use super::early::Early;
use super::framing::{Framing, Phase, Taken};
use super::patience::Patience;
use super::peer::Peer;
use super::places::Place;
use super::refusal::Refusal;

/// How long a client that was answered in the middle of what it sends may take to notice. Closed at once, with bytes of the
/// client's unread, the connection would be reset, and the answer lost on its way.
const LINGERING: Duration = Duration::from_secs(1);

/// How far our side is closed.
enum End {
    Open,
    /// It is, and the other side may take until then to notice.
    Lingering(Pin<Box<Sleep>>),
    Closed,
}

/// The stream.
pub(in crate::http) struct Watched<T> {
    stream: T,
    peer: Peer,
    patience: Patience,
    place: Place,
    framing: Framing,
    reading: Clock,
    writing: Clock,
    /// Moves with each write that got through.
    written: u64,
    /// The last write did not get through.
    blocked: bool,
    /// What came and is not handed on yet: it is behind a request that is not answered, or the beginning of a line.
    held: BytesMut,
    /// So much of that may be handed on.
    cleared: usize,
    /// The dispatcher was woken for what waits for the answer.
    woken: bool,
    refused: Option<Refusal>,
    early: Early,
    /// Nothing more is read.
    ended: bool,
    end: End,
}

impl<T> Watched<T> {
    pub(in crate::http) fn new(stream: T, place: Place, patience: Patience) -> Self {
        Self {
            stream,
            peer: Peer::default(),
            patience,
            place,
            framing: Framing::default(),
            reading: Clock::default(),
            writing: Clock::default(),
            written: 0,
            blocked: false,
            held: BytesMut::new(),
            cleared: 0,
            woken: false,
            refused: None,
            early: Early::default(),
            ended: false,
            end: End::Open,
        }
    }

    /// The same, with requests refused before they are handed on.
    pub(in crate::http) fn refusing(mut self, early: Early) -> Self {
        self.early = early;
        self
    }

    pub(in crate::http) fn peer(&self) -> Peer {
        self.peer.clone()
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.place.closing(refusal.reason());
        self.refused = Some(refusal);
        if refusal == Refusal::LateBody {
            self.peer.note_late();
        }
    }

    /// Takes note of what came, and takes back what must not be handed on, or not now.
    fn take(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let came = &buffer.filled()[before..];
        if !self.held.is_empty() {
            self.held.extend_from_slice(came);
            buffer.set_filled(before);
            return self.judge();
        }
        if self.framing.phase() == Phase::Body && !self.peer.waits_for_an_answer() {
            // It was answered before it had come, and Actix ends the connection for it.
            self.early.end();
        }
        let mut good = 0;
        // The next request is only begun with when the one before is done with.
        if self.framing.phase() != Phase::Between || !self.peer.waits_for_an_answer() {
            // Nothing of Actix' is on its way then, where an answer of ours could come between.
            let may_be_early = self.framing.is_fresh() && self.may_be_answered();
            let taken = self.framing.take(came);
            self.note(taken);
            let is_whole = taken.head && self.framing.phase() == Phase::Between;
            if is_whole && may_be_early && self.early.refuses(&came[..taken.good], &self.peer) {
                self.held.extend_from_slice(&came[taken.good..]);
                return buffer.set_filled(before);
            }
            self.early.handed_on(taken.head);
            good = taken.good;
        }
        if self.refused.is_none() {
            self.held.extend_from_slice(&came[good..]);
        }
        buffer.set_filled(before + good);
    }

    /// What was held may have become whole, or have its turn.
    fn judge(&mut self) {
        let taken = self.framing.take(&self.held);
        self.cleared = taken.good;
        self.note(taken);
        self.early.handed_on(taken.head);
    }

    fn note(&mut self, taken: Taken) {
        if taken.head {
            self.peer.asked();
        }
        if let Some(fault) = taken.fault {
            self.refuse(Refusal::Fault(fault));
            self.held.truncate(self.cleared);
        }
    }

    /// Hands on as much as may be, and there is room for.
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let most = self.cleared.min(buffer.remaining());
        buffer.put_slice(&self.held.split_to(most));
        self.cleared -= most;
    }

    /// Whether more has to come before what is held can be handed on.
    fn holds_part_of_a_line(&self) -> bool {
        !self.held.is_empty() && self.framing.phase() != Phase::Between
    }

    /// Nothing has come: is the time for it over?
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (allowed, refusal) = match self.framing.phase() {
            Phase::Between => {
                self.reading.pause();
                return Poll::Pending;
            }
            Phase::Head => (self.patience.header, Refusal::LateHead),
            Phase::Body => {
                let allowed = self.patience.for_body(self.framing.bytes());
                (allowed, Refusal::LateBody)
            }
        };
        ready!(self.reading.wait(self.framing.turn(), allowed, cx));
        self.refuse(refusal);
        Poll::Ready(())
    }

    /// Whether the client may be in the middle of something that is not read any more: because of what it sent, or because
    /// it was answered before it had sent all.
    fn may_hear_more(&self) -> bool {
        let is_amid = match self.framing.phase() {
            Phase::Between => false,
            Phase::Head => self.framing.bytes() > 0,
            Phase::Body => true,
        };
        is_amid || !self.held.is_empty() || self.refused.is_some() || self.peer.is_ignored()
    }

    /// Whether the client has been sent, whole, what it asked for before.
    fn may_be_answered(&self) -> bool {
        !self.blocked && !self.peer.waits_for_an_answer()
    }
}

impl<T: AsyncWrite + Abort + Unpin> Watched<T> {
    /// The end of the input, after the last word.
    fn finish(&mut self, refusal: Refusal, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended
            && let Some(answer) = refusal.answer()
        {
            if !self.may_be_answered() {
                return Poll::Pending; // `poll_flush` comes back to it
            }
            // It fits into what the kernel holds for a connection that has sent all; who has not even that gets nothing.
            let _sent = Pin::new(&mut self.stream).poll_write(cx, &answer);
        }
        self.ended = true;
        Poll::Ready(Ok(()))
    }

    /// Writes what was said to a request that was refused early, all of it. It comes before whatever else is done with the
    /// stream, so that nothing overtakes it.
    fn say(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.early.answer().is_empty() {
            let outcome = Pin::new(&mut self.stream).poll_write(cx, self.early.answer());
            let sent = ready!(self.written(outcome, cx))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.early.sent(sent);
            if self.early.answer().is_empty() {
                let outcome = Pin::new(&mut self.stream).poll_flush(cx);
                // What is left of it goes with whatever is written next, as for every answer.
                let _flushed = self.written(outcome, cx)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes note of what became of a write; ready with an error when the client has taken nothing for too long.
    fn written<O>(
        &mut self,
        outcome: Poll<io::Result<O>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<O>> {
        self.blocked = outcome.is_pending();
        let outcome = match outcome {
            Poll::Pending => {
                let wait = self.writing.wait(self.written, self.patience.write, cx);
                wait.map(|()| {
                    self.stream.abort();
                    Err(io::ErrorKind::TimedOut.into())
                })
            }
            Poll::Ready(ready) => {
                self.written += 1;
                Poll::Ready(ready)
            }
        };
        if let Poll::Ready(Err(error)) = &outcome {
            self.note_broken(error);
        }
        self.peer.note_written(&outcome);
        outcome
    }

    /// The kernel says the same of what it was given to send.
    fn note_broken(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::TimedOut && !self.peer.is_gone() {
            self.place.closing(Closing::WriteTimeout);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Abort + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.peer.is_ignored() {
            return Poll::Ready(Ok(()));
        }
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        this.woken = false;
        if this.cleared > 0 || room == 0 {
            this.hand_on(buffer);
            return Poll::Ready(Ok(()));
        }
        if let Some(refusal) = this.refused {
            return this.finish(refusal, cx);
        }
        loop {
            ready!(this.say(cx))?;
            if this.held.is_empty() || this.holds_part_of_a_line() {
                this.reading.pause();
                let outcome = Pin::new(&mut this.stream).poll_read(cx, buffer);
                let read_nothing = buffer.filled().len() == before;
                if let Poll::Ready(Err(error)) = &outcome {
                    this.note_broken(error);
                }
                this.peer.note_read(&outcome, read_nothing);
                if outcome.is_pending() {
                    ready!(this.wait(cx));
                } else if read_nothing || matches!(outcome, Poll::Ready(Err(_))) {
                    return outcome;
                } else {
                    this.take(buffer, before);
                }
            } else if this.may_be_answered() {
                this.judge();
            } else {
                return Poll::Pending; // `poll_flush` comes back to it
            }
            this.hand_on(buffer);
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            if let Some(refusal) = this.refused {
                return this.finish(refusal, cx);
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Abort + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.say(cx))?;
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.say(cx))?;
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.say(cx))?;
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        let outcome = self.written(outcome, cx);
        // The dispatcher has written all that it had. If that was an answer, what is behind it has its turn. A part of a line
        // has not: its rest wakes who reads.
        let is_behind = !self.held.is_empty() && !self.holds_part_of_a_line();
        let waits = is_behind || self.refused.is_some() && !self.ended;
        if waits && !self.woken && self.may_be_answered() {
            self.woken = true;
            cx.waker().wake_by_ref();
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.end, End::Open) {
            ready!(this.say(cx))?;
            let outcome = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.written(outcome, cx))?;
            this.end = if this.may_hear_more() {
                End::Lingering(Box::pin(tokio::time::sleep(LINGERING)))
            } else {
                End::Closed
            };
        }
        if let End::Lingering(until) = &mut this.end {
            while until.as_mut().poll(cx).is_pending() {
                let mut unheard = [0; 1024];
                let mut unheard = ReadBuf::new(&mut unheard);
                match Pin::new(&mut this.stream).poll_read(cx, &mut unheard) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) if !unheard.filled().is_empty() => {}
                    Poll::Ready(_) => break,
                }
            }
            this.end = End::Closed;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
#[path = "tests/watched.rs"]
mod tests;
