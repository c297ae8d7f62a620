//! crate
pub mod lifecycle;
