//! The cases: what is sent, and what is decided. `heads` holds those that are about a head, `bodies` all others.

mod bodies;
mod heads;

/// What becomes of a case, and of what comes behind it on the same connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// Answered with a problem document of this status, and closed.
    Refused(u16),
    /// Answered, and closed all the same: nobody could say where it ends.
    Closed(u16),
    /// Answered; what comes behind it is its body.
    Swallowed(u16),
    /// Answered, and what comes behind it too.
    Kept(u16),
}

/// One of them.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) outcome: Outcome,
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    [
        heads::lines(),
        heads::targets(),
        heads::hosts(),
        heads::fields(),
        bodies::lengths(),
        bodies::codings(),
        bodies::chunks(),
        bodies::others(),
    ]
    .concat()
    .into_iter()
    .map(|(name, text, outcome)| Case {
        name,
        // A placeholder, because a `str` would hold it as two bytes.
        bytes: text
            .bytes()
            .map(|byte| if byte == 0x1a { 0xe4 } else { byte })
            .collect(),
        outcome,
    })
    .collect()
}

/// Its name, what is sent, and what becomes of it.
type Row = (&'static str, String, Outcome);

const OK: &str = "GET /health/live HTTP/1.1";
const HOST: &str = "Host: x\r\n";

fn get(first: &str, fields: &str) -> String {
    format!("{first}\r\n{fields}\r\n")
}
