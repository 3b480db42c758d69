//! What the services have in their databases, as far as it has to fit to the topics.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use shared_events::amounts::Timestamp;
use shared_events::ids::EventId;

use crate::service::Service;

pub(crate) use read::timers_of;
pub use read::{Rows, Wanted};

/// The state of the services whose databases were looked at; of the others nothing is here.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// order-svc: how far each order is; none before its OrderPlaced was heard.
    pub orders: BTreeMap<String, Option<String>>,
    /// inventory-svc: the pieces of each SKU.
    pub stock: BTreeMap<String, Pieces>,
    /// inventory-svc: what is reserved, by order and SKU.
    pub reservations: BTreeMap<String, BTreeMap<String, i64>>,
    /// inventory-svc: its last word on each order.
    pub last_words: BTreeMap<String, String>,
    /// logistics-svc: the status of each shipment.
    pub shipments: BTreeMap<String, String>,
    /// seller-svc: the status of each notice, and who was notified.
    pub notices: BTreeMap<String, (String, BTreeSet<String>)>,
    /// What the runtime keeps for each service that was looked at.
    pub runtime: BTreeMap<Service, Runtime>,
}

/// The pieces of one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// At first.
    pub initial: i64,
    /// Since.
    pub received: i64,
    /// Free for orders.
    pub available: i64,
    /// Held for orders: the sum of all its reservations, also those of orders that are not looked at.
    pub reserved: i64,
}

/// The runtime's tables.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    /// The ids of events that had their effect, and whether they are dead (1) or were (2).
    pub handled: BTreeMap<EventId, i64>,
    /// The sequence of the last answer about each key.
    pub spoken: BTreeMap<String, i64>,
    /// What is not known to be on Kafka, by id.
    pub owed: BTreeMap<EventId, Owed>,
    /// When each of its timers is due.
    pub timers: BTreeMap<EventId, Timestamp>,
}

/// What is not known to be on Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The event that it answers.
    pub cause: EventId,
    /// Where it will be said.
    pub topic: String,
    /// Since when it is owed.
    pub since: Timestamp,
}

impl Books {
    /// Whether the database of `service` was looked at.
    #[must_use]
    pub fn has(&self, service: Service) -> bool {
        self.runtime.contains_key(&service)
    }
}
