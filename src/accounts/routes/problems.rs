//! The problems that accounts can answer with, and which of them an error becomes: the one place for both.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};

use super::NO_STORE;
use super::bearer::{CHALLENGE, CHALLENGE_INVALID, invalid_token};
use crate::accounts::error::AccountsError;
use crate::http::Rejection;
use crate::http::problem::kinds::{INTERNAL_ERROR, OVERLOADED};
use crate::http::problem::{Problem, ProblemType};

/// Every problem of this room, for `/problems/{code}`.
pub const PROBLEMS: &[&ProblemType] = &[&EMAIL_TAKEN, &INVALID_CREDENTIALS, &INVALID_REFRESH_TOKEN];

/// 409: the address is in use.
const EMAIL_TAKEN: ProblemType = ProblemType {
    code: "email_taken",
    status: 409,
    title: "The e-mail address is taken",
    meaning: "An account with this e-mail address exists already. Letter case makes no difference.",
    remedy: "Log in with POST /api/v1/sessions if the account is yours, or register with another address.",
};

/// 401: the log-in failed.
const INVALID_CREDENTIALS: ProblemType = ProblemType {
    code: "invalid_credentials",
    status: 401,
    title: "The credentials are wrong",
    meaning: "There is no account with this e-mail address, or the password is not the one of that account. Which of the two it is, is not told to anybody.",
    remedy: "Check both and try again. How often that is possible within a minute is limited for each account and for each address.",
};

/// 401: the exchange failed.
const INVALID_REFRESH_TOKEN: ProblemType = ProblemType {
    code: "invalid_refresh_token",
    status: 401,
    title: "The refresh token is not valid",
    meaning: "The refresh token is unknown, has expired, was revoked by logging out, or was used before. If it was used before, every session that descends from the same log-in has been ended, because somebody else may have the token.",
    remedy: "Log in again with POST /api/v1/sessions. Use each refresh token once, keep the one that comes with the answer, and never send two exchanges at the same time.",
};

/// With two cores and default settings a full queue of passwords is worked off in about this time.
const QUEUE_TIME: Duration = Duration::from_secs(2);

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let is_overload = error.is_overload();
        let problem = match error {
            AccountsError::EmailTaken => {
                Self::new(&EMAIL_TAKEN).field("email", "is taken by another account")
            }
            AccountsError::InvalidCredentials => {
                Self::new(&INVALID_CREDENTIALS).header(WWW_AUTHENTICATE, CHALLENGE)
            }
            AccountsError::InvalidRefreshToken => {
                Self::new(&INVALID_REFRESH_TOKEN).header(WWW_AUTHENTICATE, CHALLENGE_INVALID)
            }
            AccountsError::AccountGone => invalid_token(),
            AccountsError::Database(error) => Self::from(error),
            error if is_overload => Self::new(&OVERLOADED)
                .retry_after(QUEUE_TIME)
                .rejected(Rejection::Overload)
                .source(error),
            error => Self::new(&INTERNAL_ERROR).source(error),
        };
        problem.header(CACHE_CONTROL, NO_STORE)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;

    use super::*;
    use crate::accounts::hashing::PasswordError;

    #[test]
    fn each_error_has_its_answer() {
        for (error, status, code) in [
            (AccountsError::EmailTaken, 409, "email_taken"),
            (
                AccountsError::InvalidCredentials,
                401,
                "invalid_credentials",
            ),
            (
                AccountsError::InvalidRefreshToken,
                401,
                "invalid_refresh_token",
            ),
            (AccountsError::AccountGone, 401, "unauthenticated"),
            (PasswordError::Overloaded.into(), 503, "overloaded"),
            (
                crate::accounts::token::TokenError::Signing.into(),
                500,
                "internal_error",
            ),
        ] {
            let problem = Problem::from(error);
            assert_eq!(problem.kind().code, code);
            let response = problem.error_response();
            assert_eq!(response.status().as_u16(), status, "{code}");
            assert_eq!(
                response.headers().get(CACHE_CONTROL),
                Some(&NO_STORE),
                "{code}"
            );
            assert_eq!(
                response.headers().contains_key(WWW_AUTHENTICATE),
                status == 401,
                "{code}"
            );
            assert_eq!(
                response.headers().contains_key("retry-after"),
                status == 503,
                "{code}"
            );
        }
    }
}
