//! Query parameters. One that cannot be read is 400; unknown ones are ignored, as caches and trackers add their own.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;
use crate::http::problem::kinds::INVALID_PARAMETER;

/// The parameters in the query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T> Deref for Query<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            serde_urlencoded::from_str(request.query_string())
                .map(Self)
                .map_err(|error| {
                    let message = error.to_string();
                    let field = message.split('`').nth(1).unwrap_or_default().to_owned();
                    Problem::new(&INVALID_PARAMETER).field(field, message)
                }),
        )
    }
}
