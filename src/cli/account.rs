//! `glasshouse account create`: the only way to the first operator.

use super::arguments::{AccountAction, AccountArguments, GlobalArguments, RoleArgument};
use super::error::CliError;
use super::runtime::block_on;
use super::{output, password, subjects};
use crate::accounts::NewAccount;
use crate::accounts::model::{DisplayName, EmailAddress, InvalidPart, Role};

/// Makes the account and prints its id.
pub(super) fn run(global: &GlobalArguments, arguments: AccountArguments) -> Result<(), CliError> {
    let AccountAction::Create {
        email,
        role,
        display_name,
    } = arguments.action;
    let email = EmailAddress::parse(&email).map_err(wrong("--email"))?;
    let display_name = display_name.unwrap_or_else(|| local_part(&email).to_owned());
    let display_name = DisplayName::parse(&display_name).map_err(wrong("--display-name"))?;
    let role = match role {
        RoleArgument::Customer => Role::Customer,
        RoleArgument::Operator => Role::Operator,
    };
    let password = password::new()?;
    let settings = subjects::settings(global)?;
    let new = NewAccount {
        email,
        display_name,
        password,
        role,
    };
    let account = block_on(async move {
        let subjects = subjects::open(&settings)?;
        let created = subjects.accounts.create(new).await;
        created.map_err(CliError::because("the account could not be created"))
    })?;
    output::print(format!("created {} account {}\n", account.role, account.id))
}

/// For `map_err`: names the flag whose value breaks a rule.
fn wrong(flag: &'static str) -> impl FnOnce(InvalidPart) -> CliError {
    move |rule| CliError::usage(format!("{flag} {rule}"))
}

fn local_part(email: &EmailAddress) -> &str {
    email.as_str().split('@').next().unwrap_or_default()
}
