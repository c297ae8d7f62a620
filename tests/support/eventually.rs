//! Waiting for a state, never for a time: looks again and again until what is awaited is there, and fails with what was
//! awaited and what was seen last.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Between two looks. Short, because a test waits half of it for nothing, on average.
const PAUSE: Duration = Duration::from_millis(10);

/// What a look brings home: the awaited, or what there is instead.
pub(crate) trait Look {
    /// The awaited.
    type Found;

    /// The awaited, or a description of what there is instead.
    fn judge(self) -> Result<Self::Found, String>;
}

impl Look for bool {
    type Found = ();

    fn judge(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| "not so".to_owned())
    }
}

impl<T> Look for Option<T> {
    type Found = T;

    fn judge(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Debug> Look for Result<T, E> {
    type Found = T;

    fn judge(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

/// Waits until `look` sees what is awaited: `true`, `Some` or `Ok`. Answer `Err(what there is)` to have it in the
/// failure.
#[track_caller]
pub(crate) fn eventually<L: Look>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> L,
) -> impl Future<Output = L::Found> {
    let caller = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        loop {
            match look().await.judge() {
                Ok(found) => return found,
                Err(seen) if started.elapsed() > deadline => {
                    panic!("{caller}: waited {deadline:?} for {what}; seen last: {seen}")
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// The same where nothing can be awaited, such as in `drop`: gives up without a word.
pub(crate) fn eventually_or_never(deadline: Duration, mut look: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !look() {
        if started.elapsed() > deadline {
            return false;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this is what waits for a state, outside of a runtime"
        )]
        std::thread::sleep(PAUSE);
    }
    true
}
