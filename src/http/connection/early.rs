//! Requests that are refused before Actix has seen them. With more asked than can be done, most of what is done is to refuse;
//! so it is worth a way of its own, past the parser, the routing and all layers, which costs half as much.
//!
//! It is open to plain requests alone, that came whole and in one piece with nothing before them under way. All others are
//! refused where they would be anyway, by the guard, in the same words.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::peer::Peer;

/// Decides about a request by its bytes.
pub(in crate::http) trait Turnstile {
    /// The whole answer to one that goes no further, which is counted and told by then; none for one that does. `request` is
    /// its head and its body.
    fn refuse(&self, request: &[u8], peer: &Peer, address: Option<SocketAddr>) -> Option<Vec<u8>>;
}

/// One connection's way.
#[derive(Default)]
pub(in crate::http) struct Early {
    turnstile: Option<Rc<dyn Turnstile>>,
    address: Option<SocketAddr>,
    rest: Duration,
    /// When Actix was last handed a request.
    handed_on: Option<Instant>,
    answer: Vec<u8>,
    sent: usize,
}

impl Early {
    /// For a connection from there, which is kept for so long when it is idle. Actix keeps that time from when it was first
    /// handed a request, and would not be bound to count what it has not seen: it is to hear from every connection at first,
    /// and twice in that time. Without a turnstile nothing is refused.
    pub(in crate::http) fn new(
        turnstile: Option<Rc<dyn Turnstile>>,
        address: Option<SocketAddr>,
        keep_alive: Duration,
    ) -> Self {
        Self {
            turnstile,
            address,
            rest: keep_alive / 2,
            ..Self::default()
        }
    }

    /// Actix is handed some of a request, the end of its head or not.
    pub(super) fn handed_on(&mut self, head: bool) {
        if head && self.turnstile.is_some() {
            self.handed_on = Some(Instant::now());
        }
    }

    /// The connection is about to end: what comes now is no request.
    pub(super) fn end(&mut self) {
        self.turnstile = None;
    }

    /// Whether this request goes no further; then there is an answer to send.
    pub(super) fn refuses(&mut self, request: &[u8], peer: &Peer) -> bool {
        let is_known = self.handed_on.is_some_and(|at| at.elapsed() < self.rest);
        let Some(turnstile) = self.turnstile.as_ref().filter(|_| is_known) else {
            return false;
        };
        let Some(answer) = turnstile.refuse(request, peer, self.address) else {
            return false;
        };
        (self.answer, self.sent) = (answer, 0);
        true
    }

    /// What is still to be sent.
    pub(super) fn answer(&self) -> &[u8] {
        &self.answer[self.sent..]
    }

    /// So much of it was.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.answer().is_empty() {
            (self.answer, self.sent) = (Vec::new(), 0);
        }
    }
}
