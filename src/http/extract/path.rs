//! Path parameters. One that cannot be read is 400 and named; one that names nothing is 404, and that is the handler's.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;
use crate::http::problem::kinds::INVALID_PARAMETER;

#[expect(
    clippy::disallowed_types,
    reason = "this is what stands in for it everywhere else"
)]
type Parsed<T> = actix_web::web::Path<T>;

/// The parameters in the path, as one value, a tuple or a struct.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T> Deref for Path<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parsed = Parsed::<T>::from_request(request, payload).into_inner();
        ready(
            parsed
                .map(|parsed| Self(parsed.into_inner()))
                .map_err(|_reason| {
                    let named = request.match_info().iter().map(|(name, _)| name.to_owned());
                    named.fold(Problem::new(&INVALID_PARAMETER), |problem, name| {
                        problem.field(name, "is not a valid id")
                    })
                }),
        )
    }
}
