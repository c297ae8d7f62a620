//! The admin listener: what operators and Prometheus ask, on a thread and a runtime of its own.
//!
//! It answers while every worker of the public listener and the whole database pool are stuck,
//! because it shares nothing with them that could be waited for: no route here touches the
//! database. Admin traffic is not counted in `http_*`.
//!
//! | route | | who |
//! |---|---|---|
//! | `GET /` | what there is here (HTML for a browser, else JSON) | guarded |
//! | `GET /metrics` | the metrics in Prometheus' text format | anyone |
//! | `GET /health`, `/health/live`, `/health/ready` | the probes, as on the public listener | anyone |
//! | `GET /config` | the settings in effect and their origins, secrets masked | guarded |
//! | `GET /log`, `PUT /log` | the log filter; changed for a while or for good | guarded |
//! | `POST /ready/hold`, `DELETE /ready/hold` | out of rotation, and back | guarded |
//!
//! Everything that is not open to anyone passes the [`guard`], unknown paths included, so that a
//! route added later is guarded unless it says otherwise. Refused are: a strange `Host` with 421,
//! a missing token with 401, a peer from elsewhere and a foreign `Origin` with 403.

mod frame;
pub mod guard;
mod hold;
mod index;
mod log;
mod metrics;
pub mod problems;
mod server;
mod settings;

use crate::http::probes::Health;
use crate::lifecycle::Readiness;
use crate::settings::Effective;
use crate::telemetry::logs::LogControl;
use crate::telemetry::metrics::{HistogramHandle, Registry};
use std::path::PathBuf;

pub use self::problems::PROBLEMS;
pub use self::server::{AdminError, AdminServer, start};

/// What the admin listener shows and changes. Clones share it.
#[derive(Debug, Clone)]
pub struct AdminContext {
    /// What `/metrics` encodes.
    pub registry: Registry,
    /// What the probes read.
    pub health: Health,
    /// What `/ready/hold` switches.
    pub readiness: Readiness,
    /// What `/log` reads and changes; somebody must run its `watch`.
    pub log: LogControl,
    /// What `/config` shows.
    pub effective: Vec<Effective>,
    /// The settings file that was read, if one was.
    pub config_file: Option<PathBuf>,
    /// `runtime_lag_seconds{runtime="admin"}`.
    pub lag: HistogramHandle,
}
