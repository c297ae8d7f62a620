//! The catalog over HTTP: anyone reads it, operators change it.
//!
//! A product has an entity tag, so that who shows it often asks whether it changed and gets no body when it did not.

mod etag;
mod request;
mod response;

use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, ContentType, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION,
};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use utoipa::OpenApi;
use uuid::Uuid;

use super::model::{Product, Stock};
use super::service::{CatalogError, CatalogService};
use crate::accounts::routes::bearer::Operator;
use crate::http::Resource;
use crate::http::extract::{Json, Page, Paged, Path, Query};
use crate::http::problem::kinds::{INTERNAL_ERROR, INVALID_BODY, NOT_FOUND};
use crate::http::problem::{Problem, ProblemBody, ProblemType};

use etag::EntityTag;
pub use request::{CreateProductRequest, ProductFilter, UpdateProductRequest};
pub use response::ProductResponse;

/// 409: another product has the SKU.
pub const SKU_TAKEN: ProblemType = ProblemType {
    code: "sku_taken",
    status: 409,
    title: "The SKU is taken",
    meaning: "Another product has this SKU, and each product has its own. Nothing was put into the catalog.",
    remedy: "Choose another SKU, or change the product that has it with PATCH /api/v1/products/{id}.",
};

/// 409: the stock would fall below zero.
pub const INSUFFICIENT_STOCK: ProblemType = ProblemType {
    code: "insufficient_stock",
    status: 409,
    title: "There is not that much in stock",
    meaning: "More pieces were to be taken out of stock than there are, and stock never falls below zero. Nothing of the product was changed.",
    remedy: "Read the product again for its present stock, and take out no more than that.",
};

/// The problems of this subject.
pub const PROBLEMS: &[&ProblemType] = &[&SKU_TAKEN, &INSUFFICIENT_STOCK];

/// This subject's part of the API's description.
#[derive(Debug, OpenApi)]
#[openapi(
    paths(list_products, show_product, create_product, update_product),
    components(schemas(CreateProductRequest, UpdateProductRequest, ProductResponse)),
    tags((name = "catalog", description = "What can be ordered, at what price, and how much of it there is"))
)]
pub struct CatalogApi;

/// Adds the routes. They need a [`CatalogService`] as application data.
pub fn configure(config: &mut ServiceConfig) {
    Resource::at("/api/v1/products")
        .get(list_products)
        .post(create_product)
        .register(config);
    Resource::at("/api/v1/products/{id}")
        .get(show_product)
        .patch(update_product)
        .register(config);
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NotFound => {
                Self::new(&NOT_FOUND).detail("There is no product of this id.")
            }
            CatalogError::SkuTaken => {
                Self::new(&SKU_TAKEN).field("sku", "is the SKU of another product")
            }
            CatalogError::InsufficientStock { stock } => Self::new(&INSUFFICIENT_STOCK)
                .detail(format!("The stock is {stock}, and cannot fall below zero."))
                .field(
                    "stock_delta",
                    format!("must not take away more than {stock}"),
                ),
            CatalogError::TooMuchStock { stock } => Self::new(&INVALID_BODY).field(
                "stock_delta",
                format!(
                    "must not bring the stock, which is {stock}, above {}",
                    Stock::MAX
                ),
            ),
            CatalogError::Seed(_) => Self::new(&INTERNAL_ERROR).source(error),
            CatalogError::Database(error) => error.into(),
        }
    }
}

/// List products
///
/// In the order in which they came into the catalog. A page costs the same however far down the list it is.
#[utoipa::path(
    get, path = "/api/v1/products", tag = "catalog", operation_id = "list_products",
    params(
        ProductFilter,
        ("limit" = Option<i64>, Query, description = "Most products in the answer", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of products", body = Paged<ProductResponse>),
        (status = 400, description = "A parameter is invalid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "A fault of the service", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or no database", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_products(
    catalog: Data<CatalogService>,
    filter: Query<ProductFilter>,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let product_type = filter.product_type()?;
    // One more than asked tells whether there is a next page.
    let products = catalog
        .list(product_type, page.after, page.limit + 1)
        .await?;
    let page = Paged::cut(products, page.limit, |product| product.id).map(ProductResponse::from);
    Ok(HttpResponse::Ok().json(page))
}

/// Show a product
///
/// With an `ETag`, which changes with anything of the product, its stock included. A request whose `If-None-Match`
/// names it is answered 304 without a body.
#[utoipa::path(
    get, path = "/api/v1/products/{id}", tag = "catalog", operation_id = "show_product",
    params(
        ("id" = Uuid, Path, description = "The product's id"),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "Entity tags of versions that the client has, or `*`"),
    ),
    responses(
        (status = 200, description = "The product", body = ProductResponse,
            headers(("ETag" = String, description = "Entity tag of this version, strong"))),
        (status = 304, description = "The client has this version",
            headers(("ETag" = String, description = "Entity tag of this version, strong"))),
        (status = 400, description = "The id is none", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such product", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "A fault of the service", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or no database", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_product(
    request: HttpRequest,
    id: Path<Uuid>,
    catalog: Data<CatalogService>,
) -> Result<HttpResponse, Problem> {
    let body = encode(catalog.find(*id).await?)?;
    let tag = EntityTag::of(&body);
    let known = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .map(HeaderValue::as_bytes);
    let is_known = tag.is_named_in(known);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((ETAG, tag.as_str()));
    // A cache may keep it, but has to ask each time. Not so what was asked for with a token, which no cache keeps.
    if !request.headers().contains_key(AUTHORIZATION) {
        response.insert_header((CACHE_CONTROL, "no-cache"));
    }
    Ok(if is_known {
        response.finish()
    } else {
        with_json(response, body)
    })
}

/// Put a product into the catalog
///
/// For operators.
#[utoipa::path(
    post, path = "/api/v1/products", tag = "catalog", operation_id = "create_product",
    security(("bearer" = [])),
    request_body = CreateProductRequest,
    responses(
        (status = 201, description = "The product, as it is now in the catalog", body = ProductResponse,
            headers(
                ("Location" = String, description = "Where the product is"),
                ("ETag" = String, description = "Entity tag of this version, strong"),
            )),
        (status = 400, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = ProblemBody, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "How to authenticate"))),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body came too slowly", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`sku_taken`: another product has the SKU", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "A fault of the service", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or no database", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_product(
    _operator: Operator,
    catalog: Data<CatalogService>,
    body: Json<CreateProductRequest>,
) -> Result<HttpResponse, Problem> {
    let product = catalog.create(body.0.into_new()?).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("/api/v1/products/{}", product.id)));
    with_tag(response, product)
}

/// Change a product
///
/// For operators. All fields are changed at once, or none: a change of stock that would take it below zero changes
/// neither name nor price.
#[utoipa::path(
    patch, path = "/api/v1/products/{id}", tag = "catalog", operation_id = "update_product",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The product's id")),
    request_body = UpdateProductRequest,
    responses(
        (status = 200, description = "The product, as it is now", body = ProductResponse,
            headers(("ETag" = String, description = "Entity tag of this version, strong"))),
        (status = 400, description = "The body is not JSON, or the id is none", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid access token", body = ProblemBody, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "How to authenticate"))),
        (status = 403, description = "Not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such product", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body came too slowly", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`insufficient_stock`: the stock would fall below zero", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule, none is given, or the stock would rise too high", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "A fault of the service", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or no database", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn update_product(
    _operator: Operator,
    id: Path<Uuid>,
    catalog: Data<CatalogService>,
    body: Json<UpdateProductRequest>,
) -> Result<HttpResponse, Problem> {
    let product = catalog.change(*id, body.0.into_change()?).await?;
    with_tag(HttpResponse::Ok(), product)
}

/// The answer with the product and its tag, by which whoever changed it can ask for it again.
fn with_tag(mut response: HttpResponseBuilder, product: Product) -> Result<HttpResponse, Problem> {
    let body = encode(product)?;
    response.insert_header((ETAG, EntityTag::of(&body).as_str()));
    Ok(with_json(response, body))
}

fn with_json(mut response: HttpResponseBuilder, body: Vec<u8>) -> HttpResponse {
    response.insert_header(ContentType::json()).body(body)
}

fn encode(product: Product) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(&ProductResponse::from(product))
        .map_err(|error| Problem::new(&INTERNAL_ERROR).source(error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::catalog::model::{Price, ProductName, ProductType, Sku};

    fn document() -> Value {
        serde_json::to_value(CatalogApi::openapi()).unwrap()
    }

    #[test]
    fn the_documented_rules_are_those_that_are_kept() {
        let document = document();
        for schema in ["CreateProductRequest", "UpdateProductRequest"] {
            let fields = &document["components"]["schemas"][schema]["properties"];
            assert_eq!(fields["name"]["pattern"], ProductName::PATTERN, "{schema}");
            assert_eq!(
                fields["name"]["maxLength"],
                ProductName::MAX_LENGTH,
                "{schema}"
            );
            assert_eq!(
                fields["unit_price_cents"]["maximum"],
                Price::MAX,
                "{schema}"
            );
        }
        let create = &document["components"]["schemas"]["CreateProductRequest"]["properties"];
        assert_eq!(create["sku"]["pattern"], Sku::PATTERN);
        assert_eq!(create["sku"]["maxLength"], Sku::MAX_LENGTH);
        assert_eq!(create["stock"]["maximum"], Stock::MAX);
        assert_eq!(create["product_type"]["enum"], json!(ProductType::ALL));
        let update = &document["components"]["schemas"]["UpdateProductRequest"];
        assert_eq!(update["properties"]["stock_delta"]["minimum"], -Stock::MAX);
        assert_eq!(update["minProperties"], 1);
    }

    #[test]
    fn every_refusal_is_documented_where_it_can_happen() {
        let document = document();
        let (all, one) = ("/api/v1/products", "/api/v1/products/{id}");
        for (error, method, path) in [
            (CatalogError::NotFound, "get", one),
            (CatalogError::NotFound, "patch", one),
            (CatalogError::SkuTaken, "post", all),
            (CatalogError::InsufficientStock { stock: 3 }, "patch", one),
            (CatalogError::TooMuchStock { stock: 3 }, "patch", one),
        ] {
            let problem = Problem::from(error);
            let status = problem.kind().status.to_string();
            let documented = &document["paths"][path][method]["responses"][&status];
            assert!(documented.is_object(), "{method} {path} {status}");
            assert!(!problem.detail_text().is_empty());
        }
    }

    #[test]
    fn problems_of_the_catalog_have_codes_of_their_own() {
        let codes: Vec<_> = PROBLEMS
            .iter()
            .map(|problem| (problem.code, problem.status))
            .collect();
        assert_eq!(codes, [("sku_taken", 409), ("insufficient_stock", 409)]);
    }
}
