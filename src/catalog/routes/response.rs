//! What the routes of the catalog answer with.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use crate::catalog::model::{Product, ProductType};

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductResponse {
    /// UUIDv7.
    id: Uuid,
    /// What the trade calls it.
    #[schema(example = "MUG-0350-BLUE")]
    sku: String,
    /// What people call it.
    #[schema(example = "Stoneware mug, blue")]
    name: String,
    /// What sort of thing it is.
    #[schema(schema_with = product_type_schema)]
    product_type: ProductType,
    /// Price of one piece, in minor units of the currency.
    #[schema(minimum = 0, example = 1490)]
    unit_price_cents: i64,
    /// Pieces that can be sold.
    #[schema(minimum = 0, example = 250)]
    stock: i64,
    /// When it was put into the catalog.
    #[serde(with = "crate::http::time::millis")]
    created_at: DateTime<Utc>,
    /// When anything of it changed last, its stock included.
    #[serde(with = "crate::http::time::millis")]
    updated_at: DateTime<Utc>,
}

impl From<Product> for ProductResponse {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            sku: product.sku,
            name: product.name,
            product_type: product.product_type,
            unit_price_cents: product.unit_price_cents,
            stock: product.stock,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// The closed set of product types; made from the model, so that it names each type once.
pub(super) fn product_type_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What sort of thing a product is"))
        .enum_values(Some(ProductType::ALL.iter().map(|one| one.as_str())))
        .examples([ProductType::Physical.as_str()])
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_product_shows_the_eight_members_of_the_contract_and_no_other() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_007).unwrap();
        let product = Product {
            id: Uuid::nil(),
            sku: "MUG-1".to_owned(),
            name: "Mug".to_owned(),
            product_type: ProductType::Physical,
            unit_price_cents: 1490,
            stock: 3,
            created_at: at,
            updated_at: at,
        };
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000000", "sku": "MUG-1", "name": "Mug",
            "product_type": "physical", "unit_price_cents": 1490, "stock": 3,
            "created_at": "2026-09-21T14:13:20.007Z", "updated_at": "2026-09-21T14:13:20.007Z",
        });
        assert_eq!(
            serde_json::to_value(ProductResponse::from(product)).unwrap(),
            expected
        );
    }
}
