//! What the records say about one order.

use std::collections::BTreeMap;

use serde::Serialize;
use shared_events::amounts::Timestamp;
use shared_events::bundled;
use shared_events::codec::{self, writer_id};
use shared_events::event::Event;
use shared_events::headers::{AnswerCount, RawHeaders, Received};
use shared_events::identity;
use shared_events::ids::EventId;
use shared_events::orders::OrderConfirmed;
use shared_events::topics::{DEAD_LETTERS_END, REPLAYS_END};

use choreography::dead_letter::Death;

/// A record as it stands on a topic.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Where.
    pub place: Place,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: RawHeaders,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// Where a record stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// When the broker appended it, in milliseconds since 1970.
    pub appended_ms: i64,
}

/// An event of the order, with all its copies.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its identity.
    pub id: EventId,
    /// Its name; empty if it says none.
    pub name: String,
    /// Who says it.
    pub source: Option<String>,
    /// When, by the speaker's clock.
    pub said: Option<Timestamp>,
    /// The event that it answers.
    pub cause: Option<EventId>,
    /// Which of how many answers to that one it is.
    pub answers: Option<AnswerCount>,
    /// The answers that it lists as what it rests on.
    pub rests_on: Vec<EventId>,
    /// Where it was appended first.
    pub place: Place,
    /// Where it was appended again.
    pub copies: Vec<Place>,
}

/// A dead letter, or the replay of one.
#[derive(Clone, Debug)]
pub struct Dead {
    /// What it says.
    pub death: Death,
    /// Where this record stands.
    pub place: Place,
}

/// All that is known about one order.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Its events.
    pub events: BTreeMap<EventId, Told>,
    /// Its dead letters.
    pub letters: Vec<Dead>,
    /// Their replays.
    pub replays: Vec<Dead>,
}

impl Story {
    /// Takes a record, if it is about `order`: by its correlation, without one by its key. Taking it
    /// again changes nothing. Out: whether it is.
    pub fn take(&mut self, order: &str, record: &Record) -> bool {
        let received = Received::read(&record.headers);
        let is_about = match received.correlation {
            Some(correlation) => correlation == order,
            None => record.key.as_deref() == Some(order.as_bytes()),
        };
        if !is_about {
            return false;
        }
        match &record.place.topic {
            topic if topic.ends_with(DEAD_LETTERS_END) => Dead::add(record, &mut self.letters),
            topic if topic.ends_with(REPLAYS_END) => Dead::add(record, &mut self.replays),
            _ => self.tell(&received, record),
        }
        true
    }

    fn tell(&mut self, received: &Received<'_>, record: &Record) {
        let place = &record.place;
        let id = identity::of_event(received.id, received.source, &place.as_identity());
        let Some(told) = self.events.get_mut(&id) else {
            self.events.insert(id, Told::read(id, received, record));
            return;
        };
        if told.place == *place || told.copies.contains(place) {
            return;
        }
        let earlier = place.appended_ms < told.place.appended_ms;
        let copy =
            if earlier { std::mem::replace(&mut told.place, place.clone()) } else { place.clone() };
        told.copies.push(copy);
    }

    /// When the latest of its records was appended, in milliseconds since 1970.
    #[must_use]
    pub fn latest_ms(&self) -> Option<i64> {
        let events = self.events.values().map(|told| &told.place);
        let dead = self.letters.iter().chain(&self.replays).map(|dead| &dead.place);
        events.chain(dead).map(|place| place.appended_ms).max()
    }

    /// The earliest event of this name.
    #[must_use]
    pub fn first<E: Event>(&self) -> Option<&Told> {
        let named = self.events.values().filter(|told| told.name == E::NAME);
        named.min_by_key(|told| told.place.appended_ms)
    }

    /// What `group` has answered to this event, in the order in which it was said.
    pub(crate) fn answers(&self, event: EventId, group: &str) -> Vec<&Told> {
        let is_by = |told: &&Told| told.source.as_deref().map(service_of) == Some(group);
        let answers = |told: &&Told| told.cause == Some(event) || told.rests_on.contains(&event);
        let mut all: Vec<_> = self.events.values().filter(is_by).filter(answers).collect();
        all.sort_by_key(|told| (told.place.appended_ms, told.place.offset));
        all
    }
}

/// `ce_source` is the service with a slash before it.
fn service_of(source: &str) -> &str {
    source.strip_prefix('/').unwrap_or(source)
}

impl Place {
    fn as_identity(&self) -> identity::Place<'_> {
        let Self { topic, partition, offset, appended_ms } = self;
        let append_time = Timestamp(*appended_ms);
        identity::Place { topic, partition: *partition, offset: *offset, append_time }
    }
}

impl Told {
    fn read(id: EventId, received: &Received<'_>, record: &Record) -> Self {
        let value = record.value.as_deref().unwrap_or_default();
        let by_schema = || writer_id(value).ok().and_then(bundled::name);
        let name = received.name.or_else(by_schema).unwrap_or_default().to_owned();
        Self {
            id,
            rests_on: if name == OrderConfirmed::NAME { listed(value) } else { vec![] },
            name,
            source: received.source.map(str::to_owned),
            said: received.time,
            cause: received.causation,
            answers: received.answers,
            place: record.place.clone(),
            copies: vec![],
        }
    }
}

/// A confirmation answers all that it rests on.
fn listed(value: &[u8]) -> Vec<EventId> {
    codec::decode::<OrderConfirmed>(value).map(|confirmed| confirmed.answers).unwrap_or_default()
}

impl Dead {
    fn add(record: &Record, all: &mut Vec<Self>) {
        if all.iter().all(|dead| dead.place != record.place) {
            // What does not say so is somebody else's record, and no letter of ours.
            let death = Death::read(&record.headers).ok();
            all.extend(death.map(|death| Self { death, place: record.place.clone() }));
        }
    }

    /// Whether it is of this event: by identity, or by where one of its copies stands, as what cannot
    /// be decoded has an identity of its own.
    pub(crate) fn is_of(&self, told: &Told) -> bool {
        let death = &self.death;
        let stands = |place: &Place| {
            (place.topic.as_str(), place.partition, place.offset)
                == (death.topic.as_str(), death.partition, death.offset)
        };
        death.id == told.id || stands(&told.place) || told.copies.iter().any(stands)
    }
}
