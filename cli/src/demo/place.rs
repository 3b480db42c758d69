//! Placing the orders: said straight to Kafka, as any producer may.

use choreography::clock;
use choreography::publish::{Publication, Publisher};
use choreography::telemetry::TraceContext;
use futures::stream::{self, StreamExt, TryStreamExt};
use shared_events::codec;
use shared_events::event::Event;
use shared_events::ids::OrderId;
use shared_events::orders::CancellationRequested;

use super::mix::Wish;
use crate::pace::Pace;

/// So many orders wait for Kafka's acknowledgement at once.
const IN_FLIGHT_MAX: usize = 64;

/// Places the orders, `rate` in a second.
///
/// # Errors
/// The broker does not take one.
pub(super) async fn place(
    publisher: Publisher,
    wishes: Vec<Wish>,
    rate: u32,
) -> anyhow::Result<()> {
    let pace = Pace::new(rate);
    stream::iter(wishes.into_iter().zip(0..))
        .map(|(wish, number)| {
            let (pace, publisher) = (&pace, &publisher);
            async move {
                pace.wait_for(number).await;
                place_one(publisher, &wish).await
            }
        })
        .buffer_unordered(IN_FLIGHT_MAX)
        .try_collect()
        .await
}

async fn place_one(publisher: &Publisher, wish: &Wish) -> anyhow::Result<()> {
    let order_id: OrderId = clock::new_event_id().to_string().parse()?;
    let placed = publication(&wish.order(order_id.clone()), &order_id, None)?;
    let published = publisher.publish(&placed).await?;
    if wish.is_cancelled {
        let reason = "changed my mind".to_owned();
        let request = CancellationRequested { order_id: order_id.clone(), reason };
        publisher.publish(&publication(&request, &order_id, Some(published.trace))?).await?;
    }
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
