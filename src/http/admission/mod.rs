//! Whether a request is taken on, decided before anything is done for it: before its body, its token and the database
//! are touched. What this service cannot do in time it refuses in time, so that what it takes on is answered.
//!
//! Three things run out, and each is seen by its queue, not by how long requests take, which differs a hundredfold from
//! route to route: connections to read with, connections to write with (by what their callers waited at least), and the
//! workers themselves (by how late they wake a task). A queue that stands for a whole window lowers a limit on the requests
//! in work; a limit that was hit while no queue stood is raised. Over the limit there is a short queue with a short patience.
//! A request is not in work while its body is waited for: clients that take their time keep nobody out.
//!
//! # Layout
//! - `class`: what a request counts as, and what that is worth
//! - `control`: the limit, from one window to the next; pure
//! - `slots`: who is in work, and whether another may be; atomics
//! - `queue`: who waits for a slot, and who gets the next one; pure
//! - `gate`: the three together; what the guard asks
//! - `upkeep`: reads the queues and sets the limits; `metrics`: what is told of it

mod class;
mod control;
mod gate;
mod metrics;
mod queue;
mod slots;
#[cfg(test)]
mod tests;
mod upkeep;

pub use class::{Class, Classify};
pub(super) use gate::{Bounds, Gate, Permit};
pub use metrics::AdmissionMetrics;
pub(super) use metrics::Reason;
pub use upkeep::Admission;
