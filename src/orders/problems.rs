//! The problems that are about orders, and the one place where an [`OrderError`] becomes one of them.

use std::time::Duration;

use crate::accounts::AccountsError;
use crate::http::problem::kinds::{INTERNAL_ERROR, NOT_FOUND};
use crate::http::problem::{FieldError, Problem, ProblemType};

use super::error::OrderError;
use super::representation::OutOfStock;

/// Every problem of this room, for `/problems/{code}`.
pub const PROBLEMS: &[&ProblemType] = &[
    &OUT_OF_STOCK,
    &UNKNOWN_PRODUCT,
    &DUPLICATE_PRODUCT,
    &TOTAL_OVERFLOW,
    &INVALID_TRANSITION,
    &INVALID_IDEMPOTENCY_KEY,
    &IDEMPOTENCY_KEY_REUSE,
    &IDEMPOTENCY_IN_PROGRESS,
];

/// 409: less is there than was ordered.
pub const OUT_OF_STOCK: ProblemType = ProblemType {
    code: OutOfStock::CODE,
    status: 409,
    title: "Not enough is in stock",
    meaning: "Less of a product is in stock than was ordered. Nothing was ordered, and nothing was taken out of stock: an order is placed as a whole or not at all.",
    remedy: "Look at `errors`: it names each line and how much is left. Order less, or try again later with another Idempotency-Key: the old one answers the same for 24 hours.",
};

/// 422: no such product.
pub const UNKNOWN_PRODUCT: ProblemType = ProblemType {
    code: "unknown_product",
    status: 422,
    title: "A product does not exist",
    meaning: "The order names a product that is not in the catalog. Nothing was ordered.",
    remedy: "Look at `errors`: it names each line. Take product ids from GET /api/v1/products.",
};

/// 422: twice the same product.
pub const DUPLICATE_PRODUCT: ProblemType = ProblemType {
    code: "duplicate_product",
    status: 422,
    title: "A product is listed twice",
    meaning: "The order lists a product in more than one line. Nothing was ordered. Lines are not merged, so that the answer always has the lines of the request.",
    remedy: "Look at `errors`: it names the lines that repeat an earlier one. List each product once, with the quantity of all of them.",
};

/// 422: more money than fits.
pub const TOTAL_OVERFLOW: ProblemType = ProblemType {
    code: "total_overflow",
    status: 422,
    title: "The total is too large",
    meaning: "The sum of the order is more than the service can count (about 9.2e18 minor units). Nothing was ordered.",
    remedy: "Order less, or split the order.",
};

/// 409: not from here to there.
pub const INVALID_TRANSITION: ProblemType = ProblemType {
    code: "invalid_transition",
    status: 409,
    title: "The order cannot make this step",
    meaning: "An order goes from placed to paid, shipped and delivered, in this order; from placed or paid it can be cancelled. Nothing was changed.",
    remedy: "Read the order to see where it stands. If it already is where it was to go, another request, perhaps a lost one of your own, moved it.",
};

/// 400: a header that is no key.
pub const INVALID_IDEMPOTENCY_KEY: ProblemType = ProblemType {
    code: "invalid_idempotency_key",
    status: 400,
    title: "The Idempotency-Key is malformed",
    meaning: "The Idempotency-Key header is not one key of 1 to 255 visible ASCII characters, bare or in double quotes. Nothing was done.",
    remedy: "Send one header with a fresh random key for each order, such as a UUID, and the same key when you repeat it.",
};

/// 422: the key belongs to another request.
pub const IDEMPOTENCY_KEY_REUSE: ProblemType = ProblemType {
    code: "idempotency_key_reuse",
    status: 422,
    title: "The Idempotency-Key was used for another request",
    meaning: "A request with this key and another body was answered within the last 24 hours. Nothing was done.",
    remedy: "Use a fresh key for each order. To repeat an order whose answer got lost, send the very same body.",
};

/// 409: the first one is not done yet.
pub const IDEMPOTENCY_IN_PROGRESS: ProblemType = ProblemType {
    code: "idempotency_in_progress",
    status: 409,
    title: "The first request with this Idempotency-Key is still running",
    meaning: "Another request with this key is being worked on at this moment. This one did nothing.",
    remedy: "Send it again, unchanged, after the seconds in `Retry-After`: it gets the answer of the first.",
};

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::NotFound => Self::new(&NOT_FOUND),
            OrderError::AccountGone => AccountsError::AccountGone.into(),
            OrderError::DuplicateProduct(duplicate) => lines(
                &DUPLICATE_PRODUCT,
                &duplicate.positions,
                "product_id",
                "repeats a product of an earlier line",
            ),
            OrderError::UnknownProduct(unknown) => lines(
                &UNKNOWN_PRODUCT,
                &unknown.positions,
                "product_id",
                "is not a product of the catalog",
            ),
            OrderError::TotalOverflow(overflow) => lines(
                &TOTAL_OVERFLOW,
                &[overflow.position],
                "quantity",
                "takes the total past what can be counted",
            ),
            OrderError::InvalidTransition(refusal) => {
                Self::new(&INVALID_TRANSITION).detail(format!(
                    "An order that is {} cannot become {}.",
                    refusal.from, refusal.to
                ))
            }
            OrderError::MalformedKey(fault) => Self::new(&INVALID_IDEMPOTENCY_KEY)
                .detail(format!("The Idempotency-Key header is malformed: {fault}.")),
            OrderError::KeyReused => Self::new(&IDEMPOTENCY_KEY_REUSE),
            OrderError::KeyInProgress => {
                Self::new(&IDEMPOTENCY_IN_PROGRESS).retry_after(Duration::from_secs(1))
            }
            OrderError::Json(error) => Self::new(&INTERNAL_ERROR).source(error),
            OrderError::Database(error) => error.into(),
        }
    }
}

impl From<OutOfStock> for Problem {
    fn from(refusal: OutOfStock) -> Self {
        let errors = refusal.errors.into_iter();
        Self::new(&OUT_OF_STOCK)
            .detail(refusal.detail)
            .fields(errors.map(|error| FieldError {
                field: error.field.into(),
                message: error.message.into(),
            }))
    }
}

/// A problem that is about some lines of the request.
fn lines(
    kind: &'static ProblemType,
    positions: &[usize],
    field: &str,
    message: &'static str,
) -> Problem {
    positions
        .iter()
        .fold(Problem::new(kind), |problem, position| {
            problem.field(format!("items[{position}].{field}"), message)
        })
}
