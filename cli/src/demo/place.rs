//! Placing the orders, at a rate.

use choreography::publish::Publisher;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::orders;
use crate::orders::mix::Wish;
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
    let order_id = orders::new_order_id()?;
    let published = orders::say(publisher, wish, &order_id).await?;
    if wish.is_cancelled {
        orders::cancel(publisher, &order_id, Some(published.trace)).await?;
    }
    Ok(())
}
