//! Names of traces and spans: those that the request's log lines bear, so that one leads to the other.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::telemetry::{self, RequestContext, with_current};

/// Gives a request's first span the ids of its context, and every other span a fresh one.
#[derive(Debug, Default)]
pub(super) struct ContextIds(RandomIdGenerator);

impl IdGenerator for ContextIds {
    fn new_trace_id(&self) -> TraceId {
        with_current(|context| trace_id(context.trace_id()))
            .unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        with_current(|context| context.claim_span_id().map(span_id))
            .flatten()
            .unwrap_or_else(|| self.0.new_span_id())
    }
}

/// The request's own span, as the parent of others.
pub(super) fn of(context: &RequestContext) -> SpanContext {
    sampled(context.trace_id(), context.span_id(), false)
}

/// The caller's span, if it sent one.
pub(super) fn of_caller(context: &RequestContext) -> Option<SpanContext> {
    let parent = context.parent()?;
    Some(sampled(&parent.trace_id(), &parent.parent_id(), true))
}

fn sampled(trace: &telemetry::TraceId, span: &telemetry::SpanId, is_remote: bool) -> SpanContext {
    SpanContext::new(
        trace_id(trace),
        span_id(span),
        TraceFlags::SAMPLED,
        is_remote,
        TraceState::default(),
    )
}

/// Ours are 32 hex digits, so this cannot fail.
fn trace_id(id: &telemetry::TraceId) -> TraceId {
    TraceId::from_hex(id.as_str()).unwrap_or(TraceId::INVALID)
}

/// Ours are 16 hex digits, so this cannot fail.
fn span_id(id: &telemetry::SpanId) -> SpanId {
    SpanId::from_hex(id.as_str()).unwrap_or(SpanId::INVALID)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::telemetry::{RequestId, with_context};

    #[test]
    fn the_first_span_of_a_request_has_the_ids_of_its_log_lines() {
        let context = Arc::new(RequestContext::new(RequestId::generate(), None, true));
        let ids = ContextIds::default();
        with_context(Arc::clone(&context), || {
            assert_eq!(ids.new_span_id().to_string(), context.span_id().as_str());
            assert_eq!(ids.new_trace_id().to_string(), context.trace_id().as_str());
            assert_ne!(ids.new_span_id().to_string(), context.span_id().as_str());
        });
        assert_ne!(ids.new_trace_id().to_string(), context.trace_id().as_str());
    }
}
