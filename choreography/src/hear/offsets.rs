//! What Kafka knows of offsets, asked by a client of its own: the consumer's requests wait behind
//! its fetches, each for as long as a fetch may wait for records.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::assignment::Partition;
use super::client::HearContext;
use crate::config::Config;

/// How long Kafka may take to tell.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a partition may take to give its next record, or to tell that it has none.
const READING: Duration = Duration::from_millis(500);

/// Clients of the same group that never join it.
pub(crate) struct Offsets {
    /// It asks, and counts what other producers' transactions have not ended: the broker has
    /// acknowledged what stands behind them.
    client: BaseConsumer<HearContext>,
    /// It reads as the service hears: only what is committed.
    reader: BaseConsumer<HearContext>,
}

impl Offsets {
    pub(crate) fn new(config: &Config, group: &str) -> KafkaResult<Self> {
        let mut client = crate::kafka::consumer(config, group);
        client.set("statistics.interval.ms", "0");
        client.set("isolation.level", "read_uncommitted");
        let asking = client.create_with_context(HearContext::default())?;
        client.set("isolation.level", "read_committed");
        client.set("enable.partition.eof", "true");
        // It reads nothing but the first record behind an offset, and does not wait for one.
        client.set("fetch.wait.max.ms", "10");
        client.set("queued.max.messages.kbytes", "1024");
        Ok(Self { client: asking, reader: client.create_with_context(HearContext::default())? })
    }

    /// Takes what the clients have to tell, which would else be kept for ever.
    pub(crate) fn serve(&self) {
        const EVENTS_MAX: usize = 100;
        for client in [&self.client, &self.reader] {
            for _ in 0..EVENTS_MAX {
                // An error, if there is one, is logged by the client's context.
                if client.poll(Duration::ZERO).is_none() {
                    break;
                }
            }
        }
    }

    /// The offsets that the group has committed.
    pub(crate) fn committed(&self, of: &[Partition]) -> KafkaResult<HashMap<Partition, i64>> {
        let offsets = self.client.committed_offsets(list(of), TIMEOUT)?;
        known(&offsets)
    }

    /// The first offset that each partition still has, and the one after its last, in the order
    /// of `of`.
    pub(crate) fn watermarks(&self, of: &[Partition]) -> KafkaResult<Vec<(i64, i64)>> {
        let starts = all(&self.client, of, Offset::Beginning)?;
        let ends = all(&self.client, of, Offset::End)?;
        Ok(of.iter().map(|partition| (starts[partition], ends[partition])).collect())
    }

    /// The offset after the last record of each partition that the broker has acknowledged.
    pub(crate) fn ends(&self, of: &[Partition]) -> KafkaResult<HashMap<Partition, i64>> {
        all(&self.client, of, Offset::End)
    }

    /// The offset after what can be heard of each partition: it stands before the first transaction
    /// that has not ended.
    pub(crate) fn stable_ends(&self, of: &[Partition]) -> KafkaResult<HashMap<Partition, i64>> {
        all(&self.reader, of, Offset::End)
    }

    /// Whether no record stands at `from` or behind it, though offsets are taken there: by the ends
    /// of other producers' transactions, or by what they took back. It reads, for a limited time;
    /// `None` if that does not tell.
    pub(crate) fn is_empty_from(&self, of: &Partition, from: i64) -> KafkaResult<Option<bool>> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&of.0, of.1, Offset::Offset(from))?;
        self.reader.assign(&list)?;
        let read = self.read_one();
        self.reader.unassign()?;
        Ok(read)
    }

    fn read_one(&self) -> Option<bool> {
        let began = Instant::now();
        while began.elapsed() < READING {
            match self.reader.poll(READING) {
                Some(Ok(_)) => return Some(false),
                // With one partition it is clear which it is.
                Some(Err(KafkaError::PartitionEOF(_))) => return Some(true),
                Some(Err(_)) | None => (),
            }
        }
        None
    }

    /// All partitions of `topics`.
    pub(crate) fn partitions(&self, topics: &[&str]) -> KafkaResult<Vec<Partition>> {
        let mut partitions = vec![];
        for topic in topics {
            let metadata = self.client.fetch_metadata(Some(topic), TIMEOUT)?;
            let unknown = metadata.topics().iter().find_map(|topic| topic.error());
            if let Some(code) = unknown {
                return Err(KafkaError::MetadataFetch(code.into()));
            }
            let ids = metadata.topics().iter().flat_map(|topic| topic.partitions());
            partitions.extend(ids.map(|partition| ((*topic).to_owned(), partition.id())));
        }
        Ok(partitions)
    }
}

/// In one request to each broker. In a question by time `what` stands for the oldest or the newest
/// time there is.
fn all(
    client: &BaseConsumer<HearContext>,
    of: &[Partition],
    what: Offset,
) -> KafkaResult<HashMap<Partition, i64>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let mut asked = list(of);
    asked.set_all_offsets(what)?;
    let known = known(&client.offsets_for_times(asked, TIMEOUT)?)?;
    if of.iter().all(|partition| known.contains_key(partition)) {
        Ok(known)
    } else {
        Err(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))
    }
}

fn list(of: &[Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in of {
        list.add_partition(topic, *partition);
    }
    list
}

fn known(list: &TopicPartitionList) -> KafkaResult<HashMap<Partition, i64>> {
    let mut known = HashMap::new();
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            known.insert((element.topic().to_owned(), element.partition()), offset);
        }
    }
    Ok(known)
}
