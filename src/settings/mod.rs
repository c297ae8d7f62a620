//! Typed, documented, validated settings: what an operator may choose, and nothing that has to be running to know it.
//!
//! [`load`] merges the layers (defaults, TOML file, conventional names, `GLASSHOUSE_*`, flags), checks the whole of it
//! and reports every fault at once. The one rule: this room imports no other room, opens nothing but configuration and
//! secret files, and no secret in it can be printed.

mod admin;
mod auth;
mod database;
mod database_url;
mod environment;
mod fault_injection;
mod live_page;
mod log;
mod rate;
mod rate_limit;
mod section;
mod server;
mod shutdown;
mod traces;
mod webhooks;

pub use admin::AdminSettings;
pub use auth::{Argon2Settings, AuthSettings};
pub use database::DatabaseSettings;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use environment::Environment;
pub use fault_injection::FaultsSettings;
pub use live_page::LivePageSettings;
pub use log::{LogFormat, LogSettings};
pub use rate::{Rate, RateError};
pub use rate_limit::{LimitSettings, RateLimitSettings};
pub use server::{ServerSettings, TlsSettings};
pub use shutdown::ShutdownSettings;
pub use traces::{TraceProtocol, TracesSettings};
pub use webhooks::WebhooksSettings;

section::section! {
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
        /// Delivery of order events to webhook endpoints.
        pub webhooks: WebhooksSettings;
        /// Fault injection for drills and demos.
        pub faults: FaultsSettings;
        /// The live page on the admin listener.
        pub live_page: LivePageSettings;
    }
}
