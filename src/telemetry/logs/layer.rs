//! The layer that turns events into lines.

use std::cell::Cell;
use std::sync::Arc;

use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::Identity;
use super::json::JsonFormat;
use super::metrics::EventCounts;
use super::pretty;
use super::queue::LineQueue;
use super::timestamp::Timestamp;
use crate::telemetry::{RequestContext, with_current};

/// A thread's buffer is given back when a line made it longer than this, in bytes.
const KEPT: usize = 16 * 1024;

thread_local! {
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// Lends out the thread's buffer, empty. What logs while a line is being written (a value may) gets
/// a fresh one, and so does a thread that is ending.
fn with_line(write: impl FnOnce(&mut String)) {
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    write(&mut line);
    line.clear();
    line.shrink_to(KEPT);
    // Fails on a thread that is ending, which needs no buffer again.
    let _ = LINE.try_with(|kept| kept.set(line));
}

/// The form of a line.
#[derive(Debug)]
pub(super) enum Format {
    Json(JsonFormat),
    Pretty { colour: bool },
}

impl Format {
    pub(super) fn json(identity: &Identity) -> Self {
        Self::Json(JsonFormat::new(identity))
    }

    fn write(&self, line: &mut String, event: &Event<'_>, context: Option<&RequestContext>) {
        let now = Timestamp::now();
        match self {
            Self::Json(json) => json.write(line, &now, event, context),
            Self::Pretty { colour } => pretty::write(line, &now, event, context, *colour),
        }
    }
}

/// Counts each event, formats it, and hands the line to the queue.
#[derive(Debug)]
pub(super) struct LineLayer {
    format: Format,
    queue: Arc<LineQueue>,
    counts: Arc<EventCounts>,
}

impl LineLayer {
    pub(super) fn new(format: Format, queue: Arc<LineQueue>, counts: Arc<EventCounts>) -> Self {
        Self {
            format,
            queue,
            counts,
        }
    }
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.counts.count(*event.metadata().level());
        with_line(|line| {
            let written = with_current(|context| self.format.write(line, event, Some(context)));
            if written.is_none() {
                self.format.write(line, event, None);
            }
            self.queue.send(line);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_inside_a_line_has_its_own_buffer() {
        with_line(|outer| {
            outer.push_str("outer");
            with_line(|inner| {
                assert_eq!(inner, "");
                inner.push_str("inner");
            });
            assert_eq!(outer, "outer");
        });
        with_line(|next| assert_eq!(next, ""));
    }

    #[test]
    fn a_long_line_does_not_keep_its_memory() {
        with_line(|line| line.push_str(&"x".repeat(10 * KEPT)));
        with_line(|line| assert!(line.capacity() <= KEPT, "{}", line.capacity()));
    }
}
