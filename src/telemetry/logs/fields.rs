//! Which name a field gets in a line, so that no name occurs twice.

use tracing::Event;
use tracing::field::{Field, FieldSet, Visit};

/// Where records of the `log` crate arrive; their real target is a field.
const LOG_CRATE: &str = "log";

/// Prefix of an event's own field whose name the line needs for itself.
const PREFIX: &str = "field.";

/// Names that every line has, or has inside a request.
fn is_reserved(name: &str) -> bool {
    // A `match` compares lengths first: this is asked for each field of each line.
    matches!(
        name,
        "timestamp"
            | "level"
            | "target"
            | "service"
            | "version"
            | "revision"
            | "environment"
            | "request_id"
            | "trace_id"
            | "span_id"
    )
}

/// The names written so far in one line.
pub(super) struct Names<'a> {
    fields: &'a FieldSet,
    log_record: bool,
    /// One bit for each hash of a name written: a clear bit says that a name is new, which spares
    /// nearly every field the search.
    seen: u64,
}

impl<'a> Names<'a> {
    pub(super) fn of(event: &'a Event<'_>) -> Self {
        Self {
            fields: event.metadata().fields(),
            log_record: is_log_record(event),
            seen: 0,
        }
    }

    /// The name for this field, as prefix and rest. `None` when it must be left out: an earlier
    /// field of the event has that name, or it tells where a `log` record was made.
    pub(super) fn name(&mut self, field: &Field) -> Option<(&'static str, &'static str)> {
        let name = plain(field);
        if self.log_record && name.starts_with("log.") {
            return None;
        }
        let bit = 1 << (hash(name) % 64);
        if self.seen & bit != 0 && is_repeated(self.fields, field) {
            return None;
        }
        self.seen |= bit;
        // Names that begin with the prefix get another, or two fields could end up with one name.
        let prefixed = is_reserved(name) || name.starts_with(PREFIX);
        Some((if prefixed { PREFIX } else { "" }, name))
    }
}

/// The target of an event: its own, or that of the `log` record that it carries.
pub(super) fn with_target(event: &Event<'_>, write: &mut dyn FnMut(&str)) {
    if is_log_record(event) {
        event.record(&mut LogTarget(write));
    } else {
        write(event.metadata().target());
    }
}

fn is_log_record(event: &Event<'_>) -> bool {
    event.metadata().target() == LOG_CRATE && event.metadata().name() == "log event"
}

/// `r#type` is the field `type`.
fn plain(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

fn is_repeated(fields: &FieldSet, field: &Field) -> bool {
    fields
        .iter()
        .take_while(|earlier| earlier != field)
        .any(|earlier| plain(&earlier) == plain(field))
}

/// Cheap, and different for the names of one event more often than not.
fn hash(name: &str) -> usize {
    let byte = |place: usize| {
        name.as_bytes()
            .get(place)
            .map_or(0, |&byte| usize::from(byte))
    };
    name.len() + 7 * byte(name.len() / 2) + 31 * byte(name.len().saturating_sub(1))
}

/// Finds the target of a `log` record.
struct LogTarget<'a>(&'a mut dyn FnMut(&str));

impl Visit for LogTarget<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            (self.0)(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
