//! Failures of the database as answers: the one place where a class becomes a status.

use std::time::Duration;

use crate::database::{DatabaseError, ErrorKind};

use super::super::metrics::Rejection;
use super::Problem;
use super::kinds::{
    CONFLICTING_WRITES, DATABASE_READ_ONLY, DATABASE_UNAVAILABLE, INTERNAL_ERROR, NOT_FOUND,
    OVERLOADED,
};

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        let problem = match error.kind() {
            ErrorKind::PoolWait => Self::new(&OVERLOADED).rejected(Rejection::Pool),
            ErrorKind::ReadOnly | ErrorKind::Full => Self::new(&DATABASE_READ_ONLY),
            ErrorKind::Conflict => Self::new(&CONFLICTING_WRITES),
            ErrorKind::PoolCreate
            | ErrorKind::Deadline
            | ErrorKind::StatementTimeout
            | ErrorKind::Unavailable
            | ErrorKind::Busy
            | ErrorKind::Refused
            | ErrorKind::Schema
            | ErrorKind::Corrupt => Self::new(&DATABASE_UNAVAILABLE),
            ErrorKind::NotFound => Self::new(&NOT_FOUND),
            // A subject maps the violations that it expects; one that gets here is a fault of this program.
            ErrorKind::Unique | ErrorKind::Constraint | ErrorKind::Bug => {
                Self::new(&INTERNAL_ERROR)
            }
        };
        let problem = if problem.kind().status == 503 {
            problem.retry_after(retry_after())
        } else {
            problem
        };
        problem.source(error)
    }
}

/// Between 1 and 3 seconds, so that clients turned away together do not come back together.
pub(in crate::http) fn retry_after() -> Duration {
    Duration::from_secs(fastrand::u64(1..=3))
}
