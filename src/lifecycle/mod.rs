//! The life of the process: signals, readiness, background tasks, the ordered end, systemd, file descriptors.
//!
//! It knows neither HTTP nor the database: `app.rs` hands it the checks, the tasks and the steps.
//! The one rule: nothing outside `tasks.rs` starts a task or a thread, so that everything that
//! runs has a name, is watched for panics and is stopped in order.

pub mod descriptors;
mod hysteresis;
mod readiness;
mod shutdown;
mod signals;
pub mod systemd;
mod tasks;

pub use hysteresis::{Hysteresis, Verdict};
pub use readiness::{Check, CheckReport, Readiness, ReadinessReport, Status};
pub use shutdown::{Cut, Shutdown, ShutdownReport, Unfinished};
pub use signals::{SignalEvent, Signals};
pub use tasks::{StopToken, Tasks, spawn_local, spawn_thread, supervise_local};
