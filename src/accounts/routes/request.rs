//! The bodies that the routes of accounts take. Their rules are those of `model`, told to the JSON extractor so that
//! every field at fault is named at once.

use garde::Validate;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::model::{DisplayName, EmailAddress, InvalidPart, NewPassword, Role};
use crate::accounts::service::NewAccount;
use crate::http::problem::Problem;
use crate::http::problem::kinds::INVALID_BODY;

/// What is needed to register.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// What to log in with. One account for each address, in whatever letter case it is typed.
    #[garde(custom(is_email))]
    #[schema(
        value_type = String,
        format = "email",
        max_length = 254,
        pattern = r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
        example = "ada@example.com"
    )]
    email: Redacted,
    /// 8 to 128 characters of any kind.
    #[garde(custom(is_new_password))]
    #[schema(
        value_type = String,
        format = "password",
        min_length = 8,
        max_length = 128,
        example = "correct horse battery staple"
    )]
    password: Redacted,
    /// What to be called on screens: 1 to 100 characters, no control characters.
    #[garde(custom(is_display_name))]
    #[schema(
        value_type = String,
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "Ada Lovelace"
    )]
    display_name: Redacted,
}

/// Text that cannot be printed: all of it is personal.
type Redacted = SecretString;

impl RegisterRequest {
    /// The account that is asked for.
    pub(super) fn into_account(self) -> Result<NewAccount, Problem> {
        let email = EmailAddress::parse(self.email.expose_secret());
        let display_name = DisplayName::parse(self.display_name.expose_secret());
        Ok(NewAccount {
            email: email.map_err(|rule| broken("email", rule))?,
            display_name: display_name.map_err(|rule| broken("display_name", rule))?,
            password: NewPassword::parse(self.password).map_err(|rule| broken("password", rule))?,
            role: Role::Customer,
        })
    }
}

/// What is needed to log in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The address that the account was registered with, in any letter case.
    #[garde(custom(is_email))]
    #[schema(
        value_type = String,
        format = "email",
        max_length = 254,
        pattern = r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
        example = "ada@example.com"
    )]
    email: Redacted,
    /// Its password.
    #[garde(custom(is_password))]
    #[schema(
        value_type = String,
        format = "password",
        min_length = 1,
        max_length = 128,
        example = "correct horse battery staple"
    )]
    password: Redacted,
}

impl LoginRequest {
    /// Address and password.
    pub(super) fn into_parts(self) -> Result<(EmailAddress, SecretString), Problem> {
        let email = EmailAddress::parse(self.email.expose_secret());
        Ok((email.map_err(|rule| broken("email", rule))?, self.password))
    }
}

/// What is needed to go on with a session.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token that came last. It is good once.
    #[garde(skip)]
    #[schema(value_type = String, example = "xL5bV2mK0cQ8rT1yZ7nD4sF6gH9jW3pE_aUoIiXvB-k")]
    pub(super) refresh_token: SecretString,
}

fn is_email<C>(text: &Redacted, _context: &C) -> garde::Result {
    EmailAddress::parse(text.expose_secret())
        .map(drop)
        .map_err(message)
}

fn is_display_name<C>(text: &Redacted, _context: &C) -> garde::Result {
    DisplayName::parse(text.expose_secret())
        .map(drop)
        .map_err(message)
}

fn is_new_password<C>(text: &Redacted, _context: &C) -> garde::Result {
    NewPassword::check(text.expose_secret()).map_err(message)
}

/// At log-in nothing is told about what passwords look like here, but for the bound that keeps hashing cheap.
fn is_password<C>(text: &Redacted, _context: &C) -> garde::Result {
    let length = text.expose_secret().chars().count();
    if (1..=NewPassword::MAX_LENGTH).contains(&length) {
        Ok(())
    } else {
        Err(garde::Error::new("must be 1 to 128 characters"))
    }
}

fn message(rule: InvalidPart) -> garde::Error {
    garde::Error::new(rule.to_string())
}

/// The extractor has checked it all; this keeps the compiler's word for it.
fn broken(field: &'static str, rule: InvalidPart) -> Problem {
    Problem::new(&INVALID_BODY).field(field, rule.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults<T: Validate<Context = ()>>(request: &T) -> Vec<String> {
        let report = request.validate().err();
        let faults = report.into_iter().flat_map(garde::Report::into_inner);
        let mut names: Vec<_> = faults.map(|(path, _)| path.to_string()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_field_at_fault_is_named_at_once() {
        let json = r#"{"email": "nobody", "password": "short", "display_name": ""}"#;
        let request: RegisterRequest = serde_json::from_str(json).unwrap();
        assert_eq!(faults(&request), ["display_name", "email", "password"]);
    }

    #[test]
    fn a_good_request_becomes_a_customer() {
        let json =
            r#"{"email": "Ada@Example.com", "password": "correct horse", "display_name": "Ada"}"#;
        let request: RegisterRequest = serde_json::from_str(json).unwrap();
        assert!(faults(&request).is_empty());
        let account = request.into_account().unwrap();
        assert_eq!(account.email.as_str(), "ada@example.com");
        assert_eq!(account.role, Role::Customer);
    }

    #[test]
    fn nobody_registers_with_a_role_or_an_id() {
        for member in ["role", "id", "created_at"] {
            let json = format!(
                r#"{{"email": "a@example.com", "password": "correct horse", "display_name": "A", "{member}": "operator"}}"#
            );
            assert!(
                serde_json::from_str::<RegisterRequest>(&json).is_err(),
                "{member}"
            );
        }
    }

    #[test]
    fn a_log_in_takes_short_passwords_and_no_endless_ones() {
        for (password, expected) in [
            ("a", 0),
            ("", 1),
            (&*"a".repeat(128), 0),
            (&*"a".repeat(129), 1),
        ] {
            let json = serde_json::json!({"email": "a@example.com", "password": password});
            let request: LoginRequest = serde_json::from_value(json).unwrap();
            assert_eq!(faults(&request).len(), expected, "{password}");
        }
    }
}
