//! Why a command failed, and the exit code that tells it to scripts.

use super::output;
use crate::settings::Faults;
use crate::telemetry::error_chain;
use std::error::Error;
use std::io;
use std::process::ExitCode;

/// The failure of a command.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// What was asked makes no sense; exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The settings are not good; the text names every fault. Exit code 2.
    #[error(transparent)]
    Configuration(Faults),
    /// `migrate status` found pending ones; it has listed them already. Exit code 3.
    #[error("migrations are pending: `glasshouse migrate run` applies them")]
    MigrationsPending,
    /// `config check` found faults; it has printed them as its result. Exit code 2.
    #[error("the configuration has faults")]
    FaultsPrinted,
    /// The service had to be cut while it ended; it has logged what. Exit code 1.
    #[error("the shutdown was forced")]
    Forced,
    /// Something failed while running; exit code 1.
    #[error("{what}")]
    Failed {
        /// What could not be done.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer to a question is no (not ready); exit code 1.
    #[error("{0}")]
    No(String),
}

impl CliError {
    /// A wrong usage that only shows after parsing.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// For `map_err`: what could not be done, when the reason is an I/O error.
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        Self::because(what)
    }

    /// For `map_err`: what could not be done; the reason is the error.
    pub(super) fn because<E: Into<Box<dyn Error + Send + Sync>>>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Failed {
            what,
            source: source.into(),
        }
    }

    /// The code that the process ends with.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) | Self::Configuration(_) | Self::FaultsPrinted => 2,
            Self::MigrationsPending => 3,
            Self::Forced | Self::Failed { .. } | Self::No(_) => 1,
        })
    }

    /// Tells the person in front of it, on standard error.
    pub(super) fn report(&self) {
        match self {
            Self::FaultsPrinted | Self::Forced => {}
            Self::No(_) | Self::MigrationsPending => output::note(self),
            _ => output::complain(self.chain()),
        }
    }

    /// The failure and its causes, outermost first, on one line.
    pub(super) fn chain(&self) -> String {
        error_chain(self)
    }
}

#[cfg(test)]
mod tests {
    use super::CliError;
    use std::io;

    #[test]
    fn the_whole_chain_of_causes_is_told() {
        let cause = io::Error::other("disk full");
        let error = CliError::io("the file could not be written")(cause);
        assert_eq!(error.chain(), "the file could not be written: disk full");
    }
}
