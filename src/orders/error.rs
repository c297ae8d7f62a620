//! Why an order was not placed, found or moved. What each becomes as an answer is in `problems.rs`.

use crate::database::{DatabaseError, OperationError};

use super::basket::{DuplicateProduct, TotalOverflow, UnknownProduct};
use super::idempotency::MalformedKey;
use super::metrics::Rejection;
use super::status::InvalidTransition;

/// Everything that can go wrong with orders. Too little stock is no error: it may have to be remembered, so it is one
/// of the ways in which placing ends ([`Placement`](super::placing::Placement)).
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no such order, or it is not for this account to see.
    #[error("the order does not exist")]
    NotFound,
    /// The account of the access token does not exist any more.
    #[error("the account does not exist")]
    AccountGone,
    /// A product is listed twice.
    #[error(transparent)]
    DuplicateProduct(#[from] DuplicateProduct),
    /// A product does not exist.
    #[error(transparent)]
    UnknownProduct(#[from] UnknownProduct),
    /// The total does not fit.
    #[error(transparent)]
    TotalOverflow(#[from] TotalOverflow),
    /// The step is not allowed.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// The header is no key.
    #[error("the Idempotency-Key is malformed")]
    MalformedKey(#[from] MalformedKey),
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// The first request with the key is still running.
    #[error("a request with this Idempotency-Key is still running")]
    KeyInProgress,
    /// JSON could not be written or read back: a fault of this program.
    #[error("an order could not be put into JSON")]
    Json(#[from] serde_json::Error),
    /// The database failed.
    #[error("the orders could not be read or written")]
    Database(#[from] DatabaseError),
}

impl OrderError {
    /// Why an order was refused; `None` when it was not refused but failed.
    pub(super) fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::DuplicateProduct(_) => Some(Rejection::DuplicateProduct),
            Self::UnknownProduct(_) => Some(Rejection::UnknownProduct),
            Self::TotalOverflow(_) => Some(Rejection::TotalOverflow),
            Self::MalformedKey(_) | Self::AccountGone => Some(Rejection::Invalid),
            Self::KeyReused => Some(Rejection::KeyReuse),
            Self::KeyInProgress => Some(Rejection::InProgress),
            Self::NotFound | Self::InvalidTransition(_) | Self::Json(_) | Self::Database(_) => None,
        }
    }
}

impl OperationError for OrderError {
    fn database(&self) -> Option<&DatabaseError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}
