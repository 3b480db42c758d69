//! Following all event topics and dead-letter topics, as an onlooker: no group, nothing committed.

use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use choreography::Config;
use choreography::dead_letter::{DLQ_ERROR, DLQ_GROUP};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;
use shared_events::headers::{RawHeaders, Received};
use shared_events::topics::TopicSpec;
use tokio::sync::mpsc;

use super::about;
use super::ledger::{DeadLetter, Told};

/// So many records wait for who asked for them.
const WAITING_MAX: usize = 1_000;

/// What was read.
pub(super) enum Read {
    /// An event.
    Told(Told),
    /// A service could not handle an event.
    DeadLetter(DeadLetter),
    /// The client has failed; nothing follows.
    Failed(anyhow::Error),
}

/// A consumer on a thread of its own.
pub(super) struct Following {
    /// What it reads.
    pub(super) records: mpsc::Receiver<Read>,
    thread: JoinHandle<()>,
}

impl Following {
    /// Reads all partitions of these topics from their beginning.
    ///
    /// # Errors
    /// The client cannot be started.
    pub(super) fn start(config: &Config, topics: &[TopicSpec]) -> anyhow::Result<Self> {
        let mut client = crate::kafka::client(config);
        client
            .set("group.id", "choreo-demo")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "10");
        let consumer: BaseConsumer = client.create().context("the follower's client")?;
        let mut partitions = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..topic.partitions {
                partitions.add_partition_offset(&topic.name, partition, Offset::Beginning)?;
            }
        }
        consumer.assign(&partitions)?;
        let (sender, records) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("follower".to_owned());
        Ok(Self { records, thread: thread.spawn(move || follow(&consumer, &sender))? })
    }

    /// Ends the thread and its client.
    pub(super) fn end(self) {
        drop(self.records);
        if self.thread.join().is_err() {
            tracing::warn!("the follower has panicked");
        }
    }
}

/// Reads until nobody listens any more.
fn follow(consumer: &BaseConsumer, sender: &mpsc::Sender<Read>) {
    while !sender.is_closed() {
        let read = match consumer.poll(Duration::from_millis(50)) {
            None => continue,
            Some(Ok(message)) => read(&message),
            Some(Err(error)) if is_final(&error) => {
                Read::Failed(anyhow::Error::new(error).context("the demo lost sight of the topics"))
            }
            Some(Err(error)) => {
                tracing::info!(%error, "tried again");
                continue;
            }
        };
        if sender.blocking_send(read).is_err() {
            return;
        }
    }
}

/// Records are gone before they were read, or the client is of no use any more.
fn is_final(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| {
        [RDKafkaErrorCode::AutoOffsetReset, RDKafkaErrorCode::Fatal].contains(&code)
    })
}

fn read(message: &BorrowedMessage<'_>) -> Read {
    let raw = headers(message);
    let received = Received::read(&raw);
    let order = received.correlation.unwrap_or_default().to_owned();
    if message.topic().ends_with(".dlq") {
        let text = |name: &str| {
            let found = raw.iter().rfind(|(header, _)| header == name);
            let value = found.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
            String::from_utf8_lossy(value).into_owned()
        };
        let event = received.name.unwrap_or("something").to_owned();
        return Read::DeadLetter(DeadLetter {
            order,
            event,
            group: text(DLQ_GROUP),
            why: text(DLQ_ERROR),
        });
    }
    let name = received.name.unwrap_or_default();
    let value = message.payload().unwrap_or_default();
    Read::Told(Told {
        order,
        id: received.id.unwrap_or_default().to_owned(),
        name: name.to_owned(),
        topic: message.topic().to_owned(),
        speaker: received.source.unwrap_or_default().trim_start_matches('/').to_owned(),
        cause: received.causation.map(|id| id.to_string()),
        answers: received.answers,
        at_ms: message.timestamp().to_millis().unwrap_or_default(),
        trace_id: received.trace_context().map(|context| context.trace_id),
        about: about::about(name, value).unwrap_or_default(),
        bytes: BATCH_BYTES + message.key().map_or(0, <[u8]>::len) + value.len() + bytes(&raw),
    })
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

fn headers(message: &BorrowedMessage<'_>) -> RawHeaders {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
}
