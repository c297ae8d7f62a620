//! Settings of the log: which events, and in which form.

use super::format::{Choice, Filter};
use super::section::section;

section! {
    /// The log on standard output.
    pub struct LogSettings {
        /// Which events are logged, in the grammar of `RUST_LOG`: a level, or `target=level` pairs, such as
        /// `info,glasshouse::orders=debug`. `RUST_LOG` sets it too; the admin listener changes it for a while.
        pub filter: String = "info".to_owned() => Filter;
        /// `json` is one object a line, `pretty` is for people, `auto` is JSON unless standard output is a terminal.
        pub format: LogFormat = LogFormat::Auto => Choice;
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON unless standard output is a terminal.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}
