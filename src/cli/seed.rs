//! `glasshouse seed`: a catalog, and accounts to load it with.
//!
//! What a seeded product and account look like is decided by their subjects; the same numbers
//! give the same ones again, and what is there already stays as it is.

use super::arguments::{GlobalArguments, SeedArguments};
use super::error::CliError;
use super::runtime::block_on;
use super::{output, password, subjects};
use crate::accounts::model::NewPassword;

/// Adds what is missing and tells how much that was.
pub(super) fn run(global: &GlobalArguments, arguments: &SeedArguments) -> Result<(), CliError> {
    let SeedArguments { products, accounts } = *arguments;
    // Before anything is opened: what is wrong with it should show at once.
    let password = if accounts > 0 {
        Some(password::new()?)
    } else {
        None
    };
    let settings = subjects::settings(global)?;
    let added = block_on(async move {
        let subjects = subjects::open(&settings)?;
        let added = subjects.catalog.seed(products).await;
        let products = added.map_err(CliError::because("the products could not be added"))?;
        let accounts = match password {
            Some(password) => add_accounts(&subjects, accounts, password).await?,
            None => 0,
        };
        Ok((products, accounts))
    })?;
    output::print(told("products", products, added.0) + &told("accounts", accounts, added.1))
}

async fn add_accounts(
    subjects: &crate::app::Subjects,
    count: u32,
    password: NewPassword,
) -> Result<u64, CliError> {
    let added = subjects.accounts.seed(count, password).await;
    let added = added.map_err(CliError::because("the accounts could not be added"))?;
    Ok(u64::try_from(added).unwrap_or(u64::MAX))
}

fn told(what: &str, asked: u32, added: u64) -> String {
    format!(
        "{what}: {added} added, {} there before\n",
        u64::from(asked).saturating_sub(added)
    )
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn what_was_added_and_what_was_there_make_up_what_was_asked_for() {
        assert_eq!(
            told("products", 10, 4),
            "products: 4 added, 6 there before\n"
        );
        assert_eq!(
            told("accounts", 0, 0),
            "accounts: 0 added, 0 there before\n"
        );
    }
}
