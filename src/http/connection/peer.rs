//! The other end of a connection, as the requests on it see it; and what the connection has to know of its requests.
//!
//! Actix keeps this to itself, and a part of it even from itself: a reset that comes in together with bytes is taken for
//! the end of the input (`read_available` of actix-http's dispatcher), as if the client had only finished sending. Its
//! requests are then worked on and answered into the void.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::Poll;

use actix_web::HttpRequest;

/// Clones are the same one; each connection lives on one worker.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Peer(Rc<Known>);

#[derive(Debug, Default)]
struct Known {
    state: Cell<State>,
    /// Nothing more of it is listened to.
    is_ignored: Cell<bool>,
    /// The body that it began to send did not come in time.
    is_late: Cell<bool>,
    /// Requests that it is waiting to be answered.
    asked: Cell<u32>,
    /// What was decided about the request that comes next.
    sampled: Cell<Option<bool>>,
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
    pub(in crate::http) fn is_gone(&self) -> bool {
        self.0.state.get() == State::Gone
    }

    /// Whether only writing to it can tell if it is there.
    pub(in crate::http) fn is_done_sending(&self) -> bool {
        self.0.state.get() == State::DoneSending
    }

    /// Takes whatever else it sends for the end of what it sends, so that the connection ends once the answer is written.
    /// Actix waits without limit for the rest of a chunked body that it was answered in the middle of.
    pub(in crate::http) fn ignore(&self) {
        self.0.is_ignored.set(true);
    }

    /// Whether the body that ended too soon did so because it came too slowly.
    pub(in crate::http) fn is_late(&self) -> bool {
        self.0.is_late.get()
    }

    /// One of its requests is at its end.
    pub(in crate::http) fn answered(&self) {
        self.0.asked.set(self.0.asked.get().saturating_sub(1));
    }

    /// Keeps what was decided before the request was handed on: whether it is traced. It is a draw, to be made once.
    pub(in crate::http) fn keep_sampled(&self, sampled: bool) {
        self.0.sampled.set(Some(sampled));
    }

    /// That decision, if it was made.
    pub(in crate::http) fn take_sampled(&self) -> Option<bool> {
        self.0.sampled.take()
    }

    pub(super) fn asked(&self) {
        self.0.asked.set(self.0.asked.get() + 1);
    }

    pub(super) fn waits_for_an_answer(&self) -> bool {
        self.0.asked.get() > 0
    }

    pub(super) fn is_ignored(&self) -> bool {
        self.0.is_ignored.get()
    }

    pub(super) fn note_late(&self) {
        self.0.is_late.set(true);
    }

    pub(super) fn note_gone(&self) {
        self.0.state.set(State::Gone);
    }

    pub(super) fn note_read(&self, outcome: &Poll<io::Result<()>>, read_nothing: bool) {
        match outcome {
            Poll::Ready(Err(_)) => self.note_gone(),
            Poll::Ready(Ok(())) if read_nothing && !self.is_gone() => {
                self.0.state.set(State::DoneSending);
            }
            _ => {}
        }
    }

    pub(super) fn note_written<T>(&self, outcome: &Poll<io::Result<T>>) {
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.note_gone();
        }
    }
}

/// Whether the client of a request is known to be gone: whatever is decided now reaches nobody.
pub fn client_is_gone(request: &HttpRequest) -> bool {
    request.conn_data::<Peer>().is_some_and(Peer::is_gone)
}
