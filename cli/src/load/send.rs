//! Placing the orders: each at its time, whatever became of those before it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use choreography::publish::Publisher;
use reqwest::header::HeaderMap;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::options::{Mix, Options};
use crate::http::Api;
use crate::http::problem::Refusal;
use crate::orders;
use crate::orders::mix::{Wish, Wishes};
use crate::pace::Pace;

/// How long one order may take to be acknowledged.
const ACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// What became of placing one order.
pub(super) struct Sent {
    /// When it should have been placed.
    pub(super) due: Instant,
    /// When it was.
    pub(super) began: Instant,
    /// When it was acknowledged, or not.
    pub(super) ended: Instant,
    /// The order's id, or why there is none.
    pub(super) order: anyhow::Result<String>,
}

/// How orders are placed. Cheap to clone.
#[derive(Clone)]
pub(super) struct Target {
    /// Over HTTP; else on Kafka.
    pub(super) api: Option<Api>,
    pub(super) publisher: Publisher,
}

/// Places `count` orders; `sender` gets what became of each.
///
/// # Errors
/// The orders cannot be made.
pub(super) async fn send(
    target: Target,
    options: Arc<Options>,
    count: u64,
    sender: mpsc::Sender<Sent>,
) -> anyhow::Result<()> {
    let is_good = options.mix == Mix::Good;
    let mut wishes = Wishes::new(count, options.seed, options.hot_sku, is_good)?;
    let in_flight = Arc::new(Semaphore::new(options.in_flight as usize));
    let pace = Pace::new(options.rate);
    for number in 0..count {
        let wish = wishes.next()?;
        let due = pace.due(number);
        pace.wait_for(number).await;
        let permit = Arc::clone(&in_flight).acquire_owned().await.context("the limit is gone")?;
        let (target, sender) = (target.clone(), sender.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let placed = target.place(&wish).await;
            let ended = Instant::now();
            drop(permit);
            let order =
                placed.as_ref().map(Clone::clone).map_err(|error| anyhow::anyhow!("{error:#}"));
            // Nobody listens any more after an interruption.
            let _ = sender.send(Sent { due, began, ended, order }).await;
            if let Ok(order_id) = placed
                && wish.is_cancelled
            {
                target.cancel(&order_id).await;
            }
        });
    }
    Ok(())
}

impl Target {
    /// Out: the order's id.
    async fn place(&self, wish: &Wish) -> anyhow::Result<String> {
        let order_id = orders::new_order_id()?;
        let Some(api) = &self.api else {
            orders::say(&self.publisher, wish, &order_id).await?;
            return Ok(order_id.to_string());
        };
        let mut body = serde_json::to_value(wish.order(order_id))?;
        if let serde_json::Value::Object(fields) = &mut body {
            fields.remove("order_id");
        }
        let deadline = Instant::now() + ACKNOWLEDGED_MAX;
        let accepted = api.place(&body, HeaderMap::new(), deadline).await;
        Ok(accepted.map_err(Refusal::into_error)?.order_id)
    }

    async fn cancel(&self, order_id: &str) {
        let Ok(order_id) = order_id.parse() else { return };
        if let Err(error) = orders::cancel(&self.publisher, &order_id, None).await {
            tracing::warn!("{error:#}");
        }
    }
}
