//! The topics as a test sees them.

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::harness::{GROUP, LIMIT, World, wait};
use super::records::Seen;

impl World {
    /// A client of the group, which is no member of it.
    pub(crate) fn client(&self) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", self.broker.brokers())
            .set("group.id", GROUP)
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("consumer")
    }

    /// Commits an offset of the group, which must not have had a member yet.
    pub(crate) fn commit(&self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("offset");
        self.client().commit(&list, CommitMode::Sync).expect("committed");
    }

    /// What the group has committed.
    pub(crate) fn committed(&self, topic: &str, partition: i32) -> Option<i64> {
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let list = self.client().committed_offsets(list, LIMIT).expect("offsets");
        match list.elements()[0].offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    /// The offsets of the first record and after the last one.
    pub(crate) fn watermarks(&self, topic: &str, partition: i32) -> (i64, i64) {
        self.client().fetch_watermarks(topic, partition, LIMIT).expect("watermarks")
    }

    /// How many records a topic has, without reading them.
    pub(crate) fn read_count(&self, topic: &str) -> i64 {
        let count = |(low, high)| high - low;
        (0..6).map(|partition| count(self.watermarks(topic, partition))).sum()
    }

    /// Everything on a topic, in order of partition and offset.
    pub(crate) fn read(&self, topic: &str) -> Vec<Seen> {
        let consumer = self.client();
        let mut list = TopicPartitionList::new();
        let mut ends = vec![];
        for partition in 0..6 {
            let (low, high) =
                consumer.fetch_watermarks(topic, partition, LIMIT).expect("watermarks");
            ends.push((low, high));
            list.add_partition_offset(topic, partition, Offset::Beginning).expect("offset");
        }
        consumer.assign(&list).expect("assign");
        let mut left: i64 = ends.iter().map(|(low, high)| high - low).sum();
        let mut seen = vec![];
        while 0 < left {
            let message = consumer.poll(LIMIT).expect("a record in time").expect("a record");
            // What came since is for the next reading.
            if ends[usize::try_from(message.partition()).expect("a partition")].1
                <= message.offset()
            {
                continue;
            }
            left -= 1;
            seen.push(own(&message));
        }
        seen.sort_by_key(|record| record.partition);
        seen
    }

    /// Waits until a topic has `count` records, and returns all of it.
    pub(crate) fn wait_for(&self, topic: &str, count: usize) -> Vec<Seen> {
        wait(&format!("{count} records on {topic}"), || {
            let seen = self.read(topic);
            (count <= seen.len()).then_some(seen)
        })
    }
}

fn own(message: &BorrowedMessage<'_>) -> Seen {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect()
    });
    Seen {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or_default(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_vec(),
        headers,
    }
}
