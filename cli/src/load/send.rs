//! Placing the orders: each at its time, whatever became of those before it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use checker::journal::{Answer, Entry};
use choreography::clock;
use choreography::publish::Publisher;
use reqwest::header::HeaderMap;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::options::{Mix, Options};
use crate::http::Api;
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
    /// What it was answered.
    pub(super) entry: Entry,
}

/// What an order was answered.
struct Placed {
    order_id: Option<String>,
    answer: Answer,
    why: Option<anyhow::Error>,
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
            let (began, sent_ms) = (Instant::now(), clock::now().0);
            let placed = target.place(&wish).await;
            let ended = Instant::now();
            drop(permit);
            let cancelled = placed.order_id.clone().filter(|_| wish.is_cancelled);
            let is_there = placed.answer == Answer::Acknowledged;
            let entry =
                placed.entry(sent_ms - ms(began - due), sent_ms, sent_ms + ms(ended - began));
            // Nobody listens any more after an interruption.
            let _ = sender.send(Sent { due, began, ended, entry }).await;
            if let Some(order_id) = cancelled.filter(|_| is_there) {
                target.cancel(&order_id).await;
            }
        });
    }
    Ok(())
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Placed {
    fn acknowledged(order_id: String) -> Self {
        Self { order_id: Some(order_id), answer: Answer::Acknowledged, why: None }
    }

    /// Nothing was sent.
    fn not_sent(why: anyhow::Error) -> Self {
        Self { order_id: None, answer: Answer::Refused, why: Some(why) }
    }

    fn entry(self, intended_ms: i64, sent_ms: i64, answered_ms: i64) -> Entry {
        let Self { order_id, answer, why } = self;
        let why = why.map(|why| format!("{why:#}"));
        let known = Entry::acknowledged("", sent_ms);
        Entry { order_id, intended_ms, answered_ms, answer, why, ..known }
    }
}

impl Target {
    async fn place(&self, wish: &Wish) -> Placed {
        let order_id = match orders::new_order_id() {
            Ok(order_id) => order_id,
            Err(error) => return Placed::not_sent(error),
        };
        let Some(api) = &self.api else {
            let said = orders::say(&self.publisher, wish, &order_id).await;
            let order_id = order_id.to_string();
            // A producer that gives up does not know whether the broker has it.
            return match said {
                Ok(_) => Placed::acknowledged(order_id),
                Err(why) => {
                    Placed { order_id: Some(order_id), answer: Answer::Unknown, why: Some(why) }
                }
            };
        };
        let mut body = match serde_json::to_value(wish.order(order_id)) {
            Ok(body) => body,
            Err(error) => return Placed::not_sent(error.into()),
        };
        if let serde_json::Value::Object(fields) = &mut body {
            fields.remove("order_id");
        }
        let deadline = Instant::now() + ACKNOWLEDGED_MAX;
        match api.place(&body, HeaderMap::new(), deadline).await {
            Ok(accepted) => Placed::acknowledged(accepted.order_id),
            Err(refusal) => {
                let answer = if refusal.is_open() { Answer::Unknown } else { Answer::Refused };
                let order_id = refusal.order_id().map(str::to_owned);
                Placed { order_id, answer, why: Some(refusal.into_error()) }
            }
        }
    }

    async fn cancel(&self, order_id: &str) {
        let Ok(order_id) = order_id.parse() else { return };
        if let Err(error) = orders::cancel(&self.publisher, &order_id, None).await {
            tracing::warn!("{error:#}");
        }
    }
}
