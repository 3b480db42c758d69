//! What the laws need to know of the past of one order.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use shared_events::ids::{EventId, SellerId};
use shared_events::orders::OrderPlaced;

use crate::events::{Event, Record};
use crate::parties::Party;

/// The past of one order.
#[derive(Clone, Default)]
pub struct History {
    /// All that is in the log about it.
    pub log: Vec<Rc<Record>>,
    /// The kinds of events that each service has heard about it.
    pub heard: BTreeSet<(Party, &'static str)>,
    /// The OrderPlaced that each service has heard first.
    pub first_placed: BTreeMap<Party, EventId>,
    /// What was in the log when the order's deadline was due, and not heard when it fired.
    pub overlooked: BTreeSet<EventId>,
}

impl History {
    /// All events of this name, in the order of the log.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Rc<Record>> {
        self.log.iter().filter(move |record| record.name() == name)
    }

    /// Whether an event of this name is in the log.
    pub fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// The OrderPlaced that order-svc keeps, and its id.
    pub fn kept(&self) -> Option<(EventId, &OrderPlaced)> {
        let id = *self.first_placed.get(&Party::Orders)?;
        self.named("OrderPlaced").find_map(|record| match &record.event {
            Event::OrderPlaced(placed) if record.id == id => Some((id, placed)),
            _ => None,
        })
    }

    /// The answers to one event.
    pub fn answers_to(&self, cause: EventId) -> impl Iterator<Item = &Rc<Record>> {
        self.log.iter().filter(move |record| record.cause == Some(cause))
    }

    /// Adds to `hasher` all that the laws can ask. The order of the log is no part of it: laws
    /// about order are checked when something is said.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.log.iter().fold(0, |all, record| all ^ record.fingerprint).hash(hasher);
        (&self.first_placed, &self.heard, &self.overlooked).hash(hasher);
    }
}

/// The sellers of an order, each once.
pub fn sellers(placed: &OrderPlaced) -> BTreeSet<&SellerId> {
    placed.lines.iter().map(|line| &line.seller_id).collect()
}

/// The seller that an event is about.
pub fn seller(event: &Event) -> Option<&SellerId> {
    match event {
        Event::SellerNotified(notified) => Some(&notified.seller_id),
        Event::SellerDeclined(declined) => Some(&declined.seller_id),
        Event::SellerCancellationNotified(told) => Some(&told.seller_id),
        _ => None,
    }
}
