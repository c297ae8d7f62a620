//! Who is asking: extractors for the account behind an access token.
//!
//! They look at the token alone, never at the database, and are decided before any byte of the body is read. A handler
//! names one as its **first** argument, so that 401 comes before 403, and 403 before whatever is wrong with the rest.
//! `WWW-Authenticate` follows RFC 6750 section 3: an error is named only to those who showed a token.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

use crate::accounts::model::Role;
use crate::accounts::service::AccountService;
use crate::http::problem::Problem;
use crate::http::problem::kinds::{FORBIDDEN, INTERNAL_ERROR, UNAUTHENTICATED};
use crate::telemetry;

/// What is asked for when nothing was shown.
pub(super) const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"glasshouse\"");

/// What is answered to a token that is not good.
pub(super) const CHALLENGE_INVALID: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"glasshouse\", error=\"invalid_token\"");

/// The account that is asking. It was valid when its token was made, at most `auth.access_token_lifetime` ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentAccount {
    /// Its id.
    pub id: Uuid,
    /// What it may do.
    pub role: Role,
}

impl FromRequest for CurrentAccount {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(current_account(request))
    }
}

/// An operator who is asking; an account of any other role is answered 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// Its id.
    pub id: Uuid,
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            current_account(request).and_then(|account| match account.role {
                Role::Operator => Ok(Self { id: account.id }),
                Role::Customer => Err(Problem::new(&FORBIDDEN)),
            }),
        )
    }
}

/// The account that the value of an `Authorization` header names, if its token is good: for what has to tell accounts
/// apart before a route is found, such as the limit on the whole API.
pub fn account_named(service: &AccountService, authorization: &str) -> Option<Uuid> {
    match bearer(authorization) {
        Shown::Token(token) => service
            .authenticate(token)
            .ok()
            .map(|identity| identity.account),
        Shown::Nothing | Shown::Unreadable => None,
    }
}

/// 401 for whoever showed a token that is not good, or not good any more.
pub(super) fn invalid_token() -> Problem {
    Problem::new(&UNAUTHENTICATED)
        .detail("The access token is not valid: it has expired, or is not one of this service.")
        .header(WWW_AUTHENTICATE, CHALLENGE_INVALID)
}

fn current_account(request: &HttpRequest) -> Result<CurrentAccount, Problem> {
    let Some(service) = request.app_data::<Data<AccountService>>() else {
        return Err(Problem::new(&INTERNAL_ERROR).source("the account service is not registered"));
    };
    let identity = match shown(request) {
        Shown::Nothing => {
            return Err(Problem::new(&UNAUTHENTICATED)
                .detail("The request carries no access token.")
                .header(WWW_AUTHENTICATE, CHALLENGE));
        }
        Shown::Unreadable => return Err(invalid_token()),
        Shown::Token(token) => service.authenticate(token).map_err(|error| {
            // The reason names a rule and never repeats the token.
            tracing::debug!(reason = %error, "access token was refused");
            invalid_token()
        })?,
    };
    telemetry::with_current(|context| context.set_account(identity.account));
    Ok(CurrentAccount {
        id: identity.account,
        role: identity.role,
    })
}

/// What the `Authorization` header holds.
#[derive(Debug, PartialEq, Eq)]
enum Shown<'a> {
    /// No header, or another scheme.
    Nothing,
    /// A bearer token that is no text, or several headers, of which nobody can tell which one counts.
    Unreadable,
    Token(&'a str),
}

fn shown(request: &HttpRequest) -> Shown<'_> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    match (headers.next(), headers.next()) {
        (None, _) => Shown::Nothing,
        (Some(_), Some(_)) => Shown::Unreadable,
        (Some(header), None) => header.to_str().map_or(Shown::Unreadable, bearer),
    }
}

fn bearer(header: &str) -> Shown<'_> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    // RFC 9110 section 11.1: the scheme is compared in any letter case.
    if scheme.eq_ignore_ascii_case("Bearer") {
        Shown::Token(token.trim_matches(' '))
    } else {
        Shown::Nothing
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_bearer_token_is_found_in_any_letter_case_of_its_scheme() {
        for header in ["Bearer abc", "bearer abc", "BEARER  abc", "Bearer abc "] {
            let request = TestRequest::default()
                .insert_header((AUTHORIZATION, header))
                .to_http_request();
            assert_eq!(shown(&request), Shown::Token("abc"), "{header}");
        }
    }

    #[test]
    fn another_scheme_or_none_is_no_token() {
        assert_eq!(
            shown(&TestRequest::default().to_http_request()),
            Shown::Nothing
        );
        for header in [
            "Basic YTpi",
            "abc",
            "",
            "Bearerabc",
            "Token abc",
            "Bearer\tabc",
        ] {
            let request = TestRequest::default()
                .insert_header((AUTHORIZATION, header))
                .to_http_request();
            assert_eq!(shown(&request), Shown::Nothing, "{header:?}");
        }
    }

    #[test]
    fn two_headers_are_not_chosen_from() {
        let request = TestRequest::default()
            .append_header((AUTHORIZATION, "Bearer abc"))
            .append_header((AUTHORIZATION, "Bearer def"))
            .to_http_request();
        assert_eq!(shown(&request), Shown::Unreadable);
    }

    #[test]
    fn a_token_that_is_no_text_is_not_read() {
        let header = HeaderValue::from_bytes(b"Bearer \xff").unwrap();
        let request = TestRequest::default()
            .insert_header((AUTHORIZATION, header))
            .to_http_request();
        assert_eq!(shown(&request), Shown::Unreadable);
    }
}
