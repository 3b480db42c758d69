//! What librdkafka tells the consumer besides records: rebalances, commits, statistics.

use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::assignment::Partition;
use crate::kafka;

/// A change of what this member of the group is responsible for.
#[derive(Debug)]
pub(crate) enum Change {
    /// These are ours now. They are fetched only when it is settled where to start.
    Assigned(Vec<Partition>),
    /// These are no longer ours.
    Revoked(Vec<Partition>),
}

/// How far one partition is behind.
#[derive(Clone, Debug)]
pub(crate) struct Lag {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) records: i64,
}

/// Collects what the callbacks say; the loop reads it after each poll, on the same thread.
#[derive(Default)]
pub(crate) struct HearContext {
    changes: Mutex<Vec<Change>>,
    lag: Mutex<Option<Vec<Lag>>>,
}

impl HearContext {
    /// The changes since the last call.
    pub(crate) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest statistics, if there are any since the last call.
    pub(crate) fn lag(&self) -> Option<Vec<Lag>> {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn push(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}

impl ClientContext for HearContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        kafka::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        kafka::log_error(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.into_values().flat_map(|topic| {
            let name = topic.topic;
            topic.partitions.into_values().map(move |p| (name.clone(), p))
        });
        let lag = partitions
            .filter(|(_, p)| p.desired && 0 <= p.partition && 0 <= p.consumer_lag)
            .map(|(topic, p)| Lag { topic, partition: p.partition, records: p.consumer_lag })
            .collect();
        *self.lag.lock().unwrap_or_else(PoisonError::into_inner) = Some(lag);
    }
}

impl ConsumerContext for HearContext {
    /// Takes note only. A partition is given to librdkafka later, with an explicit offset, as
    /// finding that offset out can take longer than a callback may.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let list = names(partitions);
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                tracing::info!(partitions = ?list, "assigned");
                self.push(Change::Assigned(list));
                consumer.incremental_assign(&TopicPartitionList::new())
            }
            _ => {
                tracing::info!(partitions = ?list, lost = consumer.assignment_lost(), "revoked");
                let fetched = fetched_of(consumer, &list);
                self.push(Change::Revoked(list));
                fetched.and_then(|fetched| consumer.incremental_unassign(&fetched))
            }
        };
        if let Err(error) = done {
            tracing::error!(%error, "cannot follow the group's rebalance");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            // Harmless: the records come again, and their ids are known.
            tracing::info!(%error, "an offset was not committed");
        }
    }
}

/// Those of `list` that librdkafka fetches: what is not settled was never given to it.
fn fetched_of(
    consumer: &BaseConsumer<HearContext>,
    list: &[Partition],
) -> KafkaResult<TopicPartitionList> {
    let mut fetched = TopicPartitionList::new();
    for partition in names(&consumer.assignment()?) {
        if list.contains(&partition) {
            fetched.add_partition(&partition.0, partition.1);
        }
    }
    Ok(fetched)
}

fn names(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect()
}
