//! What handlers take from a request: like the framework's extractors, but every failure is a problem document that
//! names the field, and bodies have a limit in size and time.

mod json;
mod object;
mod page;
mod path;
mod query;

pub use json::{BodyLimits, Json};
pub use object::objects;
pub use page::{Cursor, Page, Paged};
pub use path::Path;
pub use query::Query;
