//! What Kafka knows of offsets, asked by a client of its own: the consumer's requests wait behind
//! its fetches, each for as long as a fetch may wait for records.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::assignment::Partition;
use super::client::HearContext;
use crate::config::Config;

/// How long Kafka may take to tell.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the same group that never joins it.
pub(crate) struct Offsets {
    client: BaseConsumer<HearContext>,
}

impl Offsets {
    pub(crate) fn new(config: &Config, group: &str) -> KafkaResult<Self> {
        let client = crate::kafka::consumer(config, group);
        Ok(Self { client: client.create_with_context(HearContext::default())? })
    }

    /// The offsets that the group has committed.
    pub(crate) fn committed(&self, of: &[Partition]) -> KafkaResult<HashMap<Partition, i64>> {
        let offsets = self.client.committed_offsets(list(of), TIMEOUT)?;
        known(&offsets)
    }

    /// The first offset that the partition still has, and the one after its last.
    pub(crate) fn watermarks(&self, of: &Partition) -> KafkaResult<(i64, i64)> {
        self.client.fetch_watermarks(&of.0, of.1, TIMEOUT)
    }

    /// The offset after the last record of each partition, all in one request to each broker.
    pub(crate) fn ends(&self, of: &[Partition]) -> KafkaResult<HashMap<Partition, i64>> {
        let mut asked = list(of);
        // In a question by time this stands for the newest time there is.
        asked.set_all_offsets(Offset::End)?;
        known(&self.client.offsets_for_times(asked, TIMEOUT)?)
    }

    /// All partitions of `topics`.
    pub(crate) fn partitions(&self, topics: &[&str]) -> KafkaResult<Vec<Partition>> {
        let mut partitions = vec![];
        for topic in topics {
            let metadata = self.client.fetch_metadata(Some(topic), TIMEOUT)?;
            let ids = metadata.topics().iter().flat_map(|topic| topic.partitions());
            partitions.extend(ids.map(|partition| ((*topic).to_owned(), partition.id())));
        }
        Ok(partitions)
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
