//! Logs: one JSON object a line on standard output, or short lines for people on a terminal.
//!
//! Each line is formatted once, on the thread that logs, into a buffer which that thread keeps, and
//! handed to a writer thread over a bounded queue: logging never waits for a reader, and what does
//! not fit is counted. What may be logged at all is decided where it is logged; the rule there is
//! that no secret, e-mail address, body or query string ever becomes a field.

mod control;
mod escape;
mod fields;
mod filter;
mod json;
mod layer;
mod metrics;
mod output;
mod panics;
mod pretty;
mod queue;
mod timestamp;

use std::fs::File;
use std::io::{IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use tracing::Dispatch;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::settings::{LogFormat, LogSettings};
use crate::telemetry::build;
use crate::telemetry::traces::Traces;

pub use control::LogControl;
pub use filter::AUDIT_TARGET;
pub use metrics::LogMetrics;
pub use panics::install_panic_hook;

use layer::{Format, LineLayer};
use metrics::EventCounts;
use queue::LineQueue;

/// Why logging could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Not in the filter grammar.
    #[error("`{filter}` is not a log filter")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// An empty filter would silence everything.
    #[error("a log filter cannot be empty: `off` silences the log")]
    EmptyFilter,
    /// A word that is no level names a target, at TRACE, and silences everything else: far more often
    /// it is a misspelt level.
    #[error("`{0}` is not a level: to choose a target, write `{0}=debug`")]
    UnknownLevel(String),
    /// Standard output could not be opened for the writer thread.
    #[error("standard output cannot be written to")]
    Output(#[source] std::io::Error),
    /// Another subscriber or logger is installed.
    #[error("logging is already set up")]
    Installed(#[source] TryInitError),
    /// The subscriber is gone or broken.
    #[error("the log filter could not be replaced")]
    Replace(#[source] reload::Error),
}

/// Who is logging: stands in every line.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Name of the service, such as `glasshouse`.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub revision: String,
    /// Where it runs, such as `production`.
    pub environment: String,
}

impl Identity {
    /// This build, under this name, in this environment.
    pub fn of_this_build(service: impl Into<String>, environment: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            version: build::VERSION.to_owned(),
            revision: build::REVISION.to_owned(),
            environment: environment.into(),
        }
    }
}

/// A running log: what is left to do with it is to control, to measure and, last of all, to flush it.
#[derive(Debug)]
pub struct Logs {
    queue: Arc<LineQueue>,
    counts: Arc<EventCounts>,
    control: LogControl,
}

impl Logs {
    /// What changes the filter while the service runs.
    pub fn control(&self) -> LogControl {
        self.control.clone()
    }

    /// Lines that never came out: the queue was full behind a stuck reader, or writing failed.
    pub fn dropped_lines(&self) -> u64 {
        self.queue.dropped_lines()
    }

    /// Waits until every line logged so far was written, but for no longer than a second: a stuck
    /// reader must not keep the process from ending. Returns whether it was. Lines logged afterwards
    /// are still written.
    pub fn flush(&self) -> bool {
        self.queue.flush()
    }
}

/// Sets logging up for the whole process, on standard output, with the export of traces beside it.
///
/// `colour` is whether the user bears colours (`NO_COLOR` is not set); there are none unless
/// standard output is a terminal. Records of the `log` crate are logged as well.
pub fn init(
    settings: &LogSettings,
    identity: &Identity,
    colour: bool,
    traces: &Traces,
) -> Result<Logs, LogError> {
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let settings = LogSettings {
        format: match settings.format {
            LogFormat::Auto if terminal => LogFormat::Pretty,
            LogFormat::Auto => LogFormat::Json,
            chosen => chosen,
        },
        ..settings.clone()
    };
    // A handle of its own: the writer thread may be stuck in a write for good, and would otherwise
    // hold the lock of `Stdout` against everybody else who prints.
    let output = stdout
        .as_fd()
        .try_clone_to_owned()
        .map_err(LogError::Output)?;
    let (dispatch, logs) = beside(
        traces,
        File::from(output),
        &settings,
        identity,
        colour && terminal,
    )?;
    dispatch.try_init().map_err(LogError::Installed)?;
    Ok(logs)
}

/// Logging into any writer, not installed: `tracing::dispatcher::with_default` uses it, for tests.
/// [`LogFormat::Auto`] is JSON here.
pub fn writing_to(
    output: impl Write + Send + 'static,
    settings: &LogSettings,
    identity: &Identity,
    colour: bool,
) -> Result<(Dispatch, Logs), LogError> {
    beside(&Traces::off(), output, settings, identity, colour)
}

fn beside(
    traces: &Traces,
    output: impl Write + Send + 'static,
    settings: &LogSettings,
    identity: &Identity,
    colour: bool,
) -> Result<(Dispatch, Logs), LogError> {
    let (filter, handle) = reload::Layer::new(filter::parse(&settings.filter)?);
    let format = match settings.format {
        LogFormat::Pretty => Format::Pretty { colour },
        LogFormat::Json | LogFormat::Auto => Format::json(identity),
    };
    let queue = Arc::new(LineQueue::start(output));
    let counts = Arc::new(EventCounts::default());
    // The filter is that of the lines alone: which spans are exported is not for it to say.
    let lines = LineLayer::new(format, Arc::clone(&queue), Arc::clone(&counts)).with_filter(filter);
    let subscriber = tracing_subscriber::registry()
        .with(lines)
        .with(traces.layer());
    let control = LogControl::new(settings.filter.clone(), Some(handle));
    Ok((
        subscriber.into(),
        Logs {
            queue,
            counts,
            control,
        },
    ))
}

#[cfg(test)]
mod tests;
