//! Orders over a real SQLite file. What their routes answer, on both databases, is in `tests/api/`.

mod conservation;
mod fixture;
mod placing;
mod reading;
mod transitions;
mod walks;
