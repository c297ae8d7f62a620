//! What the routes of orders take: bodies, parameters and the `Idempotency-Key` header.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::extract::objects;
use crate::http::problem::Problem;
use crate::http::problem::kinds::INVALID_PARAMETER;
use crate::orders::basket::{Basket, BasketItem};
use crate::orders::error::OrderError;
use crate::orders::idempotency::{Fingerprint, IdempotencyKey};
use crate::orders::placing::Claim;
use crate::orders::service::PlaceOrder;
use crate::orders::status::Status;

/// Where orders are placed: part of what a key is bound to.
pub(super) const ORDERS: &str = "/api/v1/orders";
/// The header that makes a repetition safe.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// An order to be placed. Each product may be listed once.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderRequest {
    /// What is ordered, 1 to 50 products.
    #[garde(custom(must("must be 1 to 50 items", |items: &Vec<_>| (1..=50).contains(&items.len()))), dive)]
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<PlaceOrderItem>,
}

/// So many pieces of a product.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderItem {
    /// A product of the catalog.
    #[garde(skip)]
    #[schema(example = "0198c1a2-7b3c-7def-8a01-23456789abcd")]
    product_id: Uuid,
    /// Pieces, 1 to 1000.
    #[garde(custom(must("must be 1 to 1000", |pieces| (1..=1000).contains(pieces))))]
    #[schema(minimum = 1, maximum = 1000, example = 2)]
    quantity: i64,
}

/// A rule with a sentence that says what would be right, where garde's own say what is wrong.
fn must<T>(be: &'static str, when: fn(&T) -> bool) -> impl FnOnce(&T, &()) -> garde::Result {
    move |value, ()| {
        if when(value) {
            Ok(())
        } else {
            Err(garde::Error::new(be))
        }
    }
}

impl PlaceOrderRequest {
    /// The order that is asked for, with the key of the request's headers.
    pub(super) fn into_order(
        self,
        account_id: Uuid,
        request: &HttpRequest,
    ) -> Result<PlaceOrder, OrderError> {
        let lines = request
            .headers()
            .get_all(IDEMPOTENCY_KEY)
            .map(HeaderValue::as_bytes);
        let key = IdempotencyKey::from_lines(lines)?;
        let items = self.items.into_iter();
        let items = items.map(|item| BasketItem {
            product_id: item.product_id,
            quantity: item.quantity,
        });
        let basket = Basket::new(items.collect())?;
        let claim = key.map(|key| Claim {
            key,
            fingerprint: Fingerprint::of("POST", ORDERS, &basket.canonical()),
        });
        Ok(PlaceOrder {
            account_id,
            basket,
            claim,
        })
    }
}

/// Which orders to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderFilter {
    /// Only orders that stand there.
    #[param(value_type = Option<Status>, required = false, example = "placed")]
    status: Option<String>,
}

impl OrderFilter {
    /// The status asked for; `None` means any.
    pub(super) fn status(&self) -> Result<Option<Status>, Problem> {
        let Some(name) = &self.status else {
            return Ok(None);
        };
        Status::parse(name).map(Some).ok_or_else(|| {
            let message = format!(
                "must be one of {}",
                Status::ALL.map(Status::as_str).join(", ")
            );
            Problem::new(&INVALID_PARAMETER).field("status", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use super::*;

    fn order(body: Value, keys: &[&'static str]) -> Result<PlaceOrder, OrderError> {
        let mut request = TestRequest::default();
        for key in keys {
            request = request.append_header((IDEMPOTENCY_KEY, *key));
        }
        let body: PlaceOrderRequest = serde_json::from_value(body).unwrap();
        body.into_order(Uuid::nil(), &request.to_http_request())
    }

    fn body(id: &str, quantity: i64) -> Value {
        json!({"items": [{"product_id": id, "quantity": quantity}]})
    }

    const ID: &str = "0198c1a2-7b3c-7def-8a01-23456789abcd";

    #[test]
    fn the_same_wish_in_another_spelling_has_the_same_fingerprint() {
        let fingerprint = |body| order(body, &["k"]).unwrap().claim.unwrap().fingerprint;
        let one = fingerprint(body(ID, 2));
        assert_eq!(one, fingerprint(body(&ID.to_uppercase(), 2)));
        let text = format!("{{\"items\" :[ {{\"quantity\":2,\n\"product_id\":\"{ID}\"}}]}}");
        assert_eq!(one, fingerprint(serde_json::from_str(&text).unwrap()));
        assert_ne!(one, fingerprint(body(ID, 3)));
    }

    #[test]
    fn a_key_is_optional_and_must_be_one() {
        assert!(order(body(ID, 1), &[]).unwrap().claim.is_none());
        assert_eq!(
            order(body(ID, 1), &["\"k\""])
                .unwrap()
                .claim
                .unwrap()
                .key
                .as_str(),
            "k"
        );
        for keys in [&["k", "k"][..], &[""], &["a b"]] {
            assert!(
                matches!(order(body(ID, 1), keys), Err(OrderError::MalformedKey(_))),
                "{keys:?}"
            );
        }
    }

    #[test]
    fn sizes_and_quantities_have_their_bounds() {
        let faults = |body: Value| {
            let request: PlaceOrderRequest = serde_json::from_value(body).unwrap();
            let faults = request
                .validate()
                .err()
                .into_iter()
                .flat_map(garde::Report::into_inner);
            faults.map(|(path, _)| path.to_string()).collect::<Vec<_>>()
        };
        let many = |count: u128| json!({"items": (0..count).map(|n| json!({"product_id": Uuid::from_u128(n), "quantity": 1})).collect::<Vec<_>>()});
        for good in [body(ID, 1), body(ID, 1000), many(1), many(50)] {
            assert!(faults(good).is_empty());
        }
        assert_eq!(faults(body(ID, 0)), ["items[0].quantity"]);
        assert_eq!(faults(body(ID, 1001)), ["items[0].quantity"]);
        assert_eq!(faults(many(0)), ["items"]);
        assert_eq!(faults(many(51)), ["items"]);
    }

    #[test]
    fn an_unknown_status_is_refused_with_those_there_are() {
        let filter = |name: Option<&str>| {
            OrderFilter {
                status: name.map(str::to_owned),
            }
            .status()
        };
        assert_eq!(filter(None).unwrap(), None);
        assert_eq!(filter(Some("paid")).unwrap(), Some(Status::Paid));
        let problem = filter(Some("Paid")).unwrap_err();
        assert_eq!(
            (problem.kind().status, problem.errors()[0].field.as_ref()),
            (400, "status")
        );
        assert_eq!(
            problem.errors()[0].message,
            "must be one of placed, paid, shipped, delivered, cancelled"
        );
    }
}
