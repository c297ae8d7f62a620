//! One connection of the public listener, between the socket and Actix.
//!
//! # Layout
//! - `watched`: the stream; `clock`: how long it waits for its client
//! - `framing`: where requests begin and end, line by line in `fields` and `chunks`
//! - `refusal`: what is said where there is no request to answer
//! - `peer`: what requests know of their connection, and it of them
//! - `places`: how many connections there may be

mod chunks;
mod clock;
mod fields;
mod framing;
mod peer;
mod places;
mod refusal;
mod watched;

pub(super) use peer::Peer;
pub use peer::client_is_gone;
pub(super) use places::{Place, Places};
pub(super) use refusal::Refusal;
pub(super) use watched::{Abort, Patience, Watched};
