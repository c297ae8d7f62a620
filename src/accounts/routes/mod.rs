//! Accounts and sessions over HTTP: `/api/v1/accounts` and `/api/v1/sessions`.
//!
//! Handlers translate and decide nothing. Everything they answer is personal, so all of it says `no-store`.

pub mod bearer;
mod problems;
mod request;
mod response;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

pub use problems::PROBLEMS;
pub use request::{LoginRequest, RefreshRequest, RegisterRequest};
pub use response::{AccountResponse, RoleName, SessionResponse};

use self::bearer::CurrentAccount;
use super::model::EmailAddress;
use super::service::AccountService;
use crate::http::extract::Json;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::{RateLimits, Resource, client_network};

pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Adds the routes of this room. They need an [`AccountService`] and [`RateLimits`] as data.
pub fn configure(config: &mut ServiceConfig) {
    Resource::at("/api/v1/accounts")
        .post(create_account)
        .register(config);
    Resource::at("/api/v1/accounts/me")
        .get(show_own_account)
        .register(config);
    Resource::at("/api/v1/sessions")
        .post(create_session)
        .delete(delete_sessions)
        .register(config);
    Resource::at("/api/v1/sessions/refresh")
        .post(refresh_session)
        .register(config);
}

/// The part of the API reference that is about accounts.
#[derive(Debug, OpenApi)]
#[openapi(
    paths(create_account, show_own_account, create_session, refresh_session, delete_sessions),
    tags(
        (name = "accounts", description = "Registration, and the own account"),
        (name = "sessions", description = "Logging in, staying logged in, logging out"),
    ),
    modifiers(&BearerScheme)
)]
pub struct AccountsApi;

/// Declares the scheme `bearer`, which every route with an access token names.
struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The access token of POST /api/v1/sessions."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Register an account
///
/// Anyone may; how often is limited for each address. The account is a customer's.
#[utoipa::path(
    post, path = "/api/v1/accounts", tag = "accounts", operation_id = "create_account",
    request_body = RegisterRequest,
    responses(
        (status = 201, description = "The account exists now", body = AccountResponse),
        (status = 400, description = "`malformed_request`: the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body came too slowly", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`: another account has the address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`: `errors` names each field at fault", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`: too many registrations from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`internal_error`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`, `database_unavailable` and the like: try again after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_account(
    request: HttpRequest,
    service: Data<AccountService>,
    limits: Data<RateLimits>,
    Json(body): Json<RegisterRequest>,
) -> Result<HttpResponse, Problem> {
    let account = body.into_account()?;
    limits
        .register
        .check(&by_address(&request))
        .await
        .inspect_err(|_| service.count_throttled_registration())?;
    let account = service.register(account).await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(AccountResponse::from(account)))
}

/// Show the own account
#[utoipa::path(
    get, path = "/api/v1/accounts/me", tag = "accounts", operation_id = "show_own_account",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The account that the access token belongs to", body = AccountResponse),
        (status = 401, description = "`unauthenticated`: no access token, or one that is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`internal_error`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`database_unavailable` and the like: try again after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_own_account(
    account: CurrentAccount,
    service: Data<AccountService>,
) -> Result<HttpResponse, Problem> {
    let account = service.find(account.id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(AccountResponse::from(account)))
}

/// Log in
///
/// Begins a session. An unknown address and a wrong password are answered alike. How often one may try is limited for
/// each account and for each address.
#[utoipa::path(
    post, path = "/api/v1/sessions", tag = "sessions", operation_id = "create_session",
    request_body = LoginRequest,
    responses(
        (status = 201, description = "The session's first pair of tokens", body = SessionResponse),
        (status = 400, description = "`malformed_request`: the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`invalid_credentials`: no such account, or not its password", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body came too slowly", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`: `errors` names each field at fault", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`: too many attempts for this account or from this address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`internal_error`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`, `database_unavailable` and the like: try again after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_session(
    request: HttpRequest,
    service: Data<AccountService>,
    limits: Data<RateLimits>,
    Json(body): Json<LoginRequest>,
) -> Result<HttpResponse, Problem> {
    let (email, password) = body.into_parts()?;
    limits
        .login
        .check_all(&[&by_address(&request), &by_email(&email)])
        .await
        .inspect_err(|_| service.count_throttled_login())?;
    let pair = service.log_in(email, password).await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(SessionResponse::from(pair)))
}

/// Exchange a refresh token for a new pair
///
/// A refresh token is good once. One that comes back after its use ends every session that descends from the same
/// log-in, because then somebody else has it too.
#[utoipa::path(
    post, path = "/api/v1/sessions/refresh", tag = "sessions", operation_id = "refresh_session",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The session's next pair of tokens", body = SessionResponse),
        (status = 400, description = "`malformed_request`: the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`invalid_refresh_token`: unknown, expired, revoked or used before", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body came too slowly", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`: `errors` names each field at fault", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`internal_error`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`database_unavailable` and the like: try again after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn refresh_session(
    service: Data<AccountService>,
    Json(body): Json<RefreshRequest>,
) -> Result<HttpResponse, Problem> {
    let pair = service.refresh(body.refresh_token).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(SessionResponse::from(pair)))
}

/// Log out everywhere
///
/// No refresh token of the account is good any more. Access tokens already given out live out their time, 15 minutes
/// unless set otherwise.
#[utoipa::path(
    delete, path = "/api/v1/sessions", tag = "sessions", operation_id = "delete_sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "All sessions have ended"),
        (status = 401, description = "`unauthenticated`: no access token, or one that is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`internal_error`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`database_unavailable` and the like: try again after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_sessions(
    account: CurrentAccount,
    service: Data<AccountService>,
) -> Result<HttpResponse, Problem> {
    service.log_out_everywhere(account.id).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .finish())
}

/// The address is what the connection says, or a trusted proxy: never the client's own word.
fn by_address(request: &HttpRequest) -> String {
    format!("address:{}", client_network(request))
}

/// A digest, so that the limiter's table holds no addresses, however it is kept or shared.
fn by_email(email: &EmailAddress) -> String {
    format!(
        "account:{}",
        URL_SAFE_NO_PAD.encode(Sha256::digest(email.as_str()))
    )
}
