//! What is read of the topics, as the ledger takes it down.

use anyhow::Context;
use choreography::Config;
use choreography::dead_letter::{DLQ_ERROR, DLQ_GROUP};
use rdkafka::Offset;
use rdkafka::topic_partition_list::TopicPartitionList;
use shared_events::headers::{RawHeaders, Received};
use shared_events::topics::{DEAD_LETTERS_END, TopicSpec};

use super::ledger::{DeadLetter, Ledger, Told};
use crate::about;
use crate::follow::{Following, Read, Record};

/// Reads all partitions of these topics from their beginning.
///
/// # Errors
/// The client cannot be started.
pub(super) fn start(config: &Config, topics: &[TopicSpec]) -> anyhow::Result<Following> {
    let mut starts = TopicPartitionList::new();
    for topic in topics {
        for partition in 0..topic.partitions {
            starts.add_partition_offset(&topic.name, partition, Offset::Beginning)?;
        }
    }
    Following::start(config, &starts)
}

/// Takes down what was read.
///
/// # Errors
/// Nothing follows, and why.
pub(super) fn take(ledger: &mut Ledger, read: Option<Read>) -> anyhow::Result<()> {
    match read.context("the follower has ended")? {
        Read::Record(record) if record.topic.ends_with(DEAD_LETTERS_END) => {
            ledger.dead(dead(&record))
        }
        Read::Record(record) => ledger.told(told(&record)),
        Read::End { .. } | Read::Away => {}
        Read::Failed(error) => return Err(error),
    }
    Ok(())
}

fn dead(record: &Record) -> DeadLetter {
    let received = Received::read(&record.headers);
    let text = |name: &str| {
        let found = record.headers.iter().rfind(|(header, _)| header == name);
        let value = found.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    DeadLetter {
        order: received.correlation.unwrap_or_default().to_owned(),
        event: received.name.unwrap_or("something").to_owned(),
        group: text(DLQ_GROUP),
        why: text(DLQ_ERROR),
    }
}

fn told(record: &Record) -> Told {
    let received = Received::read(&record.headers);
    let name = received.name.unwrap_or_default();
    let value = record.value.as_deref().unwrap_or_default();
    let key_bytes = record.key.as_ref().map_or(0, Vec::len);
    Told {
        order: received.correlation.unwrap_or_default().to_owned(),
        id: received.id.unwrap_or_default().to_owned(),
        name: name.to_owned(),
        topic: record.topic.clone(),
        speaker: received.source.unwrap_or_default().trim_start_matches('/').to_owned(),
        cause: received.causation.map(|id| id.to_string()),
        answers: received.answers,
        at_ms: record.time.to_millis().unwrap_or_default(),
        trace_id: received.trace_context().map(|context| context.trace_id),
        about: about::about(name, value).unwrap_or_default(),
        bytes: BATCH_BYTES + key_bytes + value.len() + bytes(&record.headers),
    }
}

/// What a batch of one record is larger than its key, value and headers, in the worst case.
const BATCH_BYTES: usize = 100;

fn bytes(headers: &RawHeaders) -> usize {
    const LENGTHS: usize = 4;
    headers
        .iter()
        .map(|(name, value)| LENGTHS + name.len() + value.as_ref().map_or(0, Vec::len))
        .sum()
}
