//! `POST /orders`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreography::clock;
use choreography::telemetry::TraceContext;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared_events::identity;
use shared_events::ids::{EventId, OrderId, drawn_at};
use shared_events::orders::OrderPlaced;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::document::{CallersTrace, example_order};
use super::kinds::Kind;
use super::problem::{self, Described, Problem};
use super::publish::{encode, publish};
use super::request::NewOrder;
use super::span::trace_id;
use super::{Api, body, keys, show};

/// What is answered for what the broker has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// The order.
    #[schema(value_type = String, examples("01a208ee-8b93-722e-bcc3-aad84b726cea"))]
    pub(super) order_id: OrderId,
    /// What was asked for, and now runs its way.
    pub(super) status: Asked,
    /// The trace of the request, and of all that follows from it.
    #[schema(pattern = "^[0-9a-f]{32}$", examples("36f6dabc621d8fdc51ee74a222ff8d17"))]
    pub(super) trace_id: String,
}

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    Placed,
    CancellationRequested,
}

/// The header of an order's placing.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is there for the document")]
struct Key {
    /// Stands for this order for 24 hours.
    #[param(
        rename = "Idempotency-Key",
        value_type = String,
        required = false,
        min_length = 1,
        max_length = 128,
        pattern = "^[!-~]+$",
        example = "my-first"
    )]
    key: Option<String>,
}

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[
            Kind::MalformedJson,
            Kind::InvalidField,
            Kind::InvalidHeader,
            Kind::NotAcceptable,
            Kind::BodyTooSlow,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
            Kind::KeyReused,
            Kind::TooManyPlacements,
            Kind::Internal,
            Kind::NotAcknowledged,
            Kind::Unavailable,
        ])
    }
}

/// Places an order
///
/// Answers when Kafka has the order for good, before any service has decided about it. Send an
/// `Idempotency-Key`: then the same request can be sent again after any answer or none, and there
/// is one order.
#[utoipa::path(
    post,
    path = "/orders",
    tag = "orders",
    params(Key, CallersTrace),
    request_body(content = NewOrder, example = json!(example_order())),
    responses(
        (status = 202, description = "Kafka has the order.", body = Accepted,
         headers(("Location" = String, description = "Where the order is shown.")),
         links(
            ("show" = (operation_id = "show", parameters(("id" = "$response.body#/order_id")))),
            ("events" = (operation_id = "events", parameters(("id" = "$response.body#/order_id")))),
            ("cancel" = (operation_id = "cancel", parameters(("id" = "$response.body#/order_id"))))
         )),
        Refusals
    )
)]
pub(super) async fn place(
    State(api): State<Api>,
    Extension(context): Extension<TraceContext>,
    request: Request,
) -> Result<Response, Problem> {
    let key = keys::of(request.headers())?;
    let asked = body::read(request).await?;
    let _place = super::publish::place(&api)?;
    let mut order = placed(asked)?;
    if let Some(key) = &key {
        // The hash is of everything but the order's id, which the first request has drawn.
        let anonymous = OrderPlaced { order_id: id("0")?, ..order.clone() };
        let hash = Sha256::digest(encode(&anonymous)?).to_vec();
        order.order_id =
            id(&keys::remembered(&api.access, key, order.order_id.as_str(), hash).await?)?;
    }
    let known = match &key {
        None => None,
        Some(_) => show::find(&api, &order.order_id).await?,
    };
    if known.is_none() {
        let time = drawn_at(order.order_id.as_str()).unwrap_or_else(clock::now);
        let id = event_id(&order.order_id);
        publish(&api, &order, id, time, context.clone()).await?;
    }
    Ok(accepted(order.order_id, Asked::Placed, &context))
}

pub(super) fn accepted(order_id: OrderId, status: Asked, context: &TraceContext) -> Response {
    let location = [(header::LOCATION, format!("/orders/{order_id}"))];
    let body = Accepted { order_id, status, trace_id: trace_id(context) };
    (StatusCode::ACCEPTED, location, axum::Json(body)).into_response()
}

fn placed(asked: NewOrder) -> Result<OrderPlaced, Problem> {
    let order_id = id(&clock::new_event_id().to_string())?;
    let NewOrder { currency, lines, ship_to } = asked;
    Ok(OrderPlaced { order_id, currency, lines, ship_to })
}

fn id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(Problem::database)
}

/// The same for each request about an order, so that a repeated one is dropped by its id.
fn event_id(order_id: &OrderId) -> EventId {
    // The ids of this service's orders are UUIDs.
    let order = order_id.as_str().parse().unwrap_or_else(|_| EventId(uuid::Uuid::nil()));
    identity::of_answer(order, "order-svc/http", 0)
}
