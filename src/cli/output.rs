//! Standard output and standard error, for results and for people.
//!
//! The one rule: a reader that goes away (`glasshouse config reference | head`) is not a failure.

use super::error::CliError;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Writes a result to standard output, as it is.
pub(super) fn print(text: impl AsRef<[u8]>) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(CliError::io("standard output could not be written")),
    }
}

/// Writes a line for the person in front of it to standard error.
pub(super) fn note(text: impl Display) {
    // Nobody reads it: nobody is to be told of that.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes `error: ` and the text to standard error, in red on a terminal.
pub(super) fn complain(text: impl Display) {
    let label = if colours_wanted() && io::stderr().is_terminal() {
        "\u{1b}[1;31merror:\u{1b}[0m"
    } else {
        "error:"
    };
    note(format_args!("{label} {text}"));
}

/// Whether a person reads standard output as it comes.
pub(super) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

/// Whether the user bears colours; where there is no terminal there are none anyway.
#[expect(
    clippy::disallowed_methods,
    reason = "NO_COLOR (no-color.org) is a convention of terminals and no setting of the service"
)]
pub(super) fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
