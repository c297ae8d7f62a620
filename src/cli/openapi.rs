//! `glasshouse openapi`: prints the OpenAPI document, as `/openapi.json` serves it.

use super::error::CliError;
use super::output;
use crate::app;

/// Prints the document; needs no settings and no database.
pub(super) fn run() -> Result<(), CliError> {
    let document = app::document().to_pretty_json().map_err(CliError::because(
        "the document could not be written as JSON",
    ))?;
    output::print(document + "\n")
}
