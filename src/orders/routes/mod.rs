//! Orders over HTTP: `/api/v1/orders`.
//!
//! Handlers translate and decide nothing but whose orders a caller can reach: accounts their own, operators any. An order
//! out of reach answers exactly like one that does not exist.

mod reference;
mod request;
mod response;

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use utoipa::OpenApi;
use uuid::Uuid;

use super::model::Access;
use super::representation::{HistoryView, LineView, OrderView};
use super::service::OrderService;
use super::status::Status;
use crate::accounts::model::Role;
use crate::accounts::routes::bearer::{CurrentAccount, Operator};
use crate::http::extract::{Json, Page, Paged, Path, Query};
use crate::http::problem::{Problem, ProblemBody};
use crate::http::{Resource, client_is_gone};

use reference::{Always, OfOneOrder};
pub use request::{OrderFilter, PlaceOrderItem, PlaceOrderRequest};
pub use response::OrderHistory;

/// This subject's part of the API's description.
#[derive(Debug, OpenApi)]
#[openapi(
    paths(
        create_order,
        list_orders,
        show_order,
        list_order_history,
        cancel_order,
        pay_order,
        ship_order,
        deliver_order
    ),
    components(schemas(PlaceOrderRequest, PlaceOrderItem, OrderView, LineView, HistoryView, OrderHistory, Status)),
    tags((name = "orders", description = "Placing orders, and what becomes of them"))
)]
pub struct OrdersApi;

/// Adds the routes of this room. They need an [`OrderService`] as data, and what the extractors of accounts need.
pub fn configure(config: &mut ServiceConfig) {
    Resource::at(request::ORDERS)
        .get(list_orders)
        .post(create_order)
        .register(config);
    Resource::at("/api/v1/orders/{id}")
        .get(show_order)
        .register(config);
    Resource::at("/api/v1/orders/{id}/history")
        .get(list_order_history)
        .register(config);
    Resource::at("/api/v1/orders/{id}/cancel")
        .post(cancel_order)
        .register(config);
    Resource::at("/api/v1/orders/{id}/pay")
        .post(pay_order)
        .register(config);
    Resource::at("/api/v1/orders/{id}/ship")
        .post(ship_order)
        .register(config);
    Resource::at("/api/v1/orders/{id}/deliver")
        .post(deliver_order)
        .register(config);
}

/// Place an order
///
/// All of it or nothing: stock, order and events are changed together. Prices are those of this moment.
///
/// Send an `Idempotency-Key`, fresh for each order, and the same one when you repeat it because the answer got lost: an
/// order, or a refusal for want of stock, is then answered again for 24 hours instead of being done again.
#[utoipa::path(
    post, path = "/api/v1/orders", tag = "orders", operation_id = "create_order",
    security(("bearer" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, nullable = false, min_length = 1, max_length = 512,
            pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#,
            description = "1 to 255 visible ASCII characters, bare or as a quoted string; `k` and `\"k\"` are one key",
            example = "8e03978e-40d5-43e8-bc93-6894a57f9324"),
    ),
    request_body = PlaceOrderRequest,
    responses(
        (status = 201, description = "The order", body = OrderView,
            headers(
                ("Location" = String, description = "Where the order is"),
                ("Idempotency-Replayed" = bool, description = "`true` on an answer that is given again; else missing"),
            )),
        (status = 400, description = "`malformed_request`: the body is not JSON; `invalid_idempotency_key`",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body came too slowly",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`out_of_stock`: `errors` names each line and what is left; `idempotency_in_progress`: the first request with this key is still running",
            body = ProblemBody, content_type = "application/problem+json",
            headers(
                ("Retry-After" = u64, description = "Seconds, with `idempotency_in_progress`"),
                ("Idempotency-Replayed" = bool, description = "`true` on an `out_of_stock` that is given again; else missing"),
            )),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is not declared as JSON",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `unknown_product`, `duplicate_product`, `total_overflow`: `errors` names each field at fault; `idempotency_key_reuse`: the key was used with another body",
            body = ProblemBody, content_type = "application/problem+json"),
        Always,
    )
)]
pub(crate) async fn create_order(
    account: CurrentAccount,
    orders: Data<OrderService>,
    request: HttpRequest,
    body: Result<Json<PlaceOrderRequest>, Problem>,
) -> Result<HttpResponse, Problem> {
    let attempt = orders.attempt();
    let body = body.inspect_err(|_| {
        // Who left in the middle of the body was refused nothing.
        if !client_is_gone(&request) {
            attempt.unreadable();
        }
    })?;
    let order = body
        .0
        .into_order(account.id, &request)
        .inspect_err(|error| attempt.refused(error))?;
    response::placed(orders.place(attempt, order).await?)
}

/// List own orders
///
/// The newest first. A page costs the same however far down the list it is. For operators too these are their own.
#[utoipa::path(
    get, path = "/api/v1/orders", tag = "orders", operation_id = "list_orders",
    security(("bearer" = [])),
    params(
        OrderFilter,
        ("limit" = Option<i64>, Query, description = "Most orders in the answer", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of orders", body = Paged<OrderView>),
        (status = 400, description = "`invalid_parameter`: `errors` names each one",
            body = ProblemBody, content_type = "application/problem+json"),
        Always,
    )
)]
pub(crate) async fn list_orders(
    account: CurrentAccount,
    orders: Data<OrderService>,
    filter: Query<OrderFilter>,
    page: Page,
) -> Result<HttpResponse, Problem> {
    // One more than asked tells whether there is a next page.
    let found = orders
        .list(account.id, filter.status()?, page.after, page.limit + 1)
        .await?;
    let page = Paged::cut(found, page.limit, |order| order.id).map(OrderView::from);
    Ok(HttpResponse::Ok().json(page))
}

/// Show an order
///
/// An own one; for operators, any.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", tag = "orders", operation_id = "show_order",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "The order", body = OrderView), OfOneOrder, Always)
)]
pub(crate) async fn show_order(
    account: CurrentAccount,
    orders: Data<OrderService>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let order = orders.find(access(account), *id).await?;
    Ok(HttpResponse::Ok().json(OrderView::from(order)))
}

/// Show the history of an order
///
/// Of an own one; for operators, of any.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/history", tag = "orders", operation_id = "list_order_history",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "Its steps, the first one first", body = OrderHistory), OfOneOrder, Always)
)]
pub(crate) async fn list_order_history(
    account: CurrentAccount,
    orders: Data<OrderService>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let steps = orders.history(access(account), *id).await?;
    Ok(HttpResponse::Ok().json(OrderHistory {
        items: steps.into_iter().map(HistoryView::from).collect(),
    }))
}

/// Cancel an order
///
/// An own one; for operators, any. From `placed` or `paid`; its stock is put back, once.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/cancel", tag = "orders", operation_id = "cancel_order",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order, now `cancelled`", body = OrderView),
        (status = 409, description = "`invalid_transition`: it stands where it cannot be cancelled",
            body = ProblemBody, content_type = "application/problem+json"),
        OfOneOrder, Always,
    )
)]
pub(crate) async fn cancel_order(
    account: CurrentAccount,
    orders: Data<OrderService>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    transition(&orders, access(account), *id, Status::Cancelled).await
}

/// Mark an order as paid
///
/// For operators. From `placed`.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/pay", tag = "orders", operation_id = "pay_order",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order, now `paid`", body = OrderView),
        (status = 403, description = "`forbidden`: not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`invalid_transition`: it is not `placed`", body = ProblemBody, content_type = "application/problem+json"),
        OfOneOrder, Always,
    )
)]
pub(crate) async fn pay_order(
    operator: Operator,
    orders: Data<OrderService>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    transition(&orders, any(operator), *id, Status::Paid).await
}

/// Mark an order as shipped
///
/// For operators. From `paid`.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/ship", tag = "orders", operation_id = "ship_order",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order, now `shipped`", body = OrderView),
        (status = 403, description = "`forbidden`: not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`invalid_transition`: it is not `paid`", body = ProblemBody, content_type = "application/problem+json"),
        OfOneOrder, Always,
    )
)]
pub(crate) async fn ship_order(
    operator: Operator,
    orders: Data<OrderService>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    transition(&orders, any(operator), *id, Status::Shipped).await
}

/// Mark an order as delivered
///
/// For operators. From `shipped`; nothing comes after.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/deliver", tag = "orders", operation_id = "deliver_order",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order, now `delivered`", body = OrderView),
        (status = 403, description = "`forbidden`: not an operator", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`invalid_transition`: it is not `shipped`", body = ProblemBody, content_type = "application/problem+json"),
        OfOneOrder, Always,
    )
)]
pub(crate) async fn deliver_order(
    operator: Operator,
    orders: Data<OrderService>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    transition(&orders, any(operator), *id, Status::Delivered).await
}

async fn transition(
    orders: &OrderService,
    access: Access,
    id: Uuid,
    to: Status,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(orders.transition(access, id, to).await?))
}

/// Accounts reach their own orders, operators any.
fn access(account: CurrentAccount) -> Access {
    Access {
        account: account.id,
        any_order: account.role == Role::Operator,
    }
}

fn any(operator: Operator) -> Access {
    Access {
        account: operator.id,
        any_order: true,
    }
}
