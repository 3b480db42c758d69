//! What stands on the topics.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::event::Event;

use crate::record::Record;

/// Records of several topics, by topic, partition and offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log(pub Vec<Record>);

impl Log {
    /// Records in any order.
    #[must_use]
    pub fn of(mut records: Vec<Record>) -> Self {
        records.sort_by(|a, b| {
            (&a.topic, a.partition, a.offset).cmp(&(&b.topic, b.partition, b.offset))
        });
        Self(records)
    }

    /// The records of one topic.
    pub fn on<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a Record> {
        self.0.iter().filter(move |record| record.topic == topic)
    }

    /// All records that hold an event, copies included.
    pub fn events_of_all(&self) -> impl Iterator<Item = &Record> {
        self.0.iter().filter(|record| record.is_event)
    }

    /// All events of one kind, each at its first occurrence.
    pub fn events<E: Event>(&self) -> impl Iterator<Item = (&Record, E)> {
        let mut seen = BTreeSet::new();
        let events = self.on(E::TOPIC).filter_map(|record| Some((record, record.event::<E>()?)));
        events.filter(move |(record, _)| seen.insert(record.id))
    }

    /// How many events of one kind there are of each key.
    #[must_use]
    pub fn count<E: Event>(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, event) in self.events::<E>() {
            *counts.entry(event.key().to_owned()).or_default() += 1;
        }
        counts
    }
}
