//! Where the service runs: the one word that decides how strict the start is.

/// Where this instance runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine: what is missing is made up, with a warning.
    #[default]
    Development,
    /// Real users: what is missing is refused.
    Production,
}

impl Environment {
    /// The name used in settings, logs and `build_info`-like labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }

    /// Whether this is [`Environment::Production`].
    pub const fn is_production(self) -> bool {
        matches!(self, Self::Production)
    }
}
