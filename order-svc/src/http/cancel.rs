//! `POST /orders/{id}/cancel`.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use choreography::clock;
use choreography::telemetry::TraceContext;
use shared_events::amounts::Timestamp;
use shared_events::identity::{self, Place};
use shared_events::ids::{EventId, OrderId};
use shared_events::orders::CancellationRequested;
use utoipa::IntoResponses;

use super::document::CallersTrace;
use super::kinds::Kind;
use super::place::{Accepted, Asked, accepted};
use super::problem::{self, Described, Problem};
use super::publish::publish;
use super::request::Cancellation;
use super::show::{self, Id};
use super::{Api, body};
use crate::state::Status;

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[
            Kind::MalformedJson,
            Kind::InvalidField,
            Kind::InvalidId,
            Kind::UnknownOrder,
            Kind::NotYetKnown,
            Kind::NotAcceptable,
            Kind::BodyTooSlow,
            Kind::AlreadyDecided,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
            Kind::TooManyPlacements,
            Kind::Internal,
            Kind::NotAcknowledged,
            Kind::Unavailable,
        ])
    }
}

/// Asks for the cancellation of an order
///
/// Answers when Kafka has the request for good. Whether the order is cancelled is then decided: it
/// is, unless all have agreed before. Sent again, it is the same request: the first reason counts.
#[utoipa::path(
    post,
    path = "/orders/{id}/cancel",
    tag = "orders",
    params(("id" = inline(Id), Path), CallersTrace),
    request_body(content = Option<Cancellation>, description = "May be left out.", example = json!({"reason": "ordered by mistake"})),
    responses(
        (status = 202, description = "Kafka has the request.", body = Accepted,
         headers(("Location" = String, description = "Where the order is shown."))),
        Refusals
    )
)]
pub(super) async fn cancel(
    State(api): State<Api>,
    Extension(context): Extension<TraceContext>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let order_id = show::order_id(id)?;
    let Cancellation { reason } = body::read_if_any(request).await?;
    let found = show::find(&api, &order_id).await?.ok_or_else(|| show::unknown(&order_id))?;
    match &found.placed.status {
        Status::Placed => {}
        decided @ (Status::Confirmed { .. }
        | Status::Cancelled { .. }
        | Status::Completed { .. }) => {
            let detail = format!("the order is {}, and stays so", decided.name());
            return Err(Problem::new(Kind::AlreadyDecided, detail).order(order_id.as_str()));
        }
    }
    let _place = super::publish::place(&api)?;
    let reason = reason.unwrap_or_else(|| "no reason was given".to_owned());
    let event = CancellationRequested { order_id: order_id.clone(), reason };
    publish(&api, &event, event_id(&order_id), clock::now(), context.clone()).await?;
    Ok(accepted(order_id, Asked::CancellationRequested, &context))
}

/// The same for each request about an order, so that a repeated one is dropped by its id. An order
/// of another producer may have any text as its id, and with the word before it none is a UUID.
fn event_id(order_id: &OrderId) -> EventId {
    let nowhere = Place { topic: "", partition: 0, offset: 0, append_time: Timestamp(0) };
    identity::of_event(Some(&format!("cancel/{order_id}")), Some("order-svc/http"), &nowhere)
}
