//! What every request passes, outermost first, unless it is refused before (`early`, in overload):
//!
//! 1. `observe`: request id, context, counters, the access line, security headers, `Connection: close` while draining
//! 2. `traced`: a tracing span, for requests that are sampled
//! 3. CORS, when origins are configured: outside of the guard, because a browser shows nobody an answer without its headers
//! 4. `guard`: panics, a `Host` or target that is none, the gate (with `body`: what is waited for is not in work, what is
//!    refused is swallowed), the request's deadline, errors that are not problem documents yet
//! 5. `api_limit`, when `rate_limit.api` is on
//!
//! Then the route: its extractors (account, path, query, body) and its handler.

mod access_line;
mod api_limit;
mod body;
mod early;
pub(super) use early::EarlyRefusal;
mod ending;
mod guard;
pub(super) use guard::{Guard, guard, in_problem_form};
mod headers;
mod observe;
mod pieces;
mod target;
mod traced;

pub use api_limit::Identify;
pub(super) use api_limit::api_limit;
pub use guard::Opening;
pub(super) use observe::{Observe, Observer};
pub(super) use traced::Traced;
