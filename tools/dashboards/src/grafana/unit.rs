//! Units, by Grafana's ids for them.

/// The unit of a panel or a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Requests a second.
    Requests,
    /// Anything else, counted, a second.
    PerSecond,
    /// Time.
    Seconds,
    /// A share of one, shown as a percentage.
    Share,
    /// A number of things.
    Count,
    /// A factor.
    Times,
    /// Memory.
    Bytes,
    /// No unit: text, or a state.
    None,
}

impl Unit {
    /// Grafana's id.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Requests => "reqps",
            Self::PerSecond => "cps",
            Self::Seconds => "s",
            Self::Share => "percentunit",
            Self::Count => "short",
            // Grafana has no id for it: this prefix makes a unit of what follows.
            Self::Times => "suffix:×",
            Self::Bytes => "bytes",
            Self::None => "none",
        }
    }
}
