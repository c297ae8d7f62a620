//! crate
pub mod telemetry;
