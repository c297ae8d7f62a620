//! What a product is. Pure: nothing here knows of a database or of HTTP.
//!
//! Whatever is put into the catalog is made of [parts] that only `parse` makes, so it is within its bounds.
//! What comes out of it is a [`Product`] of plain values: a rule that gets stricter one day hides no old product.

mod parts;
mod stock;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use parts::{InvalidPart, Price, ProductName, Sku};
pub use stock::{Stock, StockDelta, StockRefusal};

/// A product as the catalog holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// UUIDv7, fixed for ever.
    pub id: Uuid,
    /// What the trade calls it; unique, fixed for ever.
    pub sku: String,
    /// What people call it.
    pub name: String,
    /// What sort of thing it is, fixed for ever.
    pub product_type: ProductType,
    /// Price of one piece, in minor units of the currency.
    pub unit_price_cents: i64,
    /// Pieces that can be sold; never below zero.
    pub stock: i64,
    /// When it was put into the catalog, to the millisecond.
    pub created_at: DateTime<Utc>,
    /// When anything of it changed last, its stock included, to the millisecond.
    pub updated_at: DateTime<Utc>,
}

/// What sort of thing a product is. Closed, because it is a label of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
// By way of a text: what serde derives calls anything else "not JSON", and takes `{"physical": null}`.
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum ProductType {
    /// Has to be shipped.
    Physical,
    /// Is downloaded.
    Digital,
    /// Somebody does it.
    Service,
    /// Comes again and again.
    Subscription,
}

impl TryFrom<String> for ProductType {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name).ok_or("must be one of physical, digital, service, subscription")
    }
}

impl ProductType {
    /// Every type, in the order of their declaration.
    pub const ALL: &[Self] = &[
        Self::Physical,
        Self::Digital,
        Self::Service,
        Self::Subscription,
    ];

    /// The word used in the API, in the database and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::Digital => "digital",
            Self::Service => "service",
            Self::Subscription => "subscription",
        }
    }

    /// The type of that name, if there is one. Names are compared exactly.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|product_type| product_type.as_str() == name)
    }
}

impl fmt::Display for ProductType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A product to be put into the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// What the trade calls it.
    pub sku: Sku,
    /// What people call it.
    pub name: ProductName,
    /// What sort of thing it is.
    pub product_type: ProductType,
    /// Price of one piece.
    pub unit_price: Price,
    /// Pieces that can be sold.
    pub stock: Stock,
}

/// A change of a product: what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductChange {
    /// Another name.
    pub name: Option<ProductName>,
    /// Another price. Orders placed before keep the price that they were placed at.
    pub unit_price: Option<Price>,
    /// Pieces that came in or went out.
    pub stock_delta: StockDelta,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_one_name_each_in_the_api_and_in_the_database() {
        for &product_type in ProductType::ALL {
            assert_eq!(
                ProductType::parse(product_type.as_str()),
                Some(product_type)
            );
            let json = serde_json::to_value(product_type).unwrap();
            assert_eq!(json, product_type.as_str());
            assert_eq!(product_type.to_string(), product_type.as_str());
        }
        for name in ["", "Physical", " physical", "virtual"] {
            assert_eq!(ProductType::parse(name), None, "{name:?}");
        }
    }
}
