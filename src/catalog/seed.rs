//! The catalog that load tests and demonstrations run on: product number n is the same on every machine.
//!
//! Only the ids and times differ, which are those of the moment of seeding. Pure: the service puts it in.

use super::model::{InvalidPart, NewProduct, Price, ProductName, ProductType, Sku, Stock};

/// Pieces of each seeded product.
const PIECES: i64 = 1_000_000;

/// Product number `number`, counted from 1.
pub(super) fn product(number: u32) -> Result<NewProduct, InvalidPart> {
    let (product_type, name) = match number % 4 {
        1 => (ProductType::Physical, "Stoneware mug"),
        2 => (ProductType::Digital, "Field recording"),
        3 => (ProductType::Service, "Chimney inspection"),
        _ => (ProductType::Subscription, "Letterbox herbarium"),
    };
    Ok(NewProduct {
        sku: Sku::parse(format!("SKU-{number:06}"))?,
        name: ProductName::parse(format!("{name} no. {number}"))?,
        product_type,
        unit_price: Price::parse(price(number))?,
        stock: Stock::parse(PIECES)?,
    })
}

/// 0.99 to 199.99, in an order that looks like none: 37 and 200 have no common divisor.
fn price(number: u32) -> i64 {
    i64::from(number) * 37 % 200 * 100 + 99
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_number_always_gives_the_same_product() {
        let first = product(1).unwrap();
        assert_eq!(first, product(1).unwrap());
        assert_eq!(first.sku.as_str(), "SKU-000001");
        assert_eq!(first.name.as_str(), "Stoneware mug no. 1");
        assert_eq!(first.unit_price.cents(), 3799);
        assert_eq!(first.stock.pieces(), 1_000_000);
    }

    #[test]
    fn products_differ_in_sku_and_spread_over_types_and_prices() {
        let products: Vec<_> = (1..=1000).map(|number| product(number).unwrap()).collect();
        let skus: HashSet<_> = products
            .iter()
            .map(|product| product.sku.as_str())
            .collect();
        let prices: HashSet<_> = products
            .iter()
            .map(|product| product.unit_price.cents())
            .collect();
        assert_eq!((skus.len(), prices.len()), (1000, 200));
        for &product_type in ProductType::ALL {
            let of_type = products
                .iter()
                .filter(|product| product.product_type == product_type);
            assert_eq!(of_type.count(), 250);
        }
    }

    #[test]
    fn even_the_highest_number_gives_a_product() {
        assert_eq!(product(u32::MAX).unwrap().sku.as_str(), "SKU-4294967295");
    }
}
