//! What the routes of orders answer with. An order itself is in `representation.rs`: webhooks deliver it too.

use actix_web::HttpResponse;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::ORDERS;
use crate::http::problem::Problem;
use crate::orders::placing::{Answer, Placement};
use crate::orders::representation::HistoryView;

/// Says that the answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The steps of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderHistory {
    /// The steps, the first one first.
    pub items: Vec<HistoryView>,
}

/// The answer to a request to place an order.
pub(super) fn placed(placement: Placement) -> Result<HttpResponse, Problem> {
    match placement {
        Placement::Created { order, body, .. } => Ok(created(order.id, body, false)),
        Placement::Replayed(Answer::Created { order_id, body }) => {
            Ok(created(order_id, body, true))
        }
        Placement::OutOfStock(refusal) => Err(refusal.into()),
        Placement::Replayed(Answer::OutOfStock(refusal)) => {
            Err(Problem::from(refusal).header(REPLAYED, TRUE))
        }
    }
}

fn created(order_id: Uuid, body: String, replayed: bool) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header(ContentType::json());
    response.insert_header((LOCATION, format!("{ORDERS}/{order_id}")));
    if replayed {
        response.insert_header((REPLAYED, TRUE));
    }
    response.body(body)
}
