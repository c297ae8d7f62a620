//! The limit on the API as a whole: by account where a token names one, else by address.

use std::sync::Arc;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use uuid::Uuid;

use super::super::client_address::{TrustedProxies, network, of_service_request};
use super::super::rate_limit::RateLimits;
use super::super::resource;
use crate::telemetry;

/// Tells which account an `Authorization` header names, if its token is good. Given by the composition root, because
/// this room knows nothing of accounts.
pub type Identify = Arc<dyn Fn(&str) -> Option<Uuid> + Send + Sync>;

/// The layer.
pub(in crate::http) async fn api_limit<B: MessageBody + 'static>(
    limits: Arc<RateLimits>,
    identify: Identify,
    proxies: TrustedProxies,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    // As it will be routed: `/%61pi/` is `/api/`.
    if request.match_info().as_str().starts_with("/api/") {
        let token = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let key = match token.and_then(|token| identify(token)) {
            Some(account) => format!("account {account}"),
            None => format!(
                "address {}",
                network(of_service_request(&proxies, &request))
            ),
        };
        limits.api.check(&key).await.inspect_err(|_| {
            // It will not be routed, and would be told of as a path that does not exist.
            if let Some(template) = resource::template(request.match_info().as_str()) {
                telemetry::with_current(|context| context.set_route(template));
            }
        })?;
    }
    next.call(request).await
}
