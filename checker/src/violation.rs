//! What is not as it has to be: which invariant, of which order, by which event, and which layer has
//! lost or doubled it.

use std::fmt;

use serde::Serialize;
use shared_events::ids::EventId;

use crate::record::Record;
use crate::service::Service;

/// What has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// An order that was acknowledged is on the topic, once as an event.
    NoOrderLost,
    /// Nothing is said or handled that has no cause.
    NothingInvented,
    /// An order ends, in time, and as it has to.
    OrdersEnd,
    /// Each answer that is due is there.
    NoAnswerMissing,
    /// One answer of each kind for an order.
    EffectOnce,
    /// The rows of the services fit to what the topics say.
    ServicesAgree,
    /// The pieces of each SKU add up.
    PiecesAddUp,
    /// Records with one id have the same value and the same headers.
    CopiesEqual,
    /// A service's answers about an order are numbered 1, 2, 3, … on one partition.
    InOrder,
    /// What a group has taken is handled or dead.
    NothingSkipped,
    /// What is set aside is on a topic of dead letters; in a test, only what is expected.
    DeadLettersKept,
    /// Nothing is owed for long, and no group is behind for long.
    NothingLeft,
    /// All that is said about an order is in one trace.
    OneTrace,
}

impl Invariant {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NoOrderLost => "no order is lost",
            Self::NothingInvented => "nothing is invented",
            Self::OrdersEnd => "orders end as they have to",
            Self::NoAnswerMissing => "no answer is missing",
            Self::EffectOnce => "an effect happens once",
            Self::ServicesAgree => "services agree",
            Self::PiecesAddUp => "pieces add up",
            Self::CopiesEqual => "copies are equal",
            Self::InOrder => "answers are in order",
            Self::NothingSkipped => "nothing is skipped",
            Self::DeadLettersKept => "dead letters are kept",
            Self::NothingLeft => "nothing is left",
            Self::OneTrace => "one trace",
        }
    }
}

/// Where it was lost or doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Between the client that was answered and the topic: its producer, or the broker.
    Producing,
    /// The group's committed offset has passed it, and the service has not handled it.
    Hearing,
    /// The service has not taken it yet.
    Behind,
    /// It was handled, and another thing or nothing was decided than had to be.
    Deciding,
    /// A row of the service's own tables is gone or other than decided.
    Keeping,
    /// It was decided, and stands neither in `owed` nor, as it has to, on the topic.
    Saying,
    /// It stands in `owed`.
    Waiting,
    /// It stands in `timers`, and is due.
    Timing,
    /// Hearing, deciding or saying: only the service's database can tell.
    Unknown,
}

impl Layer {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Producing => "producing, or the broker",
            Self::Hearing => "hearing",
            Self::Behind => "behind",
            Self::Deciding => "deciding",
            Self::Keeping => "keeping",
            Self::Saying => "saying",
            Self::Waiting => "waiting in owed",
            Self::Timing => "timing",
            Self::Unknown => "hearing, deciding or saying: the database would tell",
        }
    }
}

/// An event, by its name and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRef {
    /// Its name, if it is known.
    pub name: Option<String>,
    /// Its id.
    pub id: EventId,
}

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl Place {
    /// Where `record` stands.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let Record { topic, partition, offset, .. } = record;
        Self { topic: topic.clone(), partition: *partition, offset: *offset }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset } = self;
        write!(f, "{topic}/{partition}@{offset}")
    }
}

/// One difference between what there is and what there has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What has to hold.
    pub invariant: Invariant,
    /// Where it was lost or doubled.
    pub layer: Layer,
    /// By which service, if by one.
    pub service: Option<Service>,
    /// Of which order, if of one.
    pub order: Option<String>,
    /// By which event it shows.
    pub event: Option<EventRef>,
    /// Where that event stands.
    pub place: Option<Place>,
    /// What is wrong, as a part of a sentence.
    pub what: String,
}

impl Violation {
    /// A violation of `invariant` in `layer`.
    #[must_use]
    pub fn new(invariant: Invariant, layer: Layer, what: impl Into<String>) -> Self {
        let (service, order, event, place) = (None, None, None, None);
        Self { invariant, layer, service, order, event, place, what: what.into() }
    }

    /// It is this service's.
    #[must_use]
    pub fn by(self, service: Service) -> Self {
        Self { service: Some(service), ..self }
    }

    /// It is this order's.
    #[must_use]
    pub fn of(self, order: &str) -> Self {
        Self { order: Some(order.to_owned()), ..self }
    }

    /// It shows at this record.
    #[must_use]
    pub fn at(self, record: &Record) -> Self {
        let event = EventRef { name: record.name.clone(), id: record.id };
        Self { event: Some(event), place: Some(Place::of(record)), ..self }
    }

    /// It shows at an event whose record is nowhere.
    #[must_use]
    pub fn about(self, id: EventId) -> Self {
        Self { event: Some(EventRef { name: None, id }), ..self }
    }

    /// Which layer, and of which service.
    #[must_use]
    pub fn layer_text(&self) -> String {
        let layer = self.layer.text();
        self.service
            .map_or_else(|| layer.to_owned(), |service| format!("{}: {layer}", service.name()))
    }
}

impl fmt::Display for Violation {
    /// A sentence without its dot, and the layer in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(order) = &self.order {
            write!(f, "order {order}: ")?;
        }
        if let Some(EventRef { name, id }) = &self.event {
            write!(f, "{} {id}", name.as_deref().unwrap_or("the event"))?;
            if let Some(place) = &self.place {
                write!(f, " at {place}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} [{}]", self.what, self.layer_text())
    }
}
