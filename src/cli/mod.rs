//! The command line: parse, dispatch, exit code. One file per command.
//!
//! What a command does is the other rooms' work; here it is called and its outcome printed.
//! The one rule: results go to standard output, everything else to standard error, and no
//! password is ever an argument (every user of the machine can read those).

mod account;
mod arguments;
mod config;
mod error;
mod healthcheck;
mod load;
mod migrate;
mod openapi;
mod output;
mod password;
mod runtime;
mod seed;
mod serve;
mod subjects;

use self::arguments::{Arguments, Command};
use self::error::CliError;
use clap::Parser as _;
use std::process::ExitCode;

/// Runs the command that the process was started with.
///
/// The exit code is 0, or 1 for a failure at run time, 2 for a wrong usage or a bad
/// configuration, 3 when migrations are pending.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse_from(std::env::args_os()) {
        Ok(arguments) => arguments,
        // Also `--help` and `--version`, which are no failures and go to standard output.
        Err(error) => {
            // A closed standard error leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.report();
            error.exit_code()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), CliError> {
    // Before anybody speaks TLS. It fails when another is in place already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Arguments { global, command } = arguments;
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&global),
        Command::Migrate(arguments) => migrate::run(&global, &arguments),
        Command::Seed(arguments) => seed::run(&global, &arguments),
        Command::Account(arguments) => account::run(&global, arguments),
        Command::Config(arguments) => config::run(&global, &arguments),
        Command::Healthcheck(arguments) => healthcheck::run(&global, arguments),
        Command::Openapi => openapi::run(),
    }
}
