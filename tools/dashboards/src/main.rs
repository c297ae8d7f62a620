//! Writes `grafana/dashboards/glasshouse-*.json` from the service's own metric declarations: `cargo run -p dashboards`.
//! With `--check` it writes nothing, names what differs and ends with 1: continuous integration refuses drift.
//!
//! A renamed metric changes the JSON, a removed one does not compile, and a query about a label that its metric does not
//! have is refused. Whether what is written is right in other ways is for `tests/stack`.
//!
//! # Layout
//! - `query`: PromQL out of declarations
//! - `grafana`: Grafana's dashboard model
//! - `boards`: the dashboards, one file each; `slo`: the objectives that they show
//! - `files`: comparing and writing

mod boards;
mod files;
mod grafana;
mod query;
mod slo;

use std::io::Write as _;
use std::process::ExitCode;

use files::Difference;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            say("usage: dashboards [--check]");
            return ExitCode::from(2);
        }
    };
    let generated = match files::generate(&boards::all()) {
        Ok(generated) => generated,
        Err(faults) => {
            for fault in &faults {
                say(fault);
            }
            return ExitCode::FAILURE;
        }
    };
    let differences = match files::differences(&files::folder(), &generated) {
        Ok(differences) => differences,
        Err(error) => {
            say(&format!("{}: {error}", files::folder().display()));
            return ExitCode::FAILURE;
        }
    };
    for difference in &differences {
        say(&difference.to_string());
    }
    if check {
        if differences.is_empty() {
            return ExitCode::SUCCESS;
        }
        say("`make dashboards` writes them anew");
        return ExitCode::FAILURE;
    }
    match differences.iter().try_for_each(Difference::settle) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {error}", files::folder().display()));
            ExitCode::FAILURE
        }
    }
}

/// Tells the person in front of it. One that does not listen need not be told.
fn say(line: &str) {
    let _gone = writeln!(std::io::stderr().lock(), "{line}");
}
