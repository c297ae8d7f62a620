//! Panics as log lines: message, place and backtrace, in one ERROR event with the request's ids.

use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};

use tracing::Level;

/// Replaces the dump on standard error by an ERROR event. Call it once, after [`init`](super::init).
///
/// Where no event would come out (nothing is installed, the filter is `off`, the panic happens while
/// logging), the former hook does its work: a panic is never silent.
pub fn install_panic_hook() {
    let former = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if tracing::event_enabled!(target: "glasshouse::panic", Level::ERROR) {
            log(info);
        } else {
            former(info);
        }
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    tracing::error!(
        target: "glasshouse::panic",
        {
            panic.message = info.payload_as_str().unwrap_or("not a text"),
            panic.location = info.location().map(tracing::field::display),
            panic.backtrace = %Backtrace::force_capture(),
            thread.name = thread.name(),
        },
        "thread panicked",
    );
}
