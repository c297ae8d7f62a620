//! A limit on waiting. It counts only the time in which the other end is waited for, not that in which nobody looked; it
//! costs nothing until there is something to wait for, which is never on a connection whose requests come in one piece.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Counts one wait after the other, told apart by a number.
#[derive(Debug, Default)]
pub(super) struct Clock {
    of: u64,
    waited: Duration,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// Waits, as a part of the wait of that number. Ready when it has lasted for as long as is allowed.
    pub(super) fn wait(&mut self, of: u64, allowed: Duration, cx: &mut Context<'_>) -> Poll<()> {
        self.pause();
        if self.of != of {
            self.of = of;
            self.waited = Duration::ZERO;
        }
        // An alarm that is set to the present goes off a moment later, and would be set anew by then.
        if self.waited >= allowed {
            return Poll::Ready(());
        }
        let now = Instant::now();
        let end = now + allowed.saturating_sub(self.waited);
        self.since = Some(now);
        let alarm = match &mut self.alarm {
            Some(alarm) => {
                alarm.as_mut().reset(end);
                alarm
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(end))),
        };
        alarm.as_mut().poll(cx)
    }

    /// Nobody waits from now on, until they do again.
    pub(super) fn pause(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How long it takes to be over.
    async fn over(clock: &mut Clock, of: u64) -> Duration {
        let since = Instant::now();
        poll_fn(|cx| clock.wait(of, SECOND, cx)).await;
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_time_of_waiting_counts() {
        let mut clock = Clock::default();
        let wait = async |clock: &mut Clock, time: Duration| {
            tokio::time::timeout(time, over(clock, 1)).await.is_err()
        };
        assert!(wait(&mut clock, SECOND / 4).await);
        clock.pause();
        tokio::time::sleep(SECOND * 5).await;
        let left = over(&mut clock, 1).await;
        assert!(left > SECOND / 2 && left < SECOND, "{left:?}");
    }

    /// With the real clock: that of tests moves by itself to where an alarm goes off.
    #[tokio::test]
    async fn looking_at_it_when_it_is_over_does_not_put_it_off() {
        let (mut clock, short) = (Clock::default(), Duration::from_millis(20));
        let over = poll_fn(|cx| {
            clock.pause();
            clock.wait(1, short, cx)
        });
        tokio::time::timeout(SECOND * 20, over).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_all_of_its_time() {
        let mut clock = Clock::default();
        assert!(over(&mut clock, 1).await >= SECOND);
        assert!(over(&mut clock, 2).await >= SECOND);
    }
}
