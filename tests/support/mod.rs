//! What tests stand on. Each test binary includes it with `#[path]` and uses its part of it.
//!
//! # Layout
//! - `test_app`: the service in this process; `on_both!` runs a test on both databases
//! - `process`: the program in a process of its own; `processes`: signals
//! - `database`: a database a test; `postgres`: a cluster a test, to be paused and killed
//! - `held`: a database whose writes wait
//! - `client`: requests, with the things that clients do by name; `raw`: HTTP by hand
//! - `tls`: a certificate a test, and a way in for those who speak plain HTTP
//! - `collector`: what traces arrive at
//! - `proxy`: what goes wrong between the service and its database
//! - `metrics`, `json`: what a scrape and a problem hold; `eventually`: waiting for a state
//! - `app`: the only file that names the service's insides
//!
//! Whether all this works is seen in `tests/process/support_itself.rs`.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod database;
pub(crate) mod eventually;
pub(crate) mod held;
pub(crate) mod json;
pub(crate) mod machine;
pub(crate) mod metrics;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod processes;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod test_app;
pub(crate) mod tls;

/// What whoever started the tests asks for, by a variable of the environment.
pub(crate) fn asked(variable: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is how scripts that start the tests speak to them"
    )]
    std::env::var(variable).ok()
}

/// Makes two tests of one function, `name::sqlite` and `name::postgres`:
///
/// ```ignore
/// on_both!(a_repeated_key_replays_the_first_answer);
/// async fn a_repeated_key_replays_the_first_answer(app: TestApp) { … }
///
/// on_both!(the_third_login_is_refused, |settings| settings.rate_limit.login.burst = 2);
/// async fn the_third_login_is_refused(app: TestApp) { … }
/// ```
///
/// A function that takes an `Arc<TestDatabase>` gets an empty database instead, and starts what it needs; one that takes a
/// `Backend` is only told which. `on_both!(name, within = LIMIT)` is for those that may take longer than others.
macro_rules! on_both {
    ($name:ident) => {
        on_both!($name, |_| {});
    };
    ($name:ident, within = $longest:expr) => {
        on_both!($name, |_| {}, $longest);
    };
    ($name:ident, $options:expr) => {
        on_both!($name, $options, $crate::support::test_app::LONGEST);
    };
    ($name:ident, $options:expr, $longest:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                $crate::support::test_app::run_within(
                    $longest,
                    $crate::support::database::Backend::Sqlite,
                    $options,
                    $name,
                );
            }

            #[test]
            fn postgres() {
                $crate::support::test_app::run_within(
                    $longest,
                    $crate::support::database::Backend::Postgres,
                    $options,
                    $name,
                );
            }
        }
    };
}
pub(crate) use on_both;
