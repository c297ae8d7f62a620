//! One connection of the public listener, between the socket and Actix.
//!
//! # Layout
//! - `watched`: the stream (`abort`: how it is ended at once); `clock`: how long it waits for its client; `patience`: how long it may
//! - `framing`: where requests begin and end, line by line in `fields` and `chunks`
//! - `early`: requests that are refused before Actix has seen them
//! - `refusal`: what is said where there is no request to answer
//! - `peer`: what requests know of their connection, and it of them
//! - `places`: how many connections there may be

mod abort;
mod chunks;
mod clock;
mod early;
mod fields;
mod framing;
mod patience;
mod peer;
mod places;
mod refusal;
mod watched;

pub(super) use abort::Abort;
pub(super) use early::{Early, Turnstile};
pub(super) use patience::Patience;
pub(super) use peer::Peer;
pub use peer::client_is_gone;
pub(super) use places::{Place, Places};
pub(super) use refusal::Refusal;
pub(super) use watched::Watched;
