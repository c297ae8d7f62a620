//! What an order is. Pure: nothing here knows of a database or of HTTP.
//!
//! Money is counted in minor units of one currency, as integers. How an order comes about is in `basket.rs`, where it may
//! go from there in `status.rs`.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use super::status::Status;

/// An order as it was accepted and as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// UUIDv7, made when the order was placed: ids sort by age.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// What was ordered, in the order of the request. Never empty.
    pub lines: Vec<OrderLine>,
    /// The sum of the lines, in minor units.
    pub total_cents: i64,
    /// When it was placed, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// When its status changed last, to the millisecond.
    pub updated_at: DateTime<Utc>,
}

/// One product in an order. SKU, name and price are copies made when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Which product.
    pub product_id: Uuid,
    /// Its SKU then.
    pub sku: String,
    /// Its name then.
    pub name: String,
    /// Pieces, at least one.
    pub quantity: i64,
    /// Price of one piece then, in minor units.
    pub unit_price_cents: i64,
    /// `quantity` times `unit_price_cents`.
    pub line_total_cents: i64,
}

/// One step in an order's life, as its history tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Where it stood; `None` when it was placed.
    pub from: Option<Status>,
    /// Where it went.
    pub to: Status,
    /// When, to the millisecond; strictly later than the step before.
    pub at: DateTime<Utc>,
    /// The account that did it.
    pub by: Uuid,
}

impl HistoryEntry {
    /// An id that sorts by the time of the step. Steps of one order are a millisecond apart at least, so their ids sort
    /// like the steps, also when replicas whose clocks differ made them.
    pub fn id(&self) -> Uuid {
        let seconds = u64::try_from(self.at.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(
            NoContext,
            seconds,
            self.at.timestamp_subsec_nanos(),
        ))
    }
}

/// The time of the next step of an order: now, but later than its last one. Clocks of replicas differ, and a clock may
/// be set back.
pub fn next_step(last: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    now.max(last + TimeDelta::milliseconds(1))
}

/// Whose orders a caller can reach. To everybody else's it is as if they did not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The caller.
    pub account: Uuid,
    /// Every order, not only the caller's own.
    pub any_order: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_sort_in_their_order_even_when_a_clock_runs_behind() {
        let placed = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
        let behind = placed - TimeDelta::seconds(5);
        let paid = next_step(placed, behind);
        assert!(paid > placed);
        assert_eq!(
            next_step(placed, placed + TimeDelta::seconds(5)),
            placed + TimeDelta::seconds(5)
        );
        let id = |at| {
            HistoryEntry {
                from: None,
                to: Status::Placed,
                at,
                by: Uuid::nil(),
            }
            .id()
        };
        for _ in 0..100 {
            assert!(id(placed) < id(paid));
        }
    }
}
