//! What can go wrong with accounts. Which answer each of it becomes is said in `routes`.

use super::hashing::PasswordError;
use super::token::TokenError;
use crate::database::DatabaseError;

/// Why a request about accounts was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Another account has the e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// No such account, or not its password; which of them is not told.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// Unknown, expired, revoked or used before; which of them is not told.
    #[error("the refresh token is not good")]
    InvalidRefreshToken,
    /// The account that a token speaks of does not exist any more.
    #[error("the account does not exist any more")]
    AccountGone,
    /// A password could not be hashed or compared.
    #[error("the password could not be dealt with")]
    Password(#[from] PasswordError),
    /// A token could not be made.
    #[error("a token could not be made")]
    Token(#[from] TokenError),
    /// The database failed.
    #[error("the accounts could not be read or written")]
    Database(#[from] DatabaseError),
}

impl AccountsError {
    /// Too many passwords wait to be hashed.
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Password(PasswordError::Overloaded))
    }
}
