//! What is asked for, and how it becomes the lines of an order. Pure: nothing here knows of a database or of HTTP.
//!
//! Sums are made with checked arithmetic: one that does not fit is refused, never wrapped. A [`Basket`] names each
//! product once, so no stock can be sold twice through one order.

use uuid::Uuid;

use super::model::OrderLine;

/// One wish: so many pieces of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasketItem {
    /// Which product.
    pub product_id: Uuid,
    /// Pieces, at least one.
    pub quantity: i64,
}

/// What is asked for: different products, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basket(Vec<BasketItem>);

/// Products that stand in a basket more than once. Merging them would answer something else than what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a product is listed more than once")]
pub struct DuplicateProduct {
    /// Positions of those that repeat an earlier one.
    pub positions: Vec<usize>,
}

impl Basket {
    /// Takes the wishes; quantities were checked when they were read.
    pub fn new(items: Vec<BasketItem>) -> Result<Self, DuplicateProduct> {
        let repeats = |&position: &usize| {
            items[..position]
                .iter()
                .any(|earlier| earlier.product_id == items[position].product_id)
        };
        let positions: Vec<usize> = (0..items.len()).filter(repeats).collect();
        if positions.is_empty() {
            Ok(Self(items))
        } else {
            Err(DuplicateProduct { positions })
        }
    }

    /// The wishes.
    pub fn items(&self) -> &[BasketItem] {
        &self.0
    }

    /// The products, in the ascending order in which they must be locked.
    pub fn product_ids(&self) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.0.iter().map(|item| item.product_id).collect();
        ids.sort_unstable();
        ids
    }

    /// One form for every spelling of the same wishes: for each, 16 bytes of id and 8 of quantity. The order of the
    /// wishes is kept, because the lines of the answer keep it.
    pub fn canonical(&self) -> Vec<u8> {
        let bytes = |item: &BasketItem| {
            item.product_id
                .into_bytes()
                .into_iter()
                .chain(item.quantity.to_be_bytes())
        };
        self.0.iter().flat_map(bytes).collect()
    }

    /// Finds each wish's offer. Refused with the positions of wishes for products that are not there.
    pub fn matched(&self, offers: Vec<Offer>) -> Result<Vec<Wanted>, UnknownProduct> {
        let mut offers: Vec<Option<Offer>> = offers.into_iter().map(Some).collect();
        let mut wanted = Vec::with_capacity(self.0.len());
        let mut positions = Vec::new();
        for (position, item) in self.0.iter().enumerate() {
            let mut found = offers.iter_mut().filter(|offer| {
                offer
                    .as_ref()
                    .is_some_and(|offer| offer.product_id == item.product_id)
            });
            match found.next().and_then(Option::take) {
                Some(offer) => wanted.push(Wanted {
                    quantity: item.quantity,
                    offer,
                }),
                None => positions.push(position),
            }
        }
        if positions.is_empty() {
            Ok(wanted)
        } else {
            Err(UnknownProduct { positions })
        }
    }
}

/// Wishes for products that are not in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a product does not exist")]
pub struct UnknownProduct {
    /// Positions of those wishes.
    pub positions: Vec<usize>,
}

/// What the catalog says of a product now, while it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which product.
    pub product_id: Uuid,
    /// Its SKU.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// Price of one piece, in minor units.
    pub unit_price_cents: i64,
    /// Pieces that can be sold.
    pub stock: i64,
}

/// A wish together with what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Pieces wished for.
    pub quantity: i64,
    /// The product.
    pub offer: Offer,
}

/// A wish for more pieces than there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Its position in the request.
    pub position: usize,
    /// SKU of the product.
    pub sku: String,
    /// Pieces wished for.
    pub wanted: i64,
    /// Pieces left.
    pub left: i64,
}

/// The wishes that the stock cannot fulfil, in the order of the request.
pub fn shortages(wanted: &[Wanted]) -> Vec<Shortage> {
    let short = |(position, wish): (usize, &Wanted)| {
        (wish.offer.stock < wish.quantity).then(|| Shortage {
            position,
            sku: wish.offer.sku.clone(),
            wanted: wish.quantity,
            left: wish.offer.stock,
        })
    };
    wanted.iter().enumerate().filter_map(short).collect()
}

/// A sum of money that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the total is too large")]
pub struct TotalOverflow {
    /// Position of the line at which it did not fit any more.
    pub position: usize,
}

/// The lines at the present prices, and their sum in minor units.
pub fn priced(wanted: Vec<Wanted>) -> Result<(Vec<OrderLine>, i64), TotalOverflow> {
    let mut total_cents = 0_i64;
    let mut lines = Vec::with_capacity(wanted.len());
    for (position, Wanted { quantity, offer }) in wanted.into_iter().enumerate() {
        let overflow = TotalOverflow { position };
        let line_total_cents = offer
            .unit_price_cents
            .checked_mul(quantity)
            .ok_or(overflow)?;
        total_cents = total_cents.checked_add(line_total_cents).ok_or(overflow)?;
        #[cfg(feature = "planted-bugs")]
        if crate::planted::Bug::WrongTotal.is_planted() && quantity == 4 {
            total_cents -= offer.unit_price_cents;
        }
        lines.push(OrderLine {
            product_id: offer.product_id,
            sku: offer.sku,
            name: offer.name,
            quantity,
            unit_price_cents: offer.unit_price_cents,
            line_total_cents,
        });
    }
    Ok((lines, total_cents))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(product: u128, quantity: i64) -> BasketItem {
        BasketItem {
            product_id: Uuid::from_u128(product),
            quantity,
        }
    }

    fn offer(product: u128, unit_price_cents: i64, stock: i64) -> Offer {
        let sku = format!("SKU-{product}");
        Offer {
            product_id: Uuid::from_u128(product),
            name: sku.clone(),
            sku,
            unit_price_cents,
            stock,
        }
    }

    fn wanted(quantity: i64, unit_price_cents: i64) -> Wanted {
        Wanted {
            quantity,
            offer: offer(1, unit_price_cents, 0),
        }
    }

    #[test]
    fn a_product_listed_twice_is_refused_at_its_repetitions() {
        let refused = Basket::new(vec![item(1, 1), item(2, 1), item(1, 2), item(1, 1)]);
        assert_eq!(
            refused,
            Err(DuplicateProduct {
                positions: vec![2, 3]
            })
        );
    }

    #[test]
    fn products_are_locked_in_ascending_order_whatever_the_request_says() {
        let basket = Basket::new(vec![item(3, 1), item(1, 1), item(2, 1)]).unwrap();
        assert_eq!(basket.product_ids(), [1, 2, 3].map(Uuid::from_u128));
    }

    #[test]
    fn the_canonical_form_tells_wishes_apart_and_nothing_else() {
        let form = |items: Vec<BasketItem>| Basket::new(items).unwrap().canonical();
        assert_eq!(form(vec![item(1, 2)]), form(vec![item(1, 2)]));
        assert_ne!(form(vec![item(1, 2)]), form(vec![item(1, 3)]));
        assert_ne!(form(vec![item(1, 2)]), form(vec![item(2, 2)]));
        assert_ne!(
            form(vec![item(1, 1), item(2, 1)]),
            form(vec![item(2, 1), item(1, 1)])
        );
    }

    #[test]
    fn each_wish_gets_its_offer_and_unknown_products_are_named() {
        let basket = Basket::new(vec![item(9, 1), item(2, 5), item(1, 1), item(8, 1)]).unwrap();
        let refused = basket.matched(vec![offer(1, 10, 1), offer(2, 20, 1)]);
        assert_eq!(
            refused,
            Err(UnknownProduct {
                positions: vec![0, 3]
            })
        );

        let basket = Basket::new(vec![item(2, 5), item(1, 1)]).unwrap();
        let wanted = basket
            .matched(vec![offer(1, 10, 1), offer(2, 20, 4)])
            .unwrap();
        assert_eq!(
            wanted[0],
            Wanted {
                quantity: 5,
                offer: offer(2, 20, 4)
            }
        );
        let short = Shortage {
            position: 0,
            sku: "SKU-2".to_owned(),
            wanted: 5,
            left: 4,
        };
        assert_eq!(shortages(&wanted), [short]);
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused_at_its_line() {
        assert_eq!(
            priced(vec![wanted(2, i64::MAX)]),
            Err(TotalOverflow { position: 0 })
        );
        assert_eq!(
            priced(vec![wanted(1, i64::MAX), wanted(1, 1)]),
            Err(TotalOverflow { position: 1 })
        );
        assert_eq!(
            priced(vec![wanted(1, i64::MAX)]).map(|(_, total)| total),
            Ok(i64::MAX)
        );
    }

    proptest! {
        #[test]
        fn a_total_equals_its_lines_or_is_refused(wishes in prop::collection::vec((1..=1000_i64, 0..=i64::MAX), 1..50)) {
            let exact: i128 = wishes.iter().map(|&(quantity, price)| i128::from(quantity) * i128::from(price)).sum();
            match priced(wishes.into_iter().map(|(quantity, price)| wanted(quantity, price)).collect()) {
                Ok((lines, total)) => {
                    prop_assert_eq!(i128::from(total), exact);
                    prop_assert_eq!(lines.iter().map(|line| line.line_total_cents).sum::<i64>(), total);
                }
                Err(_) => prop_assert!(exact > i128::from(i64::MAX)),
            }
        }
    }
}
