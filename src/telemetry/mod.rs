//! Telemetry: what the service tells of itself, at a cost that no request notices.
//!
//! Logs are lines written once ([`logs`]); metrics are declared once and read when scraped
//! ([`metrics`]); what belongs to one request travels in a [`RequestContext`] and not in a tracing
//! span, which would cost more than all the rest. Requests that are sampled have spans as well
//! ([`traces`]).
//!
//! It knows no subject, no listener and no database: they bring their own metrics and fields.

pub mod build;
mod context;
mod error_chain;
mod in_context;
pub mod logs;
pub mod metrics;
mod request_id;
mod trace_parent;
pub mod traces;

/// Whether this build tells nothing of itself: the feature `blind`, for measuring what telling costs. A constant, so that
/// what stands behind it is compiled, and checked, in every build, and is not there in the one that does not need it.
pub const BLIND: bool = cfg!(feature = "blind");

pub use context::{RequestContext, current, spawn_blocking, with_context, with_current};
pub use error_chain::error_chain;
pub use in_context::InContext;
pub use request_id::RequestId;
pub use trace_parent::{SpanId, TraceId, TraceParent};
