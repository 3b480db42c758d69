//! What the topics tell of each order.

use std::collections::BTreeMap;

use choreography::Event;
use shared_events::ids::EventId;
use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{
    CancellationReason, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
    OrderPlaced,
};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};

use crate::log::Log;

/// The story of one order; each event counts once, however often it stands there.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// The first OrderPlaced, and its id.
    pub(super) placed: Option<(EventId, OrderPlaced)>,
    /// How many events of each name there are.
    counts: BTreeMap<&'static str, usize>,
    pub(super) reasons: Vec<CancellationReason>,
    /// The answers that the confirmation names.
    pub(super) rests_on: Vec<EventId>,
    /// The answers to the first OrderPlaced that agree with it.
    pub(super) agreed: Vec<EventId>,
    /// The sellers of SellerNotified, sorted; and so on.
    pub(super) notified: Vec<String>,
    pub(super) declined: Vec<String>,
    pub(super) called_off: Vec<String>,
}

impl Story {
    pub(super) fn count<E: Event>(&self) -> usize {
        self.counts.get(E::NAME).copied().unwrap_or_default()
    }
}

/// The stories of all orders, by their ids.
pub(super) fn tell(log: &Log) -> BTreeMap<String, Story> {
    let mut stories = BTreeMap::new();
    for (record, placed) in log.events::<OrderPlaced>() {
        let story = note(&mut stories, &placed);
        story.placed.get_or_insert((record.id, placed));
    }
    for (_, cancelled) in log.events::<OrderCancelled>() {
        note(&mut stories, &cancelled).reasons.extend(cancelled.reasons);
    }
    for (_, confirmed) in log.events::<OrderConfirmed>() {
        note(&mut stories, &confirmed).rests_on.extend(confirmed.answers);
    }
    for (record, notified) in log.events::<SellerNotified>() {
        let story = note(&mut stories, &notified);
        story.notified.push(notified.seller_id.to_string());
        story.agreed.push(record.id);
    }
    for (_, declined) in log.events::<SellerDeclined>() {
        note(&mut stories, &declined).declined.push(declined.seller_id.to_string());
    }
    for (_, told) in log.events::<SellerCancellationNotified>() {
        note(&mut stories, &told).called_off.push(told.seller_id.to_string());
    }
    agreeing::<StockReserved>(log, &mut stories);
    agreeing::<ShipmentPlanned>(log, &mut stories);
    counted::<StockRejected>(log, &mut stories);
    counted::<StockReleased>(log, &mut stories);
    counted::<ShipmentRejected>(log, &mut stories);
    counted::<ShipmentDispatched>(log, &mut stories);
    counted::<ShipmentDelivered>(log, &mut stories);
    counted::<ShipmentCancelled>(log, &mut stories);
    counted::<OrderDeadlinePassed>(log, &mut stories);
    counted::<OrderCompleted>(log, &mut stories);
    for story in stories.values_mut() {
        story.notified.sort();
        story.declined.sort();
        story.called_off.sort();
        story.agreed.sort();
        story.rests_on.sort();
    }
    stories
}

fn note<'s, E: Event>(stories: &'s mut BTreeMap<String, Story>, event: &E) -> &'s mut Story {
    let story = stories.entry(event.key().to_owned()).or_default();
    *story.counts.entry(E::NAME).or_default() += 1;
    story
}

fn counted<E: Event>(log: &Log, stories: &mut BTreeMap<String, Story>) {
    for (_, event) in log.events::<E>() {
        note(stories, &event);
    }
}

fn agreeing<E: Event>(log: &Log, stories: &mut BTreeMap<String, Story>) {
    for (record, event) in log.events::<E>() {
        note(stories, &event).agreed.push(record.id);
    }
}
