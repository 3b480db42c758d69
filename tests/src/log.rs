//! Reading all that stands on the topics.

use std::time::Duration;

pub use checker::log::Log;
use checker::record::Raw;
pub use checker::record::Record;
use choreography::headers_of;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shared_events::amounts::Timestamp;

use crate::kafka::{self, Kafka};

/// Between two records that are there.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Reads all topics of the services up to their present ends.
///
/// # Panics
/// Kafka does not give what it has.
#[must_use]
pub fn read(kafka: &Kafka) -> Log {
    let topics = kafka::all_topics();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut ends = kafka.ends(&topics);
    ends.retain(|_, (low, high)| low < high);
    let mut starts = TopicPartitionList::new();
    for ((topic, partition), (low, _)) in &ends {
        starts.add_partition_offset(topic, *partition, Offset::Offset(*low)).expect("an offset");
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
    Log::of(records)
}

fn own(message: &BorrowedMessage<'_>) -> Record {
    Record::read(Raw {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        append_time: Timestamp(message.timestamp().to_millis().unwrap_or_default()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_vec(),
        headers: headers_of(message),
    })
}
