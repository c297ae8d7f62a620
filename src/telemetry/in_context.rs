//! A future that is polled, and dropped, inside its request's context.
//!
//! Dropped inside it too: what a cancelled request logs on its way out still bears its id.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::RequestContext;
use super::context::Entered;

pin_project! {
    /// Sets the current context around each poll of `F`, and puts the former one back, also when
    /// `F` panics.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        #[pin]
        future: Option<F>,
        slot: Option<Arc<RequestContext>>,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::enter(this.slot);
            this.future.set(None);
        }
    }
}

impl<F> InContext<F> {
    /// `future`, inside `context`.
    pub const fn new(context: Arc<RequestContext>, future: F) -> Self {
        Self {
            future: Some(future),
            slot: Some(context),
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = Entered::enter(this.slot);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            // Only `drop` empties it.
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::telemetry::{RequestId, current, with_context, with_current};

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

    #[tokio::test]
    async fn interleaved_futures_each_see_their_own_context() {
        let look = |id: &'static str| {
            InContext::new(context(id), async move {
                for _ in 0..10 {
                    assert_eq!(current_id().as_deref(), Some(id));
                    tokio::task::yield_now().await;
                }
            })
        };
        tokio::join!(look("a"), look("b"), async {
            for _ in 0..10 {
                assert_eq!(current_id(), None);
                tokio::task::yield_now().await;
            }
        });
    }

    #[tokio::test]
    async fn nested_futures_restore_the_outer_context() {
        InContext::new(context("outer"), async {
            let inner = InContext::new(context("inner"), async { current_id() });
            assert_eq!(inner.await.as_deref(), Some("inner"));
            assert_eq!(current_id().as_deref(), Some("outer"));
        })
        .await;
        assert_eq!(current_id(), None);
    }

    #[tokio::test]
    async fn a_panicking_future_restores_the_former_context() {
        let mut panicking = Box::pin(InContext::new(context("inner"), async {
            std::panic::resume_unwind(Box::new(()))
        }));
        with_context(context("outer"), || {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let _: Poll<()> = panicking.as_mut().poll(&mut cx);
            }));
            assert!(polled.is_err());
            assert_eq!(current_id().as_deref(), Some("outer"));
        });
        assert!(current().is_none());
    }

    #[test]
    fn a_dropped_future_is_dropped_inside_its_context() {
        struct OnDrop(Arc<Mutex<Option<String>>>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                *self.0.lock().unwrap() = current_id();
            }
        }

        let seen = Arc::new(Mutex::new(None));
        let guard = OnDrop(Arc::clone(&seen));
        drop(InContext::new(context("cancelled"), async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }));
        assert_eq!(seen.lock().unwrap().as_deref(), Some("cancelled"));
        assert!(current().is_none());
    }
}
