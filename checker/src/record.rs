//! A record, and what its headers and its value tell.

use std::fmt;

use choreography::service::Events;
use shared_events::amounts::Timestamp;
use shared_events::deliveries::StockReceived;
use shared_events::event::Event;
use shared_events::headers::{AnswerCount, RawHeaders, Received};
use shared_events::identity;
use shared_events::ids::EventId;
use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{
    CancellationRequested, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
    OrderPlaced,
};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};
use shared_events::trace_parent::TraceParent;
use shared_events::{bundled, codec};

choreography::events! {
    /// All events of this project.
    pub enum Any {
        OrderPlaced, CancellationRequested, OrderDeadlinePassed, OrderConfirmed, OrderCancelled,
        OrderCompleted, StockReserved, StockRejected, StockReleased, ShipmentPlanned,
        ShipmentRejected, ShipmentDispatched, ShipmentDelivered, ShipmentCancelled, SellerNotified,
        SellerDeclined, SellerCancellationNotified, StockReceived,
    }
}

/// A record as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When the broker appended it.
    pub append_time: Timestamp,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; empty if it has none.
    pub value: Vec<u8>,
    /// Its headers.
    pub headers: RawHeaders,
}

/// A record on a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When the broker appended it.
    pub append_time: Timestamp,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Vec<u8>,
    /// Its headers.
    pub headers: RawHeaders,
    /// The identity of its event, if it has one; of a damaged event see
    /// [`identity::of_damaged`].
    pub id: EventId,
    /// The name of its event: what it says itself, else its schema's.
    pub name: Option<String>,
    /// Whether its value is an event of that name.
    pub is_event: bool,
    /// Who says it.
    pub source: Option<String>,
    /// What it answers.
    pub causation: Option<EventId>,
    /// Which of how many answers it is.
    pub answers: Option<AnswerCount>,
    /// Its number among the answers about its key.
    pub sequence: Option<u64>,
    /// The trace it is in.
    pub trace: Option<TraceParent>,
}

impl Record {
    /// Reads what a record tells. It never fails: what cannot be read is no event.
    #[must_use]
    pub fn read(raw: Raw) -> Self {
        let Raw { topic, partition, offset, append_time, key, value, headers } = raw;
        let received = Received::read(&headers);
        let place = identity::Place { topic: &topic, partition, offset, append_time };
        let id = identity::of_event(received.id, received.source, &place);
        let schema = codec::writer_id(&value).ok().and_then(bundled::name);
        let name = received.name.or(schema).map(str::to_owned);
        // What says one name and is written as another is poison to who hears it.
        let is_one = received.name.is_none() || schema.is_none() || received.name == schema;
        let known = Any::ALL.iter().find(|k| Some(k.name) == name.as_deref() && k.topic == topic);
        let decodes = known.is_some_and(|known| Any::decode(known, &value).is_ok());
        Self {
            id,
            name,
            is_event: decodes && is_one && !received.is_structured(),
            source: received.source.map(str::to_owned),
            causation: received.causation,
            answers: received.answers,
            sequence: received.sequence,
            trace: received.trace_context(),
            topic,
            partition,
            offset,
            append_time,
            key,
            value,
            headers,
        }
    }

    /// The value of a header, as text; the last of several counts.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(header, _)| header == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    /// Its event, if it is an `E`.
    #[must_use]
    pub fn event<E: Event>(&self) -> Option<E> {
        let named = self.topic == E::TOPIC && self.name.as_deref() == Some(E::NAME);
        named.then(|| choreography::decode(&self.value).ok()).flatten()
    }

    /// Its key as text.
    #[must_use]
    pub fn key_text(&self) -> String {
        String::from_utf8_lossy(self.key.as_deref().unwrap_or_default()).into_owned()
    }

    /// Whether events of its name are said on its topic.
    pub(crate) fn is_on_its_topic(&self) -> bool {
        let name = self.name.as_deref();
        Any::ALL.iter().any(|known| Some(known.name) == name && known.topic == self.topic)
    }
}

impl fmt::Display for Record {
    /// What a person needs to find it again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, .. } = self;
        let name = self.name.as_deref().unwrap_or("a record without a name");
        write!(f, "{name} {} at {topic}/{partition}@{offset}", self.id)
    }
}
