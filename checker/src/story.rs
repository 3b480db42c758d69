//! What the topics tell of each order.

use std::collections::BTreeMap;

use shared_events::event::Event;
use shared_events::ids::EventId;
use shared_events::inventory::StockReserved;
use shared_events::logistics::ShipmentPlanned;
use shared_events::orders::{
    CancellationReason, OrderCancelled, OrderCompleted, OrderConfirmed, OrderPlaced,
};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};

use crate::record::Record;

/// The story of one order; each event counts once, however often it stands there.
#[derive(Debug, Default)]
pub(crate) struct Story<'a> {
    /// The first OrderPlaced, and its record.
    pub(crate) placed: Option<(&'a Record, OrderPlaced)>,
    /// The records of all its events, each at its first occurrence.
    events: BTreeMap<&'a str, Vec<&'a Record>>,
    pub(crate) reasons: Vec<CancellationReason>,
    /// The answers that the confirmation names.
    pub(crate) rests_on: Vec<EventId>,
    /// The answers that agree with the order.
    pub(crate) agreed: Vec<EventId>,
    /// The sellers of SellerNotified, sorted; and so on.
    pub(crate) notified: Vec<String>,
    pub(crate) declined: Vec<String>,
    pub(crate) called_off: Vec<String>,
}

impl<'a> Story<'a> {
    /// The events of one kind.
    pub(crate) fn all<E: Event>(&self) -> &[&'a Record] {
        self.named(E::NAME)
    }

    /// The events of this name.
    pub(crate) fn named(&self, name: &str) -> &[&'a Record] {
        self.events.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn count<E: Event>(&self) -> usize {
        self.all::<E>().len()
    }

    pub(crate) fn first<E: Event>(&self) -> Option<&'a Record> {
        self.all::<E>().first().copied()
    }

    /// All its events.
    pub(crate) fn records(&self) -> impl Iterator<Item = &'a Record> {
        self.events.values().flatten().copied()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        0 < self.count::<OrderCancelled>()
    }

    /// Whether nothing more has to come but what answers its last events.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_cancelled() || 0 < self.count::<OrderCompleted>()
    }

    fn add(&mut self, record: &'a Record) {
        let Some(name) = record.name.as_deref().filter(|_| record.is_on_its_topic()) else {
            return;
        };
        self.events.entry(name).or_default().push(record);
        if let Some(placed) = record.event::<OrderPlaced>() {
            self.placed.get_or_insert((record, placed));
        } else if let Some(cancelled) = record.event::<OrderCancelled>() {
            self.reasons.extend(cancelled.reasons);
        } else if let Some(confirmed) = record.event::<OrderConfirmed>() {
            self.rests_on.extend(confirmed.answers);
        } else if let Some(notified) = record.event::<SellerNotified>() {
            self.notified.push(notified.seller_id.to_string());
        } else if let Some(declined) = record.event::<SellerDeclined>() {
            self.declined.push(declined.seller_id.to_string());
        } else if let Some(told) = record.event::<SellerCancellationNotified>() {
            self.called_off.push(told.seller_id.to_string());
        }
        if [StockReserved::NAME, ShipmentPlanned::NAME, SellerNotified::NAME].contains(&name) {
            self.agreed.push(record.id);
        }
    }
}

/// The stories of all orders, by their ids, of events that are there once each.
pub(crate) fn tell<'a>(once: &[&'a Record]) -> BTreeMap<String, Story<'a>> {
    let mut stories: BTreeMap<String, Story<'a>> = BTreeMap::new();
    let of_orders = |record: &&&Record| record.topic != shared_events::topics::DELIVERIES;
    for record in once.iter().filter(of_orders) {
        stories.entry(record.key_text()).or_default().add(record);
    }
    for story in stories.values_mut() {
        story.notified.sort();
        story.declined.sort();
        story.called_off.sort();
        story.agreed.sort();
        story.rests_on.sort();
    }
    stories
}
