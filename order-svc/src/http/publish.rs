//! Saying what starts over HTTP.

use choreography::publish::Publication;
use choreography::telemetry::TraceContext;
use shared_events::amounts::Timestamp;
use shared_events::event::Event;
use shared_events::ids::EventId;
use tokio::sync::SemaphorePermit;

use super::Api;
use super::kinds::Kind;
use super::problem::Problem;

/// A place among those who publish, for as long as the permit lives.
pub(super) fn place(api: &Api) -> Result<SemaphorePermit<'_>, Problem> {
    api.placements.try_acquire().map_err(|_| {
        let detail = "as many orders and cancellations as allowed are being published; nothing was \
                      done, ask again";
        Problem::new(Kind::TooManyPlacements, detail)
    })
}

/// Publishes an event about an order. `id` is the same for each try, so that a repeat is dropped.
pub(super) async fn publish<E: Event>(
    api: &Api,
    event: &E,
    id: EventId,
    time: Timestamp,
    context: TraceContext,
) -> Result<(), Problem> {
    let order_id = event.key();
    let publication = Publication {
        topic: E::TOPIC.to_owned(),
        partition: None,
        key: order_id.to_owned(),
        name: E::NAME.to_owned(),
        id,
        time,
        correlation: Some(order_id.to_owned()),
        value: encode(event)?,
        parent: Some(context),
        headers: vec![],
    };
    match api.access.publisher.publish(&publication).await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(order.id = order_id, "{error:#}");
            let detail = format!(
                "{} is not acknowledged: it may exist, and never twice; the same request repeats it \
                 safely, an order with the same Idempotency-Key",
                E::NAME
            );
            Err(Problem::new(Kind::NotAcknowledged, detail).order(order_id))
        }
    }
}

pub(super) fn encode<E: Event>(event: &E) -> Result<Vec<u8>, Problem> {
    choreography::encode(event).map_err(|error| {
        tracing::error!(%error, "{} does not fit its own schema", E::NAME);
        Problem::new(Kind::Internal, "the event cannot be encoded; nothing was done")
    })
}
