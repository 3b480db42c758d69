//! All that stands on the topics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use choreography::service::Events;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shared_events::amounts::Timestamp;
use shared_events::event::Event;
use shared_events::headers::{AnswerCount, RawHeaders, Received};
use shared_events::identity::{self, Place};
use shared_events::ids::EventId;
use shared_events::trace_parent::TraceParent;
use shared_events::{bundled, codec};

use crate::check::Any;
use crate::kafka::{self, Kafka};

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
    /// The value of a header, as text.
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
}

impl fmt::Display for Record {
    /// What a person needs to find it again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, .. } = self;
        let name = self.name.as_deref().unwrap_or("a record without a name");
        write!(f, "{name} {} at {topic}/{partition}@{offset}", self.id)
    }
}

/// All records, by topic, partition and offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log(pub Vec<Record>);

/// Between two records that are there.
const TIMEOUT: Duration = Duration::from_secs(15);

impl Log {
    /// Reads all topics of the services up to their present ends.
    ///
    /// # Panics
    /// Kafka does not give what it has.
    #[must_use]
    pub fn read(kafka: &Kafka) -> Self {
        let topics = kafka::all_topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let mut ends = kafka.ends(&topics);
        ends.retain(|_, (low, high)| low < high);
        let mut starts = TopicPartitionList::new();
        for ((topic, partition), (low, _)) in &ends {
            starts
                .add_partition_offset(topic, *partition, Offset::Offset(*low))
                .expect("an offset");
        }
        let consumer: BaseConsumer = kafka::client(kafka.brokers()).create().expect("a consumer");
        consumer.assign(&starts).expect("assigned");
        let mut left: i64 = ends.values().map(|(low, high)| high - low).sum();
        let mut records = vec![];
        while 0 < left {
            let record = consumer.poll(TIMEOUT).expect("a record in time").expect("a record");
            let record = own(&record);
            // What came since is not asked for.
            if record.offset < ends[&(record.topic.clone(), record.partition)].1 {
                left -= 1;
                records.push(record);
            }
        }
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

fn own(message: &BorrowedMessage<'_>) -> Record {
    let headers: RawHeaders = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect()
    });
    let (topic, value) = (message.topic(), message.payload().unwrap_or_default());
    let received = Received::read(&headers);
    let (partition, offset) = (message.partition(), message.offset());
    let append_time = Timestamp(message.timestamp().to_millis().unwrap_or_default());
    let place = Place { topic, partition, offset, append_time };
    let of_schema = || bundled::name(codec::writer_id(value).ok()?);
    let name = received.name.or_else(of_schema);
    let known = Any::ALL.iter().find(|known| Some(known.name) == name && known.topic == topic);
    Record {
        topic: topic.to_owned(),
        partition,
        offset,
        append_time,
        key: message.key().map(<[u8]>::to_vec),
        value: value.to_vec(),
        id: identity::of_event(received.id, received.source, &place),
        name: name.map(str::to_owned),
        is_event: known.is_some_and(|known| Any::decode(known, value).is_ok()),
        source: received.source.map(str::to_owned),
        causation: received.causation,
        answers: received.answers,
        sequence: received.sequence,
        trace: received.trace_context(),
        headers,
    }
}
