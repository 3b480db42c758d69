//! What one service has still to hear.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use shared_events::ids::EventId;

use crate::events::Record;
use crate::parties::Party;

/// Records that are heard in the order in which they were said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What one service says about one key, which is given as a hash.
    Of(Party, u64),
    /// One record alone: other producers may put records of one order on any partition.
    Alone(EventId),
}

impl Stream {
    /// The stream that a record belongs to.
    pub fn of(record: &Record) -> Self {
        let Some(speaker) = record.speaker else { return Self::Alone(record.id) };
        let mut hasher = DefaultHasher::new();
        record.key().hash(&mut hasher);
        Self::Of(speaker, hasher.finish())
    }
}

/// What one service has still to hear, and what it must not hear again.
#[derive(Clone, Default)]
pub struct Mailbox {
    /// What is in the log and neither heard nor set aside. No stream is empty.
    pub streams: BTreeMap<Stream, VecDeque<Rc<Record>>>,
    /// What was set aside as a dead letter, and whether it is a timer.
    pub set_aside: BTreeMap<EventId, Rc<Record>>,
    /// The timers that the service has set and that have not fired.
    pub timers: BTreeMap<EventId, Timer>,
    /// What was heard or set aside: the runtime drops copies of it.
    pub handled: BTreeSet<EventId>,
}

/// An event that a service gives to itself. It may be due at once, as its time may be as short as
/// one likes; a longer time is the same as to fire later.
#[derive(Clone)]
pub struct Timer {
    /// The event.
    pub record: Rc<Record>,
    /// What was in the log when it was due, and is still to be heard before it may fire.
    pub awaits: BTreeSet<EventId>,
}

impl Mailbox {
    /// A record was added to the log.
    pub fn add(&mut self, stream: Stream, record: Rc<Record>) {
        self.streams.entry(stream).or_default().push_back(record);
    }

    /// Takes the first record of a stream: it will be heard or set aside.
    pub fn take(&mut self, stream: Stream) -> Rc<Record> {
        let records = self.streams.get_mut(&stream).expect("a step names a stream that is there");
        let record = records.pop_front().expect("no stream is empty");
        if records.is_empty() {
            self.streams.remove(&stream);
        }
        for timer in self.timers.values_mut() {
            timer.awaits.remove(&record.id);
        }
        self.handled.insert(record.id);
        record
    }

    /// Sets a timer, which is due at once: all that is in the log now is heard before it fires.
    pub fn set(&mut self, record: Rc<Record>) {
        let awaits = self.streams.values().flatten().map(|record| record.id).collect();
        self.timers.insert(record.id, Timer { record, awaits });
    }

    /// Adds to `hasher` all that the steps to come depend on.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        for (stream, records) in &self.streams {
            stream.hash(hasher);
            for record in records {
                record.fingerprint.hash(hasher);
            }
        }
        for record in self.set_aside.values() {
            ("aside", record.fingerprint).hash(hasher);
        }
        for timer in self.timers.values() {
            (timer.record.fingerprint, &timer.awaits).hash(hasher);
        }
    }
}
