//! crate
pub mod settings;
