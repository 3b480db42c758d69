//! What order-svc knows of each order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use choreography::service::Trace;
use serde::{Deserialize, Serialize};
use shared_events::amounts::Timestamp;
use shared_events::ids::{EventId, OrderId, SellerId};
use shared_events::orders::{CancellationReason, LINES_MAX, OrderPlaced};

/// The orders: in the service those that a batch names, in a test all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderBook {
    /// How long the services may take to answer.
    pub deadline: Duration,
    /// The orders that anything was heard of.
    pub orders: BTreeMap<OrderId, Order>,
    stored: Stored,
}

/// A copy of what the database holds. It is not a part of the state: two states with the same
/// content are equal, however they came to be.
#[derive(Clone, Debug, Default)]
struct Stored(BTreeMap<OrderId, Order>);

impl PartialEq for Stored {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What is known of one order. It is kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What is known since its OrderPlaced was heard. Other events may come before that.
    pub placed: Option<Placed>,
    /// The words of the first request to cancel it.
    pub request: Option<String>,
    /// When the goods were delivered.
    pub delivered_at: Option<Timestamp>,
    /// The answers, by who answers and what. Of an order that is known only those to the
    /// OrderPlaced that counts.
    pub answers: Vec<Answer>,
}

/// The OrderPlaced that counts, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Its id: what an answer must have as its cause.
    pub id: EventId,
    /// When it was heard.
    pub at: Timestamp,
    /// The sellers who have to answer.
    pub sellers: BTreeSet<SellerId>,
    /// How far the order is.
    pub status: Status,
    /// The event as it is kept for readers. No decision reads it, so it is not loaded again.
    #[serde(skip)]
    pub body: Option<OrderPlaced>,
}

/// How far an order is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not all have answered.
    Placed,
    /// All have agreed.
    Confirmed {
        /// When.
        at: Timestamp,
    },
    /// It will not be carried out.
    Cancelled {
        /// When.
        at: Timestamp,
        /// Why; at least one.
        reasons: Vec<CancellationReason>,
    },
    /// The goods have arrived.
    Completed {
        /// When all had agreed.
        confirmed_at: Timestamp,
    },
}

/// One answer to an OrderPlaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its id.
    pub id: EventId,
    /// The OrderPlaced that it answers.
    pub cause: EventId,
    /// Who answers.
    pub by: Answerer,
    /// When it was heard.
    pub at: Timestamp,
    /// For a refusal why.
    pub refusal: Option<CancellationReason>,
    /// Where it was sent, for the span of the confirmation that rests on it.
    pub trace: Trace,
}

/// Who has to answer an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answerer {
    /// inventory-svc.
    Inventory,
    /// logistics-svc.
    Logistics,
    /// seller-svc, for this seller.
    Seller(SellerId),
}

/// The most answers that are kept for an order that is not known yet. Each service answers one
/// OrderPlaced of an order, so there are at most half as many.
const EARLY_ANSWERS_MAX: usize = 2 * (LINES_MAX + 2);

impl OrderBook {
    /// No orders yet.
    #[must_use]
    pub fn empty(deadline: Duration) -> Self {
        Self { deadline, ..Self::default() }
    }

    /// The orders as the database holds them.
    #[must_use]
    pub fn stored(deadline: Duration, orders: BTreeMap<OrderId, Order>) -> Self {
        Self { deadline, orders: orders.clone(), stored: Stored(orders) }
    }

    /// Where the answers to an order were sent.
    pub fn traces_of_answers(&self, order: &OrderId) -> Vec<Trace> {
        let answers = self.orders.get(order).map_or(&[][..], |order| &order.answers);
        answers.iter().map(|answer| answer.trace.clone()).collect()
    }

    /// The orders that are not as the database holds them.
    pub fn changed(&self) -> Vec<(&OrderId, &Order)> {
        self.orders.iter().filter(|(id, order)| self.stored.0.get(id) != Some(order)).collect()
    }
}

impl Order {
    /// Takes this OrderPlaced as the one that counts. Answers to others are forgotten.
    pub fn place(&mut self, id: EventId, event: &OrderPlaced, at: Timestamp) {
        let mut body = event.clone();
        body.lines.truncate(LINES_MAX);
        let sellers = body.lines.iter().map(|line| line.seller_id.clone()).collect();
        self.placed = Some(Placed { id, at, sellers, status: Status::Placed, body: Some(body) });
        for answer in std::mem::take(&mut self.answers) {
            // Nobody waits for the word on what was kept in case it would count.
            let _ = self.note(answer);
        }
    }

    /// Keeps an answer if it counts, or may count once the order is known. Each answerer counts
    /// once.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn note(&mut self, answer: Answer) -> Result<(), &'static str> {
        match &self.placed {
            Some(placed) if placed.id != answer.cause => {
                return Err("it answers another OrderPlaced than the one that counts");
            }
            Some(placed) if !placed.asks(&answer.by) => return Err("this seller was not asked"),
            None if EARLY_ANSWERS_MAX <= self.answers.len() => {
                return Err("too many answers came before the order");
            }
            Some(_) | None => {}
        }
        let key = (&answer.by, answer.cause);
        match self.answers.binary_search_by(|kept| (&kept.by, kept.cause).cmp(&key)) {
            Ok(_) => Err("whoever says it has answered before"),
            Err(place) => {
                self.answers.insert(place, answer);
                Ok(())
            }
        }
    }

    /// Who has to answer and has not.
    pub fn missing(&self) -> Vec<Answerer> {
        let Some(placed) = &self.placed else { return vec![] };
        let mut all = vec![Answerer::Inventory, Answerer::Logistics];
        all.extend(placed.sellers.iter().cloned().map(Answerer::Seller));
        all.retain(|by| self.answers.binary_search_by(|answer| answer.by.cmp(by)).is_err());
        all
    }
}

impl Placed {
    fn asks(&self, answerer: &Answerer) -> bool {
        match answerer {
            Answerer::Inventory | Answerer::Logistics => true,
            Answerer::Seller(seller) => self.sellers.contains(seller),
        }
    }
}

impl Status {
    /// Its name for readers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Confirmed { .. } => "confirmed",
            Self::Cancelled { .. } => "cancelled",
            Self::Completed { .. } => "completed",
        }
    }
}
