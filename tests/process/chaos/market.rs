//! What is on sale, and which orders have been placed: what clients of the chaos know of one another.

use std::cell::RefCell;

use super::caller::Caller;

/// A product of the chaos. Its price never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) price_cents: i64,
    /// Pieces that it was made with.
    pub(crate) pieces: i64,
}

/// Products on sale at once: few enough that buyers are after the same ones.
pub(crate) const ON_SALE: usize = 8;

/// Most products in a basket.
const LINES: usize = 3;

/// Most pieces of one of them, as a rule.
const PIECES: usize = 5;

/// Pieces that are never there: now and then somebody asks for more than anybody could have delivered.
const TOO_MANY: i64 = 1_000;

/// The market.
pub(crate) struct Market {
    on_sale: RefCell<Vec<Product>>,
    spare: RefCell<Vec<Product>>,
    placed: RefCell<Vec<String>>,
}

impl Market {
    /// The first products are on sale, the others take their place one by one.
    pub(crate) fn of(mut products: Vec<Product>) -> Self {
        let spare = products.split_off(ON_SALE.min(products.len()));
        Self {
            on_sale: RefCell::new(products),
            spare: RefCell::new(spare),
            placed: RefCell::default(),
        }
    }

    /// Something to buy: different products, and how many of each.
    pub(crate) fn basket(&self, caller: &Caller) -> Option<Vec<(String, i64)>> {
        let on_sale = self.on_sale.borrow();
        let mut basket: Vec<(String, i64)> = Vec::new();
        for _ in 0..=caller.below(LINES) {
            let product = caller.one_of(&on_sale)?;
            let is_new = basket.iter().all(|(id, _)| *id != product.id);
            if is_new {
                basket.push((product.id, i64::try_from(1 + caller.below(PIECES)).ok()?));
            }
        }
        if caller.below(25) == 0 {
            basket.last_mut()?.1 = TOO_MANY;
        }
        Some(basket)
    }

    /// A product to deliver to.
    pub(crate) fn one_on_sale(&self, caller: &Caller) -> Option<Product> {
        caller.one_of(&self.on_sale.borrow())
    }

    /// Takes a product off for good, and puts a new one in its place.
    pub(crate) fn replace(&self, product: &Product) {
        let mut on_sale = self.on_sale.borrow_mut();
        on_sale.retain(|other| other != product);
        on_sale.extend(self.spare.borrow_mut().pop());
    }

    /// Lets everybody know of an order.
    pub(crate) fn announce(&self, order: &str) {
        self.placed.borrow_mut().push(order.to_owned());
    }

    /// One of the orders that were placed lately.
    pub(crate) fn late_order(&self, caller: &Caller, at_most: usize) -> Option<String> {
        let placed = self.placed.borrow();
        let lately = placed.len().saturating_sub(at_most);
        caller.one_of(&placed[lately..])
    }
}
