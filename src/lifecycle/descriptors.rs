//! How many file descriptors the process may have.
//!
//! Many systems start a process with 1,024 and let it have a thousand times as many when it asks: the small number is for
//! programs that use `select`, which this one does not.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as the process may by itself, and gives back what it is now; `None` is no limit. Where it cannot
/// be raised it stays as it was.
pub fn raise_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        let outcome = setrlimit(Resource::Nofile, raised);
        tracing::debug!(
            process.max_fds = limit(),
            raised = outcome.is_ok(),
            "limit of file descriptors looked at"
        );
    }
    limit()
}

/// As it is now.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}
