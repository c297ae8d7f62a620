//! The public listener: everything about HTTP that no subject has to know.
//!
//! # Layout
//! - `server`: binds, limits, layers; given the subjects' routes by the composition root
//! - `listener`: from accepted connections to requests; `connection`: whether the client is still there, in time, and speaks HTTP
//! - `descriptors`: how many connections there is room for
//! - `resource`: one path and its methods; `extract`: what handlers take; `problem`: how errors are answered
//! - `middleware`: what every request passes, in order; `layers`: what that works with; `rate_limit`, `client_address`: whom to slow down
//! - `admission`: whether a request is taken on at all
//! - `probes`, `docs`, `landing`: the routes that are not about any subject
//! - `system`: the runtime around the listeners; `metrics`: what is told of all this
//!
//! It knows no subject and no SQL. It knows `database` only as the source of one error type, and by how its pools are.

mod admission;
mod client_address;
mod connection;
mod descriptors;
mod docs;
pub mod extract;
pub mod html;
mod landing;
mod layers;
mod listener;
mod metrics;
mod middleware;
mod openapi;
pub mod probes;
pub mod problem;
mod rate_limit;
mod resource;
mod server;
mod system;
pub mod time;
mod tls;

pub use admission::{Admission, AdmissionMetrics, Class, Classify};
pub use client_address::{client_address, client_network};
pub use connection::client_is_gone;
pub use docs::{Documented, operations};
pub use extract::Paged;
pub use metrics::{HttpMetrics, Rejection};
pub use middleware::Identify;
pub use openapi::ServiceApi;
pub use rate_limit::{Limiter, RateLimits};
pub use resource::Resource;
pub use server::{Bound, InFlight, Parts, ServerError, bind};
pub use system::block_on;

pub use middleware::Opening;
