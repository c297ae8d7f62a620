//! Where each request on a connection begins and ends, read from the bytes as they come in: so that a deadline knows whether
//! it waits for a head or for a body, and so that nothing is handed on whose end others might see elsewhere.
//!
//! It is stricter than Actix' parser and refuses what that would let pass; it decides nothing else about a request. The
//! whole list is in `docs/http.md`. Lines are handed on when they are whole, so that Actix never sees first what is wrong
//! with one: it would drop the connection on its own answer.

use super::chunks::Chunks;
use super::fields::{Body, Fields, has_control_characters};

/// The most bytes of a head, its empty line included.
const LONGEST_HEAD: usize = 32 * 1024;

/// What is wrong with what came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Fault {
    /// A head that breaks a rule.
    Head,
    /// A head with too many fields, or too many bytes.
    HeadTooLarge,
    /// Chunks that are none.
    Body,
}

/// What is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The next request, if there is one.
    Between,
    /// The rest of a head, or the first one.
    Head,
    /// The rest of a body.
    Body,
}

/// What became of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// So many may be handed on: no more than to the end of a request, no part of a line, and nothing of a head with a
    /// fault.
    pub(super) good: usize,
    /// A head was complete with them.
    pub(super) head: bool,
    /// What ended it.
    pub(super) fault: Option<Fault>,
}

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    state: State,
    /// Changes with each change of phase.
    turn: u64,
    /// Bytes since the phase began.
    bytes: u64,
}

#[derive(Debug)]
enum State {
    Between,
    Head {
        fields: Fields,
        size: usize,
    },
    Length(u64),
    Chunked(Chunks),
    /// To the end of the connection: what follows a request to switch protocols.
    Endless,
    Faulty,
}

impl Default for State {
    /// Who connects is about to send a head.
    fn default() -> Self {
        Self::Head {
            fields: Fields::default(),
            size: 0,
        }
    }
}

/// A line, or what there is of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Without its end.
    Whole(&'a [u8]),
    /// Its end has not come yet.
    Part,
    /// It ends without a carriage return, or has one in its middle, or a NUL.
    Wrong,
    TooLong,
}

/// The next line of `bytes` from `at` on, which is moved behind it once it is whole.
pub(super) fn next_line<'a>(bytes: &'a [u8], at: &mut usize, longest: usize) -> Line<'a> {
    let rest = &bytes[*at..];
    let end = memchr::memchr(b'\n', rest).map(|feed| feed + 1);
    let Some(end) = end else {
        // There may be no more to come of what is no line at all, as of the first bytes of TLS.
        let so_far = rest.strip_suffix(b"\r").unwrap_or(rest);
        return match rest.len() > longest {
            true => Line::TooLong,
            false if has_control_characters(so_far) => Line::Wrong,
            false => Line::Part,
        };
    };
    if end > longest {
        return Line::TooLong;
    }
    match rest[..end].strip_suffix(b"\r\n") {
        Some(content) if memchr::memchr2(b'\r', b'\0', content).is_none() => {
            *at += end;
            Line::Whole(content)
        }
        _ => Line::Wrong,
    }
}

impl Framing {
    /// Reads on, to the end of a request at most. What is not good is to come again, with more behind it. After a fault
    /// there is nothing more to be read.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Taken {
        let (mut at, mut head) = (0, false);
        if matches!(self.state, State::Between) && !bytes.is_empty() {
            self.enter(State::default());
        }
        while at < bytes.len() {
            let (before, turn) = (at, self.turn);
            let read = match &mut self.state {
                State::Between => break,
                State::Head { .. } => self.take_head(bytes, &mut at, &mut head),
                State::Length(left) => {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX);
                    let piece = most.min(bytes.len() - at);
                    at += piece;
                    *left -= piece as u64;
                    if *left == 0 {
                        self.enter(State::Between);
                    }
                    Ok(())
                }
                State::Chunked(chunks) => match chunks.take(bytes, &mut at) {
                    Ok(true) => {
                        self.enter(State::Between);
                        Ok(())
                    }
                    Ok(false) => Ok(()),
                    Err(()) => Err(Fault::Body),
                },
                State::Endless => {
                    at = bytes.len();
                    Ok(())
                }
                State::Faulty => Err(Fault::Head),
            };
            let is_part = at == before;
            if self.turn == turn {
                self.bytes += (at - before) as u64;
            }
            if let Err(fault) = read {
                self.state = State::Faulty;
                let good = if fault == Fault::Body { before } else { 0 };
                return Taken {
                    good,
                    head,
                    fault: Some(fault),
                };
            }
            if is_part {
                break;
            }
        }
        Taken {
            good: at,
            head,
            fault: None,
        }
    }

    /// What is being waited for.
    pub(super) fn phase(&self) -> Phase {
        match self.state {
            State::Between => Phase::Between,
            State::Head { .. } | State::Faulty => Phase::Head,
            State::Length(_) | State::Chunked(_) | State::Endless => Phase::Body,
        }
    }

    /// Whether the next byte is the first one of a request.
    pub(super) fn is_fresh(&self) -> bool {
        matches!(self.state, State::Between | State::Head { size: 0, .. })
    }

    /// Another number in each phase.
    pub(super) fn turn(&self) -> u64 {
        self.turn
    }

    /// Bytes of this phase so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.turn += 1;
        self.bytes = 0;
    }

    /// One line of a head.
    fn take_head(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        complete: &mut bool,
    ) -> Result<(), Fault> {
        let State::Head { fields, size } = &mut self.state else {
            return Ok(());
        };
        let before = *at;
        let line = match next_line(bytes, at, LONGEST_HEAD.saturating_sub(*size)) {
            Line::Whole(line) => line,
            Line::Part => return Ok(()),
            Line::Wrong => return Err(Fault::Head),
            Line::TooLong => return Err(Fault::HeadTooLarge),
        };
        *size += *at - before;
        if let Some(body) = fields.take(line)? {
            *complete = true;
            self.enter(match body {
                Body::None => State::Between,
                Body::Length(length) => State::Length(length),
                Body::Chunked => State::Chunked(Chunks::default()),
                Body::Endless => State::Endless,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests/framing.rs"]
mod tests;
