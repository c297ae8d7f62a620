//! The bounded queue between the threads that log and the one that writes.
//!
//! Built on `tracing-appender`'s non-blocking writer. Its guard is not used for flushing: dropped
//! while the queue is full, the guard prints to standard output, which is what is stuck.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed},
};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::output::{Output, Tally};

/// Lines that may wait: at 500 bytes each 8 MiB, and a second's worth at 16,000 requests a second.
const CAPACITY: usize = 16 * 1024;

/// How long the exit waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks at how far the writer is.
const LOOK: Duration = Duration::from_millis(1);

/// Where finished lines go.
#[derive(Debug)]
pub(super) struct LineQueue {
    queue: NonBlocking,
    sent: AtomicU64,
    tally: Arc<Tally>,
    guard: Option<WorkerGuard>,
}

impl LineQueue {
    /// Starts the writer thread.
    pub(super) fn start(output: impl Write + Send + 'static) -> Self {
        Self::with_capacity(output, CAPACITY)
    }

    fn with_capacity(output: impl Write + Send + 'static, lines: usize) -> Self {
        let tally = Arc::new(Tally::default());
        let (queue, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(lines)
            .thread_name("log-writer")
            .finish(Output::new(output, Arc::clone(&tally)));
        Self {
            queue,
            sent: AtomicU64::new(0),
            tally,
            guard: Some(guard),
        }
    }

    /// Hands one line over, its newline included. Never waits; a line that does not fit is counted.
    pub(super) fn send(&self, line: &str) {
        // Before the line itself, so that `flush` never sees more settled than sent.
        self.sent.fetch_add(1, Relaxed);
        // Lossy: always `Ok`.
        let _ = self.queue.clone().write_all(line.as_bytes());
    }

    /// Lines that did not fit, or could not be written.
    pub(super) fn dropped_lines(&self) -> u64 {
        self.overflowed().saturating_add(self.tally.lost())
    }

    /// Waits until what was sent is written, for a second at most. Returns whether it was.
    pub(super) fn flush(&self) -> bool {
        let sent = self.sent.load(Acquire);
        let begun = Instant::now();
        while self.tally.settled().saturating_add(self.overflowed()) < sent {
            if begun.elapsed() > PATIENCE {
                return false;
            }
            park_timeout(LOOK);
        }
        true
    }

    fn overflowed(&self) -> u64 {
        u64::try_from(self.queue.error_counter().dropped_lines()).unwrap_or(u64::MAX)
    }
}

impl Drop for LineQueue {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take()
            && !self.flush()
        {
            // Leaves the thread behind in its write; dropping the guard could hang here too.
            std::mem::forget(guard);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Says when it is stuck in a write, until it is let go; counts the bytes.
    struct Stuck {
        entered: Sender<()>,
        released: Receiver<()>,
        bytes: Arc<AtomicU64>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Errors say that it was let go.
            let _ = self.entered.send(());
            let _ = self.released.recv();
            self.bytes
                .fetch_add(u64::try_from(bytes.len()).unwrap(), Relaxed);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_lost_to_a_stuck_reader_are_counted_and_the_exit_does_not_hang() {
        let (entered, reader_is_stuck) = channel();
        let (let_go, released) = channel::<()>();
        let bytes = Arc::new(AtomicU64::new(0));
        let reader = Stuck {
            entered,
            released,
            bytes: Arc::clone(&bytes),
        };
        let queue = LineQueue::with_capacity(reader, 10);
        queue.send("line\n");
        reader_is_stuck.recv().unwrap();
        let begun = Instant::now();
        for _ in 0..1000 {
            queue.send("line\n");
        }
        assert!(begun.elapsed() < PATIENCE, "sending waits for nobody");
        assert_eq!(queue.dropped_lines(), 990);
        assert!(!queue.flush(), "the first line is not out");
        assert!(begun.elapsed() < PATIENCE * 5);

        drop(let_go);
        assert!(queue.flush());
        assert_eq!(bytes.load(Relaxed), 11 * 5);
    }

    #[test]
    fn a_stuck_reader_does_not_hang_the_drop_either() {
        let (entered, reader_is_stuck) = channel();
        let (let_go, released) = channel::<()>();
        let queue = LineQueue::with_capacity(
            Stuck {
                entered,
                released,
                bytes: Arc::default(),
            },
            1,
        );
        queue.send("line\n");
        reader_is_stuck.recv().unwrap();
        for _ in 0..10 {
            queue.send("line\n");
        }
        let begun = Instant::now();
        drop(queue);
        assert!(begun.elapsed() < PATIENCE * 5);
        drop(let_go);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_too() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let queue = LineQueue::start(Full);
        for _ in 0..100 {
            queue.send("line\n");
        }
        assert!(queue.flush());
        assert_eq!(queue.dropped_lines(), 100);
    }
}
