//! Pieces in stock and changes of their number. Pure arithmetic; that no two changes cross is the store's matter.
//!
//! The bounds are far enough inside of `i64` that no sum of two values overflows.

use std::ops::RangeInclusive;

use super::InvalidPart;

/// A number of pieces in stock, as an operator gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock(i64);

impl Stock {
    /// Most pieces that an operator can bring the stock to. Cancelled orders may lift it above: what was taken can
    /// always be put back.
    pub const MAX: i64 = 1_000_000_000_000;

    /// Takes a number of pieces.
    pub fn parse(pieces: i64) -> Result<Self, InvalidPart> {
        if (0..=Self::MAX).contains(&pieces) {
            Ok(Self(pieces))
        } else {
            Err(InvalidPart::Stock)
        }
    }

    /// The number of pieces.
    pub const fn pieces(self) -> i64 {
        self.0
    }
}

/// A change of stock: pieces that came in, or went out when negative. The default changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StockDelta(i64);

/// Why a change of stock cannot be made on the stock there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockRefusal {
    /// It would fall below zero.
    Insufficient,
    /// It would rise above [`Stock::MAX`].
    TooMuch,
}

impl StockDelta {
    /// Takes a change.
    pub fn parse(pieces: i64) -> Result<Self, InvalidPart> {
        if (-Stock::MAX..=Stock::MAX).contains(&pieces) {
            Ok(Self(pieces))
        } else {
            Err(InvalidPart::StockDelta)
        }
    }

    /// Pieces added, or taken away when negative.
    pub const fn pieces(self) -> i64 {
        self.0
    }

    /// The stocks on which it can be made. Taking away is bounded below alone, so that a stock that was lifted above
    /// the maximum can be lowered again.
    pub fn possible_on(self) -> RangeInclusive<i64> {
        let most = if self.0 > 0 {
            Stock::MAX - self.0
        } else {
            i64::MAX
        };
        (-self.0).max(0)..=most
    }

    /// Why it cannot be made on this stock, or `None` when it can.
    pub fn refusal_on(self, stock: i64) -> Option<StockRefusal> {
        let possible = self.possible_on();
        if stock < *possible.start() {
            Some(StockRefusal::Insufficient)
        } else if stock > *possible.end() {
            Some(StockRefusal::TooMuch)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stock_and_its_changes_have_both_bounds() {
        for (pieces, is_stock, is_delta) in [
            (0, true, true),
            (-1, false, true),
            (1_000_000_000_000, true, true),
            (-1_000_000_000_000, false, true),
            (1_000_000_000_001, false, false),
            (-1_000_000_000_001, false, false),
            (i64::MAX, false, false),
            (i64::MIN, false, false),
        ] {
            assert_eq!(Stock::parse(pieces).is_ok(), is_stock, "stock {pieces}");
            assert_eq!(
                StockDelta::parse(pieces).is_ok(),
                is_delta,
                "change {pieces}"
            );
        }
    }

    #[test]
    fn a_change_is_refused_at_the_first_piece_beyond_a_bound() {
        for (stock, delta, refusal) in [
            (5, -5, None),
            (5, -6, Some(StockRefusal::Insufficient)),
            (0, 0, None),
            (0, Stock::MAX, None),
            (1, Stock::MAX, Some(StockRefusal::TooMuch)),
            (Stock::MAX, 1, Some(StockRefusal::TooMuch)),
            (Stock::MAX, -Stock::MAX, None),
            // Lifted above the maximum by orders that were cancelled.
            (Stock::MAX + 7, 0, None),
            (Stock::MAX + 7, -1, None),
            (Stock::MAX + 7, 1, Some(StockRefusal::TooMuch)),
        ] {
            let change = StockDelta::parse(delta).unwrap();
            assert_eq!(change.refusal_on(stock), refusal, "{stock} {delta:+}");
        }
    }

    proptest! {
        #[test]
        fn a_possible_change_never_overflows_nor_leaves_the_bounds(
            stock in 0..=Stock::MAX,
            delta in any::<i64>(),
        ) {
            let Ok(change) = StockDelta::parse(delta) else {
                prop_assert!(delta.unsigned_abs() > Stock::MAX.unsigned_abs());
                return Ok(());
            };
            let after = stock.checked_add(change.pieces()).unwrap();
            prop_assert_eq!(change.possible_on().contains(&stock), (0..=Stock::MAX).contains(&after));
        }

        #[test]
        fn every_change_within_the_bounds_is_possible_on_the_stocks_that_it_fits(
            stock in 0..=Stock::MAX,
            delta in -Stock::MAX..=Stock::MAX,
        ) {
            let change = StockDelta::parse(delta).unwrap();
            let expected = match stock + delta {
                after if after < 0 => Some(StockRefusal::Insufficient),
                after if after > Stock::MAX => Some(StockRefusal::TooMuch),
                _ => None,
            };
            prop_assert_eq!(change.refusal_on(stock), expected);
            prop_assert_eq!(change.possible_on().contains(&stock), expected.is_none());
        }
    }
}
