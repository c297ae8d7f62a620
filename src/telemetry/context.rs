//! What belongs to one request and is wanted all over it: its ids, its account, its time in the
//! database.
//!
//! Carried in a thread-local that is set around each poll ([`InContext`]), because a tracing span
//! for each request would cost more than the rest of the telemetry together. Work that moves to
//! another thread goes through [`spawn_blocking`], or loses it.
//!
//! [`InContext`]: super::InContext

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tracing::Span;
use uuid::Uuid;

use super::{RequestId, SpanId, TraceId, TraceParent};

/// What belongs to one request. Shared as an `Arc`; what becomes known later is set through `&self`.
#[derive(Debug)]
pub struct RequestContext {
    request_id: RequestId,
    trace_id: TraceId,
    span_id: SpanId,
    parent: Option<TraceParent>,
    sampled: bool,
    span_id_claimed: AtomicBool,
    span: Mutex<Option<Span>>,
    route: OnceLock<&'static str>,
    account: OnceLock<Uuid>,
    deadline: OnceLock<Instant>,
    database_wait_nanos: AtomicU64,
    database_time_nanos: AtomicU64,
}

impl RequestContext {
    /// A request's context: in the trace of its `traceparent`, or else in a fresh one. `sampled` when its spans are
    /// exported.
    pub fn new(request_id: RequestId, traceparent: Option<TraceParent>, sampled: bool) -> Self {
        let trace_id = traceparent.map_or_else(TraceId::generate, |parent| parent.trace_id());
        let span_id = SpanId::generate();
        Self::with_ids(request_id, (trace_id, span_id), traceparent, sampled)
    }

    /// The context of a request that nothing will be told of: it has no names, and all else that belongs to it.
    pub fn unnamed() -> Self {
        let ids = (TraceId::NONE, SpanId::NONE);
        Self::with_ids(RequestId::NONE, ids, None, false)
    }

    fn with_ids(
        request_id: RequestId,
        (trace_id, span_id): (TraceId, SpanId),
        parent: Option<TraceParent>,
        sampled: bool,
    ) -> Self {
        Self {
            request_id,
            trace_id,
            span_id,
            parent,
            sampled,
            span_id_claimed: AtomicBool::new(false),
            span: Mutex::new(None),
            route: OnceLock::new(),
            account: OnceLock::new(),
            deadline: OnceLock::new(),
            database_wait_nanos: AtomicU64::new(0),
            database_time_nanos: AtomicU64::new(0),
        }
    }

    /// Names the request.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Names the trace that it belongs to.
    pub fn trace_id(&self) -> &TraceId {
        &self.trace_id
    }

    /// Names its own span in that trace.
    pub fn span_id(&self) -> &SpanId {
        &self.span_id
    }

    /// What the client sent.
    pub fn parent(&self) -> Option<&TraceParent> {
        self.parent.as_ref()
    }

    /// Whether the spans of this request are exported.
    pub fn sampled(&self) -> bool {
        self.sampled
    }

    /// The `traceparent` for what this request asks of others. Where nothing is exported, the caller's decision is passed
    /// on: others may record the trace still.
    pub fn outgoing(&self) -> TraceParent {
        let sampled = self.sampled || self.parent.is_some_and(|parent| parent.sampled());
        TraceParent::new(self.trace_id, self.span_id, sampled)
    }

    /// The id for the request's own span, once: every other span needs one of its own.
    pub fn claim_span_id(&self) -> Option<&SpanId> {
        let claimed = self.span_id_claimed.swap(true, Relaxed);
        (!claimed).then_some(&self.span_id)
    }

    /// Keeps the request's span until its end.
    pub fn keep_span(&self, span: Span) {
        *self.span.lock().unwrap_or_else(PoisonError::into_inner) = Some(span);
    }

    /// The request's span, if it has one that was not taken yet.
    pub fn span(&self) -> Option<Span> {
        self.span
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Gives the request's span away: with its last holder it ends.
    pub fn take_span(&self) -> Option<Span> {
        self.span
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Tells the template of the path that matched. The first call counts.
    pub fn set_route(&self, route: &'static str) {
        let _ = self.route.set(route);
    }

    /// The template of the path that matched, once one has.
    pub fn route(&self) -> Option<&'static str> {
        self.route.get().copied()
    }

    /// Says who is asking. The first call counts.
    pub fn set_account(&self, account: Uuid) {
        self.account.get_or_init(|| account);
    }

    /// Who is asking, once known.
    pub fn account(&self) -> Option<Uuid> {
        self.account.get().copied()
    }

    /// Says until when it has to be answered: no work begins for it after that. The first call counts.
    pub fn set_deadline(&self, deadline: Instant) {
        let _ = self.deadline.set(deadline);
    }

    /// Until when it has to be answered, once known.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.get().copied()
    }

    /// Adds one operation: how long it waited for a connection, and how long it then took.
    pub fn add_database(&self, wait: Duration, time: Duration) {
        self.database_wait_nanos.fetch_add(nanos(wait), Relaxed);
        self.database_time_nanos.fetch_add(nanos(time), Relaxed);
    }

    /// Time spent waiting for a connection, over all operations so far.
    pub fn database_wait(&self) -> Duration {
        Duration::from_nanos(self.database_wait_nanos.load(Relaxed))
    }

    /// Time spent with a connection in hand, over all operations so far.
    pub fn database_time(&self) -> Duration {
        Duration::from_nanos(self.database_time_nanos.load(Relaxed))
    }
}

/// 584 years fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<RequestContext>>> = const { RefCell::new(None) };
}

/// The context of the request that is being worked on, if any.
pub fn current() -> Option<Arc<RequestContext>> {
    with_current(Arc::clone)
}

/// Looks at the current context, if any, without sharing it.
pub fn with_current<R>(look: impl FnOnce(&Arc<RequestContext>) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| current.try_borrow().ok()?.as_ref().map(look))
        .ok()
        .flatten()
}

/// Runs `f` with this context, and puts the former one back, also when `f` panics.
pub fn with_context<R>(context: Arc<RequestContext>, f: impl FnOnce() -> R) -> R {
    let mut slot = Some(context);
    let _entered = Entered::enter(&mut slot);
    f()
}

/// Runs blocking work on Tokio's threads for it, with the current context and tracing span.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the replacement that the lint names"
)]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let mut slot = current();
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || {
        let _entered = Entered::enter(&mut slot);
        span.in_scope(f)
    })
}

/// While it lives, a slot's context is the current one and the slot keeps the former. Swapping
/// twice touches no reference count, nests, and restores on unwinding.
pub(super) struct Entered<'a> {
    slot: &'a mut Option<Arc<RequestContext>>,
    swapped: bool,
}

impl<'a> Entered<'a> {
    pub(super) fn enter(slot: &'a mut Option<Arc<RequestContext>>) -> Self {
        let swapped = swap(slot);
        Self { slot, swapped }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if self.swapped {
            swap(self.slot);
        }
    }
}

/// Fails only on a thread that is ending, and inside [`with_current`].
fn swap(slot: &mut Option<Arc<RequestContext>>) -> bool {
    CURRENT
        .try_with(|current| {
            current
                .try_borrow_mut()
                .map(|mut current| std::mem::swap(&mut *current, slot))
                .is_ok()
        })
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(id: &str) -> Arc<RequestContext> {
        Arc::new(RequestContext::new(
            RequestId::parse(id).unwrap(),
            None,
            false,
        ))
    }

    fn current_id() -> Option<String> {
        with_current(|context| context.request_id().to_string())
    }

    #[test]
    fn contexts_nest_and_are_restored() {
        assert_eq!(current_id(), None);
        with_context(context("outer"), || {
            assert_eq!(current_id().as_deref(), Some("outer"));
            with_context(context("inner"), || {
                assert_eq!(current_id().as_deref(), Some("inner"));
            });
            assert_eq!(current_id().as_deref(), Some("outer"));
        });
        assert_eq!(current_id(), None);
    }

    #[test]
    fn a_panic_restores_the_former_context() {
        with_context(context("outer"), || {
            let panicked = std::panic::catch_unwind(|| {
                with_context(context("inner"), || std::panic::resume_unwind(Box::new(())))
            });
            assert!(panicked.is_err());
            assert_eq!(current_id().as_deref(), Some("outer"));
        });
    }

    #[tokio::test]
    async fn blocking_work_has_the_context_of_its_caller() {
        let blocking = with_context(context("caller"), || spawn_blocking(current_id));
        assert_eq!(blocking.await.unwrap().as_deref(), Some("caller"));
        assert_eq!(
            spawn_blocking(current_id).await.unwrap(),
            None,
            "the thread kept nothing"
        );
    }

    #[test]
    fn a_request_joins_the_trace_of_its_client() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = TraceParent::parse(header);
        let joined = RequestContext::new(RequestId::generate(), parent, false);
        assert_eq!(
            joined.trace_id().as_str(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_ne!(joined.span_id().as_str(), "00f067aa0ba902b7");
        assert!(joined.outgoing().sampled(), "the client records it");
        assert_eq!(joined.outgoing().parent_id(), *joined.span_id());

        let own = |sampled| RequestContext::new(RequestId::generate(), None, sampled);
        assert!(!own(false).outgoing().sampled());
        assert!(own(true).outgoing().sampled());
    }

    #[test]
    fn times_in_the_database_add_up_and_the_first_account_counts() {
        let context = context("request");
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for _ in 0..2 {
            context.add_database(Duration::from_micros(3), Duration::from_millis(4));
        }
        context.set_account(first);
        context.set_account(second);
        assert_eq!(context.database_wait(), Duration::from_micros(6));
        assert_eq!(context.database_time(), Duration::from_millis(8));
        assert_eq!(context.account(), Some(first));
    }
}
