//! The binary: everything it does is in [`glasshouse::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    glasshouse::cli::run()
}
