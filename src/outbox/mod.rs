//! The outbox: what happened, written in the transaction in which it happened, so that an event exists exactly when
//! its cause does. Delivering is not done here.
//!
//! # Layout
//! - `event`: an event and its payload
//! - `store`: appending it

mod event;
mod store;

pub use event::NewEvent;
pub use store::append;
