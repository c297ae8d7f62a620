//! The queries of orders and what they do to rows; no decision is made here.
//!
//! Each takes a connection and belongs to whatever transaction its caller has open. Whose order it is stands in the
//! WHERE of every query by which a caller reaches one.
//!
//! # Layout
//! - `rows`: the rows of the tables, and how they become orders
//! - `reading`: one order, pages, history; `writing`: placing (`inserting`: as PostgreSQL is given it) and moving
//! - `records`: the records of Idempotency-Keys

mod inserting;
mod reading;
mod records;
mod rows;
#[cfg(test)]
pub(super) mod testing;
mod writing;

pub(super) use reading::{find, history, lines, page};
pub(super) use records::{Claimed, Record, claim, forget_before, remember};
pub(super) use writing::{insert_history, insert_order, lock, set_status};
