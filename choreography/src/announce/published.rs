//! A manifest as it stands on the topic, and reading all of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, ClientContext, Offset};
use serde::{Deserialize, Serialize};
use shared_events::topics::SERVICES;

use crate::config::Config;
use crate::kafka;
use crate::manifest::{Answers, Manifest};
use crate::service::EventName;

/// A manifest as it stands on the topic: JSON, under the key `group/version`. Readers ignore fields
/// that they do not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The service, which is also its consumer group.
    pub group: String,
    /// Which version of its choreography this is.
    pub version: u32,
    /// The events that it hears.
    pub hears: Vec<PublishedHearing>,
    /// The events that it says.
    pub says: Vec<Name>,
    /// The events that it gives to itself after a time.
    pub timers: Vec<Name>,
    /// Where this version began to hear: by topic and partition the first offset. A partition that is
    /// not there came later, and is heard from its beginning.
    pub from: Offsets,
    /// If it is retired: from there on it hears nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Offsets>,
}

/// Offsets by topic and partition.
pub type Offsets = BTreeMap<String, BTreeMap<i32, i64>>;

/// One event that a service hears, and what may be expected of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedHearing {
    /// The event.
    #[serde(flatten)]
    pub event: Name,
    /// Whether it answers.
    pub answers: Answers,
    /// How long it may take to answer before that counts as late, in milliseconds.
    pub within_ms: u64,
}

/// An event's name and its topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// The event's name, in past tense.
    pub name: String,
    /// The topic that it is said on.
    pub topic: String,
}

impl From<EventName> for Name {
    fn from(event: EventName) -> Self {
        Self { name: event.name.to_owned(), topic: event.topic.to_owned() }
    }
}

impl Published {
    /// `manifest`, heard from these offsets on.
    #[must_use]
    pub fn of(manifest: &Manifest, from: Offsets) -> Self {
        let names = |events: &[EventName]| events.iter().copied().map(Name::from).collect();
        let hears = manifest.hears.iter().map(|hearing| PublishedHearing {
            event: hearing.event.into(),
            answers: hearing.answers,
            within_ms: hearing.within_ms,
        });
        Self {
            group: manifest.service.to_owned(),
            version: manifest.version,
            hears: hears.collect(),
            says: names(&manifest.says),
            timers: names(&manifest.timers),
            from,
            until: None,
        }
    }

    /// The key of its record.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Whether it hears and says the same.
    #[must_use]
    pub fn declares_the_same(&self, other: &Self) -> bool {
        let Self { hears, says, timers, .. } = self;
        *hears == other.hears && *says == other.says && *timers == other.timers
    }

    /// Takes over where `earlier` began before it.
    pub fn begin_no_later(&mut self, earlier: &Self) {
        for (topic, partitions) in &earlier.from {
            let own = self.from.entry(topic.clone()).or_default();
            for (partition, offset) in partitions {
                own.entry(*partition).and_modify(|o| *o = (*o).min(*offset)).or_insert(*offset);
            }
        }
    }

    /// Whether this version was there for what stands at this place.
    #[must_use]
    pub fn covers(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let at = |offsets: &Offsets| offsets.get(topic)?.get(&partition).copied();
        let has_ended = |until: &Offsets| at(until).is_none_or(|until| until <= offset);
        at(&self.from).is_none_or(|from| from <= offset)
            && !self.until.as_ref().is_some_and(has_ended)
    }
}

/// It logs where ours is logged, and to have come to the end is no error.
struct Reader;

impl ClientContext for Reader {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        kafka::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !matches!(error, KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            kafka::log_error(&error, reason);
        }
    }
}

impl ConsumerContext for Reader {}

/// All manifests that were ever written and not compacted away, by key: the latest of each, and the
/// earliest beginning. It blocks.
///
/// # Errors
/// The broker does not answer, or there is no such topic.
pub fn read(config: &Config) -> anyhow::Result<BTreeMap<String, Published>> {
    let mut client: ClientConfig = kafka::admin(config, "choreography");
    client.set("group.id", "choreography").set("enable.auto.commit", "false");
    client.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
    let reader: BaseConsumer<Reader> = client.create_with_context(Reader)?;
    let metadata = reader.fetch_metadata(Some(SERVICES), super::TIMEOUT)?;
    let partitions = metadata.topics().iter().map(|topic| topic.partitions().len()).sum::<usize>();
    ensure!(partitions == 1, "topic {SERVICES} has {partitions} partitions and should have one");
    let mut start = TopicPartitionList::new();
    start.add_partition_offset(SERVICES, 0, Offset::Beginning)?;
    reader.assign(&start)?;
    let (mut all, mut heard) = (BTreeMap::new(), Instant::now());
    loop {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => {
                let key = record.key().map(String::from_utf8_lossy).unwrap_or_default();
                take(&mut all, &key, record.payload());
                heard = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(all),
            Some(Err(error)) => tracing::debug!(%error, "tried again"),
            None => (),
        }
        ensure!(heard.elapsed() < super::TIMEOUT, "topic {SERVICES} cannot be read");
    }
}

/// Takes a record into account: the latest of a key counts, with the earliest beginning that was ever
/// written, as two instances that started at once may have written different ones. A record without
/// a value forgets its key, and what is no manifest is passed over.
fn take(all: &mut BTreeMap<String, Published>, key: &str, value: Option<&[u8]>) {
    let Some(value) = value else {
        all.remove(key);
        return;
    };
    match serde_json::from_slice::<Published>(value) {
        Ok(mut published) => {
            let key = published.key();
            if let Some(earlier) = all.get(&key) {
                published.begin_no_later(earlier);
            }
            all.insert(key, published);
        }
        Err(error) => {
            tracing::warn!(%error, key, "a record on topic {SERVICES} is no manifest");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(version: u32, offset: i64) -> Published {
        let from = BTreeMap::from([("orders".to_owned(), BTreeMap::from([(0, offset)]))]);
        Published::of(&Manifest::new("a-svc", version), from)
    }

    fn read_from(all: &[Published]) -> BTreeMap<String, Published> {
        let mut read = BTreeMap::new();
        for published in all {
            take(&mut read, "", Some(&serde_json::to_vec(published).unwrap()));
        }
        read
    }

    #[test]
    fn the_earliest_beginning_of_a_version_counts() {
        let mut all = read_from(&[published(1, 7), published(2, 30), published(1, 9)]);
        assert_eq!(all["a-svc/1"], published(1, 7));
        assert_eq!(all["a-svc/2"], published(2, 30));
        take(&mut all, "a-svc/1", None);
        assert_eq!(all.into_keys().collect::<Vec<_>>(), ["a-svc/2"]);
    }

    #[test]
    fn a_retired_version_ends_where_it_says_until_it_starts_again() {
        let retired = Published { until: Some(published(1, 50).from), ..published(1, 7) };
        let heard = |one: &Published| [6, 7, 49, 50].map(|offset| one.covers("orders", 0, offset));
        assert_eq!(heard(&retired), [false, true, true, false]);
        assert!(!retired.covers("orders", 5, 0), "a partition that came after its end");
        let all = read_from(&[published(1, 7), retired, published(1, 60)]);
        assert_eq!(heard(&all["a-svc/1"]), [false, true, true, true]);
    }

    #[test]
    fn json_is_read_as_it_is_written_and_unknown_fields_are_ignored() {
        let mut json = serde_json::to_value(published(1, 7)).unwrap();
        json["of_tomorrow"] = 1.into();
        let mut all = BTreeMap::new();
        take(&mut all, "a-svc/1", Some(json.to_string().as_bytes()));
        take(&mut all, "a-svc/1", Some(b"hello"));
        assert_eq!(all, read_from(&[published(1, 7)]));
    }

    #[test]
    fn a_partition_that_came_later_is_heard_from_its_beginning() {
        let one = published(1, 7);
        assert!(one.covers("orders", 0, 7) && !one.covers("orders", 0, 6));
        assert!(one.covers("orders", 5, 0) && one.covers("sellers", 0, 0));
    }
}
