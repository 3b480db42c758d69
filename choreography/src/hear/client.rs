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
use super::lag::Figures;
use crate::kafka;

/// A change of what this member of the group is responsible for.
#[derive(Debug)]
pub(crate) enum Change {
    /// These are ours now. They are fetched only when it is settled where to start.
    Assigned(Vec<Partition>),
    /// These are no longer ours.
    Revoked(Vec<Partition>),
}

/// Collects what the callbacks say; the loop reads it after each poll, on the same thread.
#[derive(Default)]
pub(crate) struct HearContext {
    changes: Mutex<Vec<Change>>,
    figures: Mutex<Option<Figures>>,
    failed: Mutex<Option<KafkaError>>,
    reason: Mutex<Option<String>>,
}

impl HearContext {
    /// The changes since the last call.
    pub(crate) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest statistics, if there are any since the last call.
    pub(super) fn figures(&self) -> Option<Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Why the consumer cannot go on, if it cannot.
    pub(super) fn failed(&self) -> Option<KafkaError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the client has said last of an error that it then gives to the loop.
    pub(super) fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).take()
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
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }

    fn stats(&self, statistics: Statistics) {
        let figures = Figures::of(statistics);
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures);
    }
}

impl ConsumerContext for HearContext {
    /// Nothing is lost by that: what is not committed is committed with the next batch, or by the
    /// next statistics, or heard again.
    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::warn!(%error, partitions = ?names(offsets), "offsets are not committed yet");
        }
    }

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
                // What is not settled was never given to librdkafka.
                let given_up = fetched_of(consumer, &list);
                self.push(Change::Revoked(list));
                given_up.and_then(|fetched| consumer.incremental_unassign(&fetched))
            }
        };
        if let Err(error) = done {
            // The group waits for an answer that cannot be given: only a new client helps.
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

/// The partitions of a list.
pub(super) fn names(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|e| (e.topic().to_owned(), e.partition())).collect()
}

fn fetched_of(
    consumer: &BaseConsumer<HearContext>,
    list: &[Partition],
) -> KafkaResult<TopicPartitionList> {
    let mut fetched = TopicPartitionList::new();
    for (topic, partition) in names(&consumer.assignment()?) {
        if list.iter().any(|(t, p)| *t == topic && *p == partition) {
            fetched.add_partition(&topic, partition);
        }
    }
    Ok(fetched)
}
