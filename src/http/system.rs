//! The runtime that the main thread needs around the listeners.
//!
//! Not an Actix system: that gives its runtime to nobody, and can only be dropped, which waits for ever, or left as it is,
//! which waits for nothing. The workers have runtimes of their own either way.

use std::io;
use std::time::Duration;

use tokio::task::LocalSet;

/// Longest wait for blocking threads at the end of the process. Closing a connection takes a millisecond; a thread that
/// is stuck in a question to a database that is gone must not hold up the end.
const CLOSING: Duration = Duration::from_millis(500);

/// Runs `work` on this thread; for the main thread, once, to its end. Fails when the system gives no runtime.
///
/// Connections are closed on blocking threads. They are waited for: when `main` returns, the C library takes OpenSSL
/// down, and a thread that was inside it crashed the process (1 of 120 ends, exit code 139).
pub fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = LocalSet::new();
    let output = local.block_on(&runtime, work);
    // What still runs on it is left as it is: the process is about to end.
    std::mem::forget(local);
    runtime.shutdown_timeout(CLOSING);
    Ok(output)
}
