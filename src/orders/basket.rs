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
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::model::Price;
    use crate::orders::model::Order;
    use crate::orders::representation::OrderView;
    use crate::orders::status::Status;

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

    /// Amounts of every size, and those around the largest.
    fn amount() -> impl Strategy<Value = i64> {
        prop_oneof![
            (0..63_u32, any::<i64>()).prop_map(|(bits, any)| any & ((1 << bits) - 1)),
            (0..4_i64).prop_map(|less| i64::MAX - less),
        ]
    }

    /// Wishes for different products, within the bounds of the API, with their prices and stocks.
    fn wishes() -> impl Strategy<Value = Vec<(BasketItem, Offer)>> {
        let price = prop_oneof![0..=Price::MAX, Just(Price::MAX)];
        let wishes = prop::collection::vec((1..=1000_i64, price, 0..=1500_i64), 1..=50);
        wishes.prop_map(|wishes| {
            let numbered = (1_u128..).zip(wishes);
            numbered
                .map(|(product, (quantity, price, stock))| {
                    (item(product, quantity), offer(product, price, stock))
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_total_equals_its_lines_or_is_refused_at_the_first_that_does_not_fit(
            wishes in prop_oneof![
                prop::collection::vec((amount(), amount()), 1..50),
                // Lines that fit, whose sum need not.
                prop::collection::vec((1..=2_i64, (2..=40_i64).prop_map(|part| i64::MAX / part)), 1..50),
            ],
        ) {
            let exact: Vec<i128> = wishes
                .iter()
                .map(|&(quantity, price)| i128::from(quantity) * i128::from(price))
                .collect();
            let sums = exact.iter().scan(0, |sum, line| {
                *sum += line;
                Some(*sum)
            });
            let overflow = sums.clone().position(|sum| sum > i128::from(i64::MAX));
            let priced = priced(wishes.iter().map(|&(quantity, price)| wanted(quantity, price)).collect());
            match (priced, overflow) {
                (Ok((lines, total)), None) => {
                    prop_assert_eq!(Some(i128::from(total)), sums.last());
                    prop_assert!(lines.iter().map(|line| i128::from(line.line_total_cents)).eq(exact));
                    let asked = lines.iter().map(|line| (line.quantity, line.unit_price_cents));
                    prop_assert!(asked.eq(wishes));
                }
                (Err(refused), Some(position)) => prop_assert_eq!(refused, TotalOverflow { position }),
                (priced, expected) => prop_assert!(false, "{:?}, not {:?}", priced, expected),
            }
        }

        #[test]
        fn what_the_api_lets_in_is_never_too_dear_and_every_client_reads_its_total(
            wishes in wishes(),
            turn in any::<prop::sample::Index>(),
        ) {
            let (items, mut offers): (Vec<_>, Vec<_>) = wishes.into_iter().unzip();
            let basket = Basket::new(items.clone()).unwrap();
            let expected = offers.clone();
            // The catalog answers in an order of its own.
            offers.rotate_left(turn.index(items.len()));
            let wanted = basket.matched(offers).unwrap();
            prop_assert!(wanted.iter().map(|wish| &wish.offer).eq(&expected));

            let short: Vec<_> = (0..items.len()).filter(|&at| items[at].quantity > expected[at].stock).collect();
            let told = shortages(&wanted);
            prop_assert!(told.iter().map(|shortage| shortage.position).eq(short));
            prop_assert!(told.iter().all(|shortage| shortage.wanted > shortage.left));

            let (lines, total_cents) = priced(wanted).unwrap();
            prop_assert_eq!(total_cents, lines.iter().map(|line| line.line_total_cents).sum::<i64>());
            prop_assert!(total_cents < 1 << 53);
            let at = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
            let order = Order {
                id: Uuid::nil(),
                account_id: Uuid::nil(),
                status: Status::Placed,
                lines: lines.clone(),
                total_cents,
                created_at: at,
                updated_at: at,
            };
            let json = serde_json::to_string(&OrderView::from(order)).unwrap();
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            // Whole numbers, of which a client that knows only doubles loses nothing.
            prop_assert_eq!(&read["total_cents"], &serde_json::json!(total_cents));
            prop_assert_eq!(read["total_cents"].as_f64().map(|total| format!("{total:.0}")), Some(total_cents.to_string()));
            for (line, read) in lines.iter().zip(read["items"].as_array().unwrap()) {
                prop_assert_eq!(&read["line_total_cents"], &serde_json::json!(line.quantity * line.unit_price_cents));
                prop_assert_eq!(&read["unit_price_cents"], &serde_json::json!(line.unit_price_cents));
                prop_assert_eq!(&read["quantity"], &serde_json::json!(line.quantity));
            }
        }
    }
}
