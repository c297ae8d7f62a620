//! One event as one JSON object on one line.
//!
//! Written once, straight into the line: the formatter of `tracing-subscriber` builds a map for each
//! event and parses what it wrote for spans anew, which costs 19 µs where this takes about one. The
//! names of no line repeat, and whatever a value holds, the line stays one valid object.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::Identity;
use super::escape::JsonString;
use super::fields::{Names, with_target};
use super::timestamp::Timestamp;
use crate::telemetry::{RequestContext, error_chain};

/// Up to here, 31 years, a time in milliseconds is written with three decimals.
const LONGEST_MS: f64 = 1e12;

/// The part of a line that is the same in every line.
#[derive(Debug)]
pub(super) struct JsonFormat {
    identity: String,
}

impl JsonFormat {
    pub(super) fn new(identity: &Identity) -> Self {
        let mut text = String::new();
        for (name, value) in [
            ("service", &identity.service),
            ("version", &identity.version),
            ("revision", &identity.revision),
            ("environment", &identity.environment),
        ] {
            key(&mut text, "", name);
            string(&mut text, value);
        }
        Self { identity: text }
    }

    /// Appends the event, and the newline.
    pub(super) fn write(
        &self,
        line: &mut String,
        now: &Timestamp,
        event: &Event<'_>,
        context: Option<&RequestContext>,
    ) {
        line.push_str("{\"timestamp\":\"");
        now.write_rfc3339(line);
        line.push_str("\",\"level\":\"");
        line.push_str(level(*event.metadata().level()));
        line.push('"');
        key(line, "", "target");
        with_target(event, &mut |target| string(line, target));

        let mut fields = JsonFields {
            line,
            names: Names::of(event),
            identity: Some(&self.identity),
        };
        event.record(&mut fields);
        fields.write_identity();

        if let Some(context) = context {
            // Ids hold nothing that needs escaping.
            for (name, id) in [
                (",\"request_id\":\"", context.request_id().as_str()),
                ("\",\"trace_id\":\"", context.trace_id().as_str()),
                ("\",\"span_id\":\"", context.span_id().as_str()),
            ] {
                line.push_str(name);
                line.push_str(id);
            }
            line.push('"');
        }
        line.push_str("}\n");
    }
}

/// Writes the fields of an event, and after its message who is logging.
struct JsonFields<'a> {
    line: &'a mut String,
    names: Names<'a>,
    identity: Option<&'a str>,
}

impl JsonFields<'_> {
    fn write_identity(&mut self) {
        if let Some(identity) = self.identity.take() {
            self.line.push_str(identity);
        }
    }

    /// Writes the name, then the value by `write`.
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        let Some((prefix, name)) = self.names.name(field) else {
            return;
        };
        if name != "message" {
            self.write_identity();
        }
        key(self.line, prefix, name);
        write(self.line);
    }

    fn number(&mut self, field: &Field, value: impl itoa::Integer) {
        self.field(field, |line| whole(line, value));
    }
}

impl Visit for JsonFields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |line| float(line, field.name(), value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            // Readers keep numbers as doubles or 64 bits: a longer one would come out wrong.
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        let text = if value { "true" } else { "false" };
        self.field(field, |line| line.push_str(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |line| string(line, value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.field(field, |line| string(line, &error_chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |line| {
            line.push('"');
            let _ = write!(JsonString(line), "{value:?}");
            line.push('"');
        });
    }
}

/// A number, or what JSON has no number for as a string. Times in milliseconds get three decimals,
/// which is where their meaning ends.
fn float(line: &mut String, name: &str, value: f64) {
    if name.ends_with("_ms") && (0.0..LONGEST_MS).contains(&value) {
        return millis(line, value);
    }
    let _ = if value.is_finite() {
        // With an exponent where it is shorter: 1e300 has 300 zeroes.
        write!(line, "{value:?}")
    } else {
        write!(line, "\"{value}\"")
    };
}

/// With three decimals. Every access line has three of these, and the formatter of the standard library took nearly a third of
/// the line's time for them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, not below 0, and far below what fits"
)]
fn millis(line: &mut String, value: f64) {
    let micros = (value * 1000.0).round() as u64;
    whole(line, micros / 1000);
    line.push('.');
    let decimals = micros % 1000;
    for digit in [decimals / 100, decimals / 10 % 10, decimals % 10] {
        line.push(char::from(b'0' + digit as u8));
    }
}

fn whole(line: &mut String, value: impl itoa::Integer) {
    line.push_str(itoa::Buffer::new().format(value));
}

fn string(line: &mut String, value: &str) {
    line.push('"');
    let _ = JsonString(line).write_str(value);
    line.push('"');
}

fn key(line: &mut String, prefix: &str, name: &str) {
    line.push_str(",\"");
    line.push_str(prefix);
    let _ = JsonString(line).write_str(name);
    line.push_str("\":");
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}
