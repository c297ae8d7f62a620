//! Runs the asynchronous part of a command that serves nothing.

use super::error::CliError;
use std::time::Duration;

/// Longest wait for what the work left behind on other threads: connections that are closing, and
/// perhaps an attempt to connect that nobody waits for any more.
const CLOSING: Duration = Duration::from_secs(1);

/// Runs `work` to its end on this thread.
///
/// It must own what holds pooled connections: they can only be dropped inside the runtime.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::io("the runtime could not be started"))?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(CLOSING);
    outcome
}
