//! Typed, documented, validated settings: what an operator may choose, and nothing that has to be running to know it.
//!
//! [`load()`] merges the layers (defaults, TOML file, conventional names, `GLASSHOUSE_*`, flags), checks the whole of it
//! and reports every fault at once. The one rule: this room imports no other room, opens nothing but configuration,
//! secret files and certificates, and no secret in it can be printed.
//!
//! - one file for each section (`server`, `database`, …), declared with `section!`: type, default, format and text once;
//! - `format/` reads, checks and shows one value; `validate` holds the rules between several;
//! - `sources`, `config_file`, `variables`, `layer`, `load`: from what the operator gives to [`Loaded`] or [`Faults`];
//! - `catalogue`, `reference`, `names`: all settings in words, and the nearest known name for an unknown one;
//! - `certificate`: what `server.tls` names;
//! - `reload`: secrets in files, and reading them again on SIGHUP.

mod admin;
mod auth;
mod catalogue;
mod certificate;
mod config_file;
mod database;
mod database_url;
mod environment;
mod fault_injection;
mod faults;
mod format;
mod layer;
mod live_page;
mod load;
mod locator;
mod log;
mod names;
mod rate;
mod rate_limit;
mod reference;
mod reload;
mod section;
mod server;
mod shown;
mod shutdown;
mod sources;
#[cfg(test)]
mod tests;
mod traces;
mod validate;
mod variables;
mod webhooks;

pub use admin::AdminSettings;
pub use auth::{Argon2Settings, AuthSettings};
pub use certificate::{CertificateError, read_certificate};
pub use database::DatabaseSettings;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use environment::Environment;
pub use fault_injection::FaultsSettings;
pub use faults::{Fault, Faults};
pub use live_page::LivePageSettings;
pub use load::{Effective, Loaded, load};
pub use locator::LocatorError;
pub use log::{LogFormat, LogSettings};
pub use rate::{Rate, RateError};
pub use rate_limit::{LimitSettings, RateLimitSettings};
pub use reference::{write_markdown, write_toml};
pub use reload::{SecretFile, Secrets};
pub use server::{ServerSettings, TlsSettings};
pub use shown::Shown;
pub use shutdown::ShutdownSettings;
pub use sources::Sources;
pub use traces::{TraceProtocol, TracesSettings};
pub use webhooks::WebhooksSettings;

use format::Choice;
use section::section;

section! {
    /// Everything that can be set. `Settings::default()` is the design's default of each, good for development on
    /// SQLite; `Debug` never prints a secret.
    pub struct Settings {
        /// Where this instance runs: `development` or `production`. Production refuses to start without
        /// `auth.jwt_secret`; development makes an ephemeral one and warns.
        pub environment: Environment = Environment::Development => Choice;
        /// The public listener: the API, its reference and the probes.
        pub server: ServerSettings;
        /// The second listener: metrics, probes, the live page and what operators change at run time. It never shows
        /// on the public port.
        pub admin: AdminSettings;
        /// The database and the pool in front of it. The timeouts form a ladder:
        /// `wait_timeout` < `statement_timeout` < `deadline` < `server.request_timeout` < `shutdown.grace`.
        pub database: DatabaseSettings;
        /// Access tokens, refresh tokens and password hashing.
        pub auth: AuthSettings;
        /// How often one client may ask. Answers beyond that are 429 with `Retry-After`.
        pub rate_limit: RateLimitSettings;
        /// The log on standard output.
        pub log: LogSettings;
        /// OpenTelemetry traces over OTLP.
        pub traces: TracesSettings;
        /// What happens between SIGTERM and the exit.
        pub shutdown: ShutdownSettings;
        /// Delivery of order events to webhook endpoints. Without effect in this version, which stores the events and delivers none.
        pub webhooks: WebhooksSettings;
        /// Fault injection for drills and demos. Without effect in this version.
        pub faults: FaultsSettings;
        /// The live page on the admin listener, which this version does not have yet: only `slow_request_threshold` has an effect.
        pub live_page: LivePageSettings;
    }
}
