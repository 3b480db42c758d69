//! What was said about each order, and what is still missing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use choreography::manifest::{Answers, Manifest};
use shared_events::event::Event;
use shared_events::headers::AnswerCount;
use shared_events::inventory::{StockReleased, StockReserved};
use shared_events::logistics::{ShipmentCancelled, ShipmentPlanned};
use shared_events::orders::{OrderCancelled, OrderCompleted, OrderConfirmed, OrderPlaced};
use shared_events::sellers::{SellerCancellationNotified, SellerNotified};

use crate::about::About;

/// One event as it stands on a topic.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The id of its order.
    pub(super) order: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) speaker: String,
    /// The id of the event that it answers.
    pub(super) cause: Option<String>,
    pub(super) answers: Option<AnswerCount>,
    /// When it was said, in milliseconds since 1970.
    pub(super) at_ms: i64,
    pub(super) trace_id: Option<[u8; 16]>,
    pub(super) about: About,
    /// How much its record takes on the broker.
    pub(super) bytes: usize,
}

/// An event that a service could not handle.
pub(super) struct DeadLetter {
    /// The id of its order.
    pub(super) order: String,
    /// Its name.
    pub(super) event: String,
    /// Who could not handle it.
    pub(super) group: String,
    /// Why.
    pub(super) why: String,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Cancelled,
}

/// All that was said about one order, in the order in which it was read.
#[derive(Default)]
pub(super) struct Order {
    pub(super) events: Vec<Told>,
    dead: Vec<String>,
}

/// All orders.
pub(super) struct Ledger {
    pub(super) manifests: Vec<Manifest>,
    /// By id, which is in the order of their time.
    pub(super) orders: BTreeMap<String, Order>,
    pub(super) dead_letters: usize,
    /// Records with an id that was read before.
    pub(super) repeats: usize,
    seen: HashSet<String>,
    open: BTreeSet<String>,
}

/// What is taken back when an order is cancelled, and what is said then.
const TAKEN_BACK: [(&str, &str); 3] = [
    (StockReserved::NAME, StockReleased::NAME),
    (ShipmentPlanned::NAME, ShipmentCancelled::NAME),
    (SellerNotified::NAME, SellerCancellationNotified::NAME),
];

impl Ledger {
    /// Nothing was said yet. `manifests` tell what may be expected of whom.
    pub(super) fn new(manifests: Vec<Manifest>) -> Self {
        Self {
            manifests,
            orders: BTreeMap::new(),
            dead_letters: 0,
            repeats: 0,
            seen: HashSet::new(),
            open: BTreeSet::new(),
        }
    }

    /// Takes down an event.
    pub(super) fn told(&mut self, told: Told) {
        if !self.seen.insert(told.id.clone()) {
            self.repeats += 1;
            tracing::info!(event.name = told.name, order.id = told.order, "said again");
            return;
        }
        let id = told.order.clone();
        let order = self.orders.entry(id.clone()).or_default();
        order.events.push(told);
        if order.missing(&self.manifests).is_empty() {
            self.open.remove(&id);
        } else {
            self.open.insert(id);
        }
    }

    /// Takes down a dead letter. Its order stays open.
    pub(super) fn dead(&mut self, dead: DeadLetter) {
        let DeadLetter { order, event, group, why } = dead;
        self.dead_letters += 1;
        self.open.insert(order.clone());
        self.orders
            .entry(order)
            .or_default()
            .dead
            .push(format!("{group} could not handle {event}: {why}"));
    }

    /// How many orders have been placed, as far as was read.
    pub(super) fn placed(&self) -> usize {
        self.orders.values().filter(|order| order.find(OrderPlaced::NAME).is_some()).count()
    }

    /// Whether so many orders were placed and nothing is missing.
    pub(super) fn all_ended(&self, placed: usize) -> bool {
        self.open.is_empty() && placed <= self.orders.len()
    }

    /// The orders of which something is missing, and what.
    pub(super) fn open(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.open.iter().map(|id| {
            let missing = self.orders.get(id).map(|order| order.missing(&self.manifests));
            (id.as_str(), missing.unwrap_or_default())
        })
    }

    /// How many orders ended so.
    pub(super) fn ended(&self, end: End) -> usize {
        self.orders.values().filter(|order| order.end() == Some(end)).count()
    }
}

impl Order {
    /// The event of this name, if it was said.
    pub(super) fn find(&self, name: &str) -> Option<&Told> {
        self.events.iter().find(|told| told.name == name)
    }

    /// How it ended, if it did.
    pub(super) fn end(&self) -> Option<End> {
        self.events.iter().find_map(|told| match told.name.as_str() {
            OrderCompleted::NAME => Some(End::Completed),
            OrderCancelled::NAME => Some(End::Cancelled),
            _ => None,
        })
    }

    /// How long after it was placed an event of one of these names was said, in milliseconds.
    pub(super) fn ms_until(&self, names: &[&str]) -> Option<i64> {
        let said = names.iter().find_map(|name| self.find(name))?;
        Some(said.at_ms - self.find(OrderPlaced::NAME)?.at_ms)
    }

    /// How long after it was placed it was decided, in milliseconds.
    pub(super) fn ms_until_decided(&self) -> Option<i64> {
        self.ms_until(&[OrderConfirmed::NAME, OrderCancelled::NAME])
    }

    /// How much the broker keeps about it on the topic with the most of it.
    pub(super) fn bytes_on_a_topic(&self) -> usize {
        let mut bytes = BTreeMap::<&str, usize>::new();
        for told in &self.events {
            *bytes.entry(told.topic.as_str()).or_default() += told.bytes;
        }
        bytes.into_values().max().unwrap_or_default()
    }

    /// What has to be said yet: the answers that the services always give, the end, and what takes
    /// back what they hold.
    fn missing(&self, manifests: &[Manifest]) -> Vec<String> {
        let mut missing = self.dead.clone();
        for told in &self.events {
            missing.extend(manifests.iter().filter_map(|manifest| self.unanswered(told, manifest)));
        }
        let count = |name: &str| self.events.iter().filter(|told| told.name == name).count();
        match self.end() {
            None => missing.push("neither OrderCompleted nor OrderCancelled".to_owned()),
            Some(End::Completed) => {}
            Some(End::Cancelled) => {
                let due = TAKEN_BACK.iter().filter(|(held, back)| count(back) < count(held));
                missing.extend(due.map(|(held, back)| format!("{back} after {held}")));
            }
        }
        missing
    }

    /// Whether a service that always answers such an event has not done so, or only in part.
    fn unanswered(&self, told: &Told, manifest: &Manifest) -> Option<String> {
        let hearing = manifest.hearing(&told.topic, &told.name)?;
        match hearing.answers {
            // The orders of the demo have lines, so each has a seller.
            Answers::Always | Answers::Each => {}
            Answers::Sometimes | Answers::Never => return None,
        }
        let answers = self.events.iter().filter(|answer| {
            answer.cause.as_deref() == Some(&told.id) && answer.speaker == manifest.service
        });
        // What a timer brings has the same cause and no count.
        let counts: Vec<AnswerCount> = answers.filter_map(|answer| answer.answers).collect();
        let (given, total) = (counts.len(), counts.first().map_or(1, |count| count.total as usize));
        let what = format!("{given} of {total} answers of {} to {}", manifest.service, told.name);
        (given < total).then_some(what)
    }
}
