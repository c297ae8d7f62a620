//! The product type as a label of metrics. The catalog itself tells nothing beyond `db_operation_duration_seconds` and
//! the access line; who counts things by product type, such as orders, does it with this.

use super::model::ProductType;
use crate::telemetry::metrics::Label;

impl Label for ProductType {
    const NAME: &'static str = "product_type";
    const ALL: &'static [Self] = ProductType::ALL;

    fn position(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::LabelSet;

    #[test]
    fn every_type_stands_at_its_own_place() {
        for (place, product_type) in ProductType::all().into_iter().enumerate() {
            assert_eq!(product_type.index(), place);
            assert_eq!(product_type.values(), [product_type.as_str()]);
        }
    }
}
