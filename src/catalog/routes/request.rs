//! What the routes of the catalog take. The rules are those of `model`, told to the JSON extractor so that every field
//! at fault is named at once.

use std::fmt;

use garde::Validate;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use super::response::product_type_schema;
use crate::catalog::model::{
    InvalidPart, NewProduct, Price, ProductChange, ProductName, ProductType, Sku, Stock, StockDelta,
};
use crate::http::problem::Problem;
use crate::http::problem::kinds::{INVALID_BODY, INVALID_PARAMETER};

/// Which products to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductFilter {
    /// Only products of this type.
    #[serde(rename = "type")]
    #[param(schema_with = product_type_schema, required = false, example = "physical")]
    product_type: Option<String>,
}

impl ProductFilter {
    /// The type asked for; `None` means all.
    pub(super) fn product_type(&self) -> Result<Option<ProductType>, Problem> {
        let Some(name) = &self.product_type else {
            return Ok(None);
        };
        ProductType::parse(name).map(Some).ok_or_else(|| {
            let allowed: Vec<_> = ProductType::ALL.iter().map(|one| one.as_str()).collect();
            let message = format!("must be one of {}", allowed.join(", "));
            Problem::new(&INVALID_PARAMETER).field("type", message)
        })
    }
}

/// A product to be put into the catalog.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProductRequest {
    /// What the trade calls it: 1 to 64 characters of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. Unique, and told apart by
    /// letter case.
    #[garde(custom(follows(Sku::parse)))]
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[A-Za-z0-9._-]{1,64}$",
        example = "MUG-0350-BLUE"
    )]
    sku: String,
    /// What people call it: 1 to 200 characters, none of them a control character, the first and the last not blank.
    #[garde(custom(follows(ProductName::parse)))]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]{0,198}[^\s\u0000-\u001f\u007f-\u009f])?$",
        example = "Stoneware mug, blue"
    )]
    name: String,
    /// What sort of thing it is.
    #[garde(skip)]
    #[schema(schema_with = product_type_schema)]
    product_type: ProductType,
    /// Price of one piece, in minor units of the currency.
    #[garde(custom(follows(Price::parse)))]
    #[schema(minimum = 0, maximum = 10_000_000_000i64, example = 1490)]
    unit_price_cents: i64,
    /// Pieces that can be sold.
    #[garde(custom(follows(Stock::parse)))]
    #[schema(minimum = 0, maximum = 1_000_000_000_000i64, example = 250)]
    stock: i64,
}

impl CreateProductRequest {
    /// The product that is asked for.
    pub(super) fn into_new(self) -> Result<NewProduct, Problem> {
        Ok(NewProduct {
            sku: Sku::parse(self.sku).map_err(|rule| broken("sku", rule))?,
            name: ProductName::parse(self.name).map_err(|rule| broken("name", rule))?,
            product_type: self.product_type,
            unit_price: Price::parse(self.unit_price_cents)
                .map_err(|rule| broken("unit_price_cents", rule))?,
            stock: Stock::parse(self.stock).map_err(|rule| broken("stock", rule))?,
        })
    }
}

/// A change of a product: at least one field. What is left out stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct UpdateProductRequest {
    /// Another name, of 1 to 200 characters, none of them a control character, the first and the last not blank.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(custom(follows(ProductName::parse))))]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]{0,198}[^\s\u0000-\u001f\u007f-\u009f])?$",
        example = "Stoneware mug, blue, 0.35 l"
    )]
    name: Option<String>,
    /// Another price of one piece, in minor units. Orders placed before keep the price that they were placed at.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(custom(follows(Price::parse))))]
    #[schema(
        nullable = false,
        minimum = 0,
        maximum = 10_000_000_000i64,
        example = 1590
    )]
    unit_price_cents: Option<i64>,
    /// Pieces that came in, or went out when negative. The stock cannot fall below 0 (409) nor rise above
    /// 1000000000000 (422) by it.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(custom(follows(StockDelta::parse))))]
    #[schema(
        nullable = false,
        minimum = -1_000_000_000_000i64,
        maximum = 1_000_000_000_000i64,
        example = 50
    )]
    stock_delta: Option<i64>,
}

impl UpdateProductRequest {
    /// The change that is asked for.
    pub(super) fn into_change(self) -> Result<ProductChange, Problem> {
        if let Self {
            name: None,
            unit_price_cents: None,
            stock_delta: None,
        } = self
        {
            let message = "must hold at least one of name, unit_price_cents, stock_delta";
            return Err(Problem::new(&INVALID_BODY).field("", message));
        }
        let name = self.name.map(ProductName::parse).transpose();
        let unit_price = self.unit_price_cents.map(Price::parse).transpose();
        let stock_delta = self.stock_delta.map(StockDelta::parse).transpose();
        Ok(ProductChange {
            name: name.map_err(|rule| broken("name", rule))?,
            unit_price: unit_price.map_err(|rule| broken("unit_price_cents", rule))?,
            stock_delta: stock_delta
                .map_err(|rule| broken("stock_delta", rule))?
                .unwrap_or_default(),
        })
    }
}

/// A field that may be left out, but not be `null`: nothing of a product can be taken away.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A rule of the model as the extractor asks for it.
fn follows<V, P, E>(parse: impl FnOnce(V) -> Result<P, E>) -> impl FnOnce(&V, &()) -> garde::Result
where
    V: Clone,
    E: fmt::Display,
{
    move |value, ()| parse(value.clone()).map(drop).map_err(garde::Error::new)
}

/// The extractor has checked it all; this keeps the compiler's word for it.
fn broken(field: &'static str, rule: InvalidPart) -> Problem {
    Problem::new(&INVALID_BODY).field(field, rule.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The fields at fault, or what serde says.
    fn faults<T: Validate<Context = ()> + serde::de::DeserializeOwned>(body: Value) -> Vec<String> {
        match serde_json::from_value::<T>(body) {
            Err(error) => vec![error.to_string()],
            Ok(request) => {
                let report = request.validate().err();
                let faults = report.into_iter().flat_map(garde::Report::into_inner);
                faults.map(|(path, _)| path.to_string()).collect()
            }
        }
    }

    fn mug() -> Value {
        json!({"sku": "MUG-1", "name": "Mug", "product_type": "physical", "unit_price_cents": 1490, "stock": 3})
    }

    #[test]
    fn a_good_request_becomes_a_product() {
        assert!(faults::<CreateProductRequest>(mug()).is_empty());
        let new = serde_json::from_value::<CreateProductRequest>(mug())
            .unwrap()
            .into_new()
            .unwrap();
        assert_eq!((new.sku.as_str(), new.name.as_str()), ("MUG-1", "Mug"));
        assert_eq!((new.unit_price.cents(), new.stock.pieces()), (1490, 3));
        assert_eq!(new.product_type, ProductType::Physical);
    }

    proptest! {
        /// Money is whole cents: nothing is rounded, cut off or wrapped on its way in.
        #[test]
        fn a_price_in_json_is_taken_as_it_is_written_or_not_at_all(
            text in prop_oneof![
                any::<i128>().prop_map(|number| number.to_string()),
                prop_oneof![-3..=3_i64, 4..=Price::MAX - 4, Price::MAX - 3..=Price::MAX + 3].prop_map(|number| number.to_string()),
                any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(|number| number.to_string()),
                (0..=Price::MAX, 0..100_u8).prop_map(|(whole, part)| format!("{whole}.{part:02}")),
                "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
                "\"[0-9]{1,4}\"",
            ],
        ) {
            let body = mug().to_string().replace("1490", &text);
            let read = serde_json::from_str::<CreateProductRequest>(&body).ok();
            let read = read.filter(|request| request.validate().is_ok());
            let taken = read.and_then(|request| request.into_new().ok()).map(|new| new.unit_price.cents());
            // `-0` is a number with a fraction to JSON's readers.
            let written = text.parse::<i64>().ok().filter(|cents| cents.to_string() == text);
            let written = written.filter(|cents| (0..=Price::MAX).contains(cents));
            prop_assert_eq!(taken, written, "{}", text);
        }
    }

    #[test]
    fn every_field_at_fault_is_named_at_once() {
        let body = json!({"sku": "a b", "name": " ", "product_type": "digital", "unit_price_cents": -1, "stock": -1});
        assert_eq!(
            faults::<CreateProductRequest>(body),
            ["name", "sku", "stock", "unit_price_cents"]
        );
        let body =
            json!({"name": "", "unit_price_cents": 10_000_000_001_i64, "stock_delta": i64::MIN});
        assert_eq!(
            faults::<UpdateProductRequest>(body),
            ["name", "stock_delta", "unit_price_cents"]
        );
    }

    #[test]
    fn what_only_the_service_decides_cannot_be_sent() {
        for field in ["id", "created_at", "updated_at", "colour"] {
            let mut body = mug();
            body[field] = json!("x");
            assert!(
                faults::<CreateProductRequest>(body)[0].contains(field),
                "{field}"
            );
        }
        for field in ["sku", "product_type", "stock", "id"] {
            let body = json!({"name": "Mug", field: 1});
            assert!(
                faults::<UpdateProductRequest>(body)[0].contains(field),
                "{field}"
            );
        }
    }

    #[test]
    fn a_change_needs_one_field_and_none_may_be_null() {
        let nothing = serde_json::from_value::<UpdateProductRequest>(json!({})).unwrap();
        let problem = nothing.into_change().unwrap_err();
        assert_eq!(
            (problem.kind().status, problem.errors()[0].field.as_ref()),
            (422, "")
        );
        for field in ["name", "unit_price_cents", "stock_delta"] {
            assert!(
                faults::<UpdateProductRequest>(json!({field: null}))[0].contains("null"),
                "{field}"
            );
        }
    }

    #[test]
    fn what_is_left_out_of_a_change_stays_as_it_is() {
        let request: UpdateProductRequest =
            serde_json::from_value(json!({"stock_delta": -5})).unwrap();
        let expected = ProductChange {
            stock_delta: StockDelta::parse(-5).unwrap(),
            ..ProductChange::default()
        };
        assert_eq!(request.into_change().unwrap(), expected);
    }

    #[test]
    fn an_unknown_type_is_refused_with_those_there_are() {
        let filter = |name: Option<&str>| {
            ProductFilter {
                product_type: name.map(str::to_owned),
            }
            .product_type()
        };
        assert_eq!(filter(None).unwrap(), None);
        assert_eq!(filter(Some("digital")).unwrap(), Some(ProductType::Digital));
        for name in ["", "Digital", "virtual"] {
            let problem = filter(Some(name)).unwrap_err();
            assert_eq!(problem.kind().status, 400);
            assert_eq!(problem.errors()[0].field, "type");
            assert_eq!(
                problem.errors()[0].message,
                "must be one of physical, digital, service, subscription"
            );
        }
    }
}
