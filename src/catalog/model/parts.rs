//! The parts of a product that somebody types: SKU, name and price, each with its bounds.
//!
//! Only `parse` makes one, so a value that exists is a valid one.

use super::Stock;

/// Why a part of a product was refused. The sentence follows the name of the field, and never repeats the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPart {
    /// Empty, too long, or with a character that labels and file names cannot carry.
    #[error("must be 1 to 64 characters, each a letter A to Z or a to z, a digit, '.', '_' or '-'")]
    Sku,
    /// Empty, too long, with a control character, or with blanks around it.
    #[error(
        "must be 1 to 200 characters, none of them a control character, the first and the last not blank"
    )]
    Name,
    /// Below zero, or above [`Price::MAX`].
    #[error("must be 0 to {}", Price::MAX)]
    Price,
    /// Below zero, or above [`Stock::MAX`].
    #[error("must be 0 to {}", Stock::MAX)]
    Stock,
    /// Further from zero than [`Stock::MAX`].
    #[error("must be -{max} to {max}", max = Stock::MAX)]
    StockDelta,
}

/// A stock keeping unit: 1 to 64 characters of `[A-Za-z0-9._-]`, told apart by letter case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sku(String);

impl Sku {
    /// Most characters.
    pub const MAX_LENGTH: usize = 64;
    /// The rule as a regular expression, for the API's documentation.
    pub const PATTERN: &'static str = "^[A-Za-z0-9._-]{1,64}$";

    /// Reads a SKU.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidPart> {
        let text = text.into();
        let is_valid = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if is_valid {
            Ok(Self(text))
        } else {
            Err(InvalidPart::Sku)
        }
    }

    /// The SKU.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A product's name: 1 to 200 characters of any script, without control characters. Blanks around it are refused and
/// not cut off: what was sent is what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductName(String);

impl ProductName {
    /// Most characters.
    pub const MAX_LENGTH: usize = 200;
    /// The rule as a regular expression, for the API's documentation.
    pub const PATTERN: &'static str = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]\
        ([^\\u0000-\\u001f\\u007f-\\u009f]{0,198}[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$";

    /// Reads a name.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidPart> {
        let text = text.into();
        let is_valid = (1..=Self::MAX_LENGTH).contains(&text.chars().count())
            && !text.chars().any(char::is_control)
            && text.trim().len() == text.len();
        if is_valid {
            Ok(Self(text))
        } else {
            Err(InvalidPart::Name)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The price of one piece, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(i64);

impl Price {
    /// Highest price: a hundred million of the currency. The dearest order, 50 lines of 1000 pieces, comes to 5e14
    /// minor units: far below `i64::MAX` of 9.2e18, and below the 2^53 up to which JavaScript's numbers are exact.
    pub const MAX: i64 = 10_000_000_000;

    /// Takes a price.
    pub fn parse(cents: i64) -> Result<Self, InvalidPart> {
        if (0..=Self::MAX).contains(&cents) {
            Ok(Self(cents))
        } else {
            Err(InvalidPart::Price)
        }
    }

    /// The price in minor units.
    pub const fn cents(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn skus_are_ascii_without_blanks() {
        let longest = "x".repeat(64);
        for text in ["A", "SKU-000001", "a.b_c-D", "0", "...", &longest] {
            assert_eq!(Sku::parse(text).unwrap().as_str(), text);
        }
        let too_long = "x".repeat(65);
        for text in [
            "", " ", "a b", " a", "a\n", "a\0", "a/b", "ä", "a+b", "\u{ff21}", &too_long,
        ] {
            assert_eq!(Sku::parse(text), Err(InvalidPart::Sku), "{text:?}");
        }
    }

    #[test]
    fn names_keep_any_script_but_no_control_characters_nor_blanks_around() {
        let longest = "ü".repeat(200);
        for text in [
            "A",
            "Oak table",
            "Ægir Ⅷ",
            "名前",
            "a \u{a0} b",
            "🫖",
            &longest,
        ] {
            assert_eq!(ProductName::parse(text).unwrap().as_str(), text);
        }
        let too_long = "ü".repeat(201);
        for text in [
            "",
            " ",
            " a",
            "a ",
            "\u{a0}a",
            "a\u{3000}",
            "a\tb",
            "a\nb",
            "a\0",
            "\u{85}",
            "\u{7f}",
            &too_long,
        ] {
            assert_eq!(ProductName::parse(text), Err(InvalidPart::Name), "{text:?}");
        }
    }

    #[test]
    fn prices_have_both_bounds() {
        for cents in [0, 1, 10_000_000_000] {
            assert_eq!(Price::parse(cents).unwrap().cents(), cents);
        }
        for cents in [i64::MIN, -1, 10_000_000_001, i64::MAX] {
            assert_eq!(Price::parse(cents), Err(InvalidPart::Price), "{cents}");
        }
    }

    #[test]
    fn the_dearest_order_is_far_from_an_overflow() {
        let dearest = 50 * 1000 * Price::MAX;
        assert!(dearest < 1 << 53, "a JavaScript client could not read it");
    }

    #[test]
    fn refusals_name_the_bounds_that_are_in_force() {
        assert_eq!(InvalidPart::Price.to_string(), "must be 0 to 10000000000");
        assert_eq!(InvalidPart::Stock.to_string(), "must be 0 to 1000000000000");
        let delta = "must be -1000000000000 to 1000000000000";
        assert_eq!(InvalidPart::StockDelta.to_string(), delta);
        assert!(
            InvalidPart::Sku
                .to_string()
                .contains(&Sku::MAX_LENGTH.to_string())
        );
        assert!(
            InvalidPart::Name
                .to_string()
                .contains(&ProductName::MAX_LENGTH.to_string())
        );
    }

    proptest! {
        #[test]
        fn a_price_is_kept_to_the_cent_or_refused(
            cents in prop_oneof![any::<i64>(), -2..=Price::MAX + 2, Price::MAX - 2..=Price::MAX + 2, -2..=2_i64],
        ) {
            let nearest = cents.clamp(0, Price::MAX);
            let expected = if cents == nearest { Ok(cents) } else { Err(InvalidPart::Price) };
            prop_assert_eq!(Price::parse(cents).map(Price::cents), expected);
        }

        #[test]
        fn whatever_is_typed_is_kept_as_it_is_or_refused(text in ".{0,210}") {
            if let Ok(sku) = Sku::parse(&*text) {
                prop_assert_eq!(sku.as_str(), &text);
                prop_assert!(text.is_ascii() && text.len() <= Sku::MAX_LENGTH);
            }
            if let Ok(name) = ProductName::parse(&*text) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert_eq!(text.trim(), &text);
            }
        }
    }
}
