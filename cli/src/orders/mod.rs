//! Orders that are made here: for the demo and for load.

pub(crate) mod mix;

use anyhow::Context;
use choreography::clock;
use choreography::publish::{Publication, Published, Publisher};
use choreography::telemetry::TraceContext;
use shared_events::codec;
use shared_events::event::Event;
use shared_events::ids::OrderId;
use shared_events::orders::CancellationRequested;

use mix::Wish;

/// A new id, which tells its time.
///
/// # Errors
/// None that can happen: the contract takes all UUIDs.
pub(crate) fn new_order_id() -> anyhow::Result<OrderId> {
    clock::new_event_id().to_string().parse().context("a new order id")
}

/// Says an order straight to Kafka, as any producer may, and waits for its acknowledgement.
///
/// # Errors
/// The broker does not take it.
pub(crate) async fn say(
    publisher: &Publisher,
    wish: &Wish,
    order_id: &OrderId,
) -> anyhow::Result<Published> {
    publisher.publish(&publication(&wish.order(order_id.clone()), order_id, None)?).await
}

/// Asks for its cancellation; `parent` is the span that placed it.
///
/// # Errors
/// The broker does not take that.
pub(crate) async fn cancel(
    publisher: &Publisher,
    order_id: &OrderId,
    parent: Option<TraceContext>,
) -> anyhow::Result<()> {
    let reason = "changed my mind".to_owned();
    let request = CancellationRequested { order_id: order_id.clone(), reason };
    publisher.publish(&publication(&request, order_id, parent)?).await?;
    Ok(())
}

fn publication<E: Event>(
    event: &E,
    order_id: &OrderId,
    parent: Option<TraceContext>,
) -> anyhow::Result<Publication> {
    Ok(Publication {
        topic: E::TOPIC.to_owned(),
        partition: None,
        key: event.key().to_owned(),
        name: E::NAME.to_owned(),
        id: clock::new_event_id(),
        time: clock::now(),
        correlation: Some(order_id.to_string()),
        value: codec::encode(event)?,
        parent,
        headers: vec![],
    })
}
