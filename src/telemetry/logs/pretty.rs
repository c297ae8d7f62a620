//! Short lines for people: time of day (UTC), level, message, fields.
//!
//! For terminals, and never to be parsed. Control characters in values are escaped, as else a value
//! could take the terminal over.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::escape::TerminalText;
use super::fields::{Names, with_target};
use super::timestamp::Timestamp;
use crate::telemetry::{RequestContext, error_chain};

const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// Appends the event, and the newline.
pub(super) fn write(
    line: &mut String,
    now: &Timestamp,
    event: &Event<'_>,
    context: Option<&RequestContext>,
    colour: bool,
) {
    let (dim, reset) = if colour { (DIM, RESET) } else { ("", "") };
    line.push_str(dim);
    now.write_clock(line);
    line.push_str(reset);
    line.push(' ');
    write_level(line, *event.metadata().level(), colour);

    let mut fields = PrettyFields {
        line,
        names: Names::of(event),
        dim,
        reset,
    };
    event.record(&mut fields);

    let mut tail = |name: &str, value: &str| {
        let _ = write!(line, "  {dim}{name}={reset}");
        let _ = TerminalText(line).write_str(value);
    };
    // Our own lines say in their fields what they are about; others' need their origin.
    with_target(event, &mut |target| {
        if !target.starts_with("glasshouse") {
            tail("target", target);
        }
    });
    if let Some(context) = context {
        tail("request_id", context.request_id().as_str());
    }
    line.push('\n');
}

fn write_level(line: &mut String, level: Level, colour: bool) {
    let (name, code) = match level {
        Level::ERROR => ("ERROR", "\u{1b}[1;31m"),
        Level::WARN => ("WARN ", "\u{1b}[33m"),
        Level::INFO => ("INFO ", "\u{1b}[32m"),
        Level::DEBUG => ("DEBUG", "\u{1b}[34m"),
        Level::TRACE => ("TRACE", "\u{1b}[35m"),
    };
    if colour {
        line.push_str(code);
        line.push_str(name);
        line.push_str(RESET);
    } else {
        line.push_str(name);
    }
}

struct PrettyFields<'a> {
    line: &'a mut String,
    names: Names<'a>,
    dim: &'static str,
    reset: &'static str,
}

impl PrettyFields<'_> {
    fn field(&mut self, field: &Field, value: std::fmt::Arguments<'_>) {
        let Some((prefix, name)) = self.names.name(field) else {
            return;
        };
        if name == "message" {
            self.line.push(' ');
        } else {
            let _ = write!(self.line, "  {}{prefix}{name}={}", self.dim, self.reset);
        }
        let _ = TerminalText(self.line).write_fmt(value);
    }
}

impl Visit for PrettyFields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name().ends_with("_ms") {
            self.field(field, format_args!("{value:.3}"));
        } else {
            self.field(field, format_args!("{value}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.field(field, format_args!("{}", error_chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, format_args!("{value:?}"));
    }
}
