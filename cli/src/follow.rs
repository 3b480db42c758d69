//! Following topics as an onlooker: partitions of one's own choice, no group, nothing committed.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context;
use choreography::{Config, headers_of, onlooker};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message, Timestamp};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;
use shared_events::headers::RawHeaders;
use tokio::sync::mpsc;

/// So many records wait for who asked for them.
const WAITING_MAX: usize = 1_000;

/// So many records of a partition are read in its turn.
const TURN: usize = 32;

/// How long the thread sleeps when there is nothing to read; a record wakes it.
const SLEEP_MAX: Duration = Duration::from_millis(100);

/// A record as it stands on a topic.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) time: Timestamp,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) headers: RawHeaders,
    pub(crate) value: Option<Vec<u8>>,
}

/// What was read.
pub(crate) enum Read {
    /// A record.
    Record(Record),
    /// All that a partition has for now was read.
    End { topic: String, partition: i32 },
    /// No broker can be reached; it is tried again.
    Away,
    /// The client has failed; nothing follows.
    Failed(anyhow::Error),
}

/// A consumer on a thread of its own.
pub(crate) struct Following {
    /// What it reads.
    pub(crate) reads: mpsc::Receiver<Read>,
    thread: JoinHandle<()>,
}

/// One partition, and what comes from it.
struct Source {
    topic: String,
    partition: i32,
    queue: PartitionQueue<DefaultConsumerContext>,
}

impl Following {
    /// Reads these partitions, each from its offset.
    ///
    /// # Errors
    /// The client cannot be started.
    pub(crate) fn start(config: &Config, starts: &TopicPartitionList) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = onlooker(config).create().context("the follower's client")?;
        let consumer = Arc::new(consumer);
        // Before the assignment, so that nothing comes by the client's common queue, which does not
        // say of which topic it has read the end.
        let split = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let (topic, partition) = (element.topic().to_owned(), element.partition());
            let queue = consumer.split_partition_queue(&topic, partition);
            let queue = queue.with_context(|| format!("{topic}/{partition} cannot be read"))?;
            Ok(Source { topic, partition, queue })
        };
        let elements = starts.elements();
        let sources = elements.iter().map(split).collect::<anyhow::Result<Vec<_>>>()?;
        consumer.assign(starts)?;
        let (sender, reads) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("follower".to_owned());
        let thread = thread.spawn(move || follow(&consumer, sources, &sender))?;
        Ok(Self { reads, thread })
    }

    /// Ends the thread and its client.
    pub(crate) fn end(self) {
        drop(self.reads);
        if self.thread.join().is_err() {
            tracing::warn!("the follower has panicked");
        }
    }
}

/// Reads until nobody listens any more: of each partition some records in turn, so that none is far
/// ahead of another.
fn follow(consumer: &BaseConsumer, mut sources: Vec<Source>, sender: &mpsc::Sender<Read>) {
    let this = std::thread::current();
    for source in &mut sources {
        let this = this.clone();
        source.queue.set_nonempty_callback(move || this.unpark());
    }
    while !sender.is_closed() {
        let common = consumer.poll(Duration::ZERO).and_then(|polled| read(polled, None));
        let mut reads: Vec<Read> = common.into_iter().collect();
        for source in &sources {
            let polled = std::iter::from_fn(|| source.queue.poll(Duration::ZERO));
            reads.extend(polled.take(TURN).filter_map(|polled| read(polled, Some(source))));
        }
        if reads.is_empty() {
            std::thread::park_timeout(SLEEP_MAX);
        }
        for read in reads {
            if sender.blocking_send(read).is_err() {
                return;
            }
        }
    }
}

fn read(polled: KafkaResult<BorrowedMessage<'_>>, source: Option<&Source>) -> Option<Read> {
    let error = match (polled, source) {
        (Ok(message), _) => return Some(Read::Record(record(&message))),
        (Err(KafkaError::PartitionEOF(_)), Some(Source { topic, partition, .. })) => {
            return Some(Read::End { topic: topic.clone(), partition: *partition });
        }
        (Err(error), _) => error,
    };
    let code = error.rdkafka_error_code();
    if code == Some(RDKafkaErrorCode::AllBrokersDown) {
        return Some(Read::Away);
    }
    if code.is_some_and(|code| FINAL.contains(&code)) {
        return Some(Read::Failed(anyhow::Error::new(error).context("lost sight of the topics")));
    }
    tracing::info!(%error, "tried again");
    None
}

/// Records are gone before they were read, the topic or the right to read it is gone, or the client
/// is of no use any more.
const FINAL: [RDKafkaErrorCode; 6] = [
    RDKafkaErrorCode::AutoOffsetReset,
    RDKafkaErrorCode::TopicAuthorizationFailed,
    RDKafkaErrorCode::UnknownTopicOrPartition,
    RDKafkaErrorCode::UnknownTopic,
    RDKafkaErrorCode::UnknownPartition,
    RDKafkaErrorCode::Fatal,
];

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        time: message.timestamp(),
        key: message.key().map(<[u8]>::to_vec),
        headers: headers_of(message),
        value: message.payload().map(<[u8]>::to_vec),
    }
}

/// RFC 3339 in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    let ms = time.to_millis().and_then(|ms| u64::try_from(ms).ok());
    let time = ms.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms)));
    // The library refuses what is later than the year 9999.
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let time = time.filter(|time| *time < last);
    time.map_or_else(|| "-".to_owned(), |time| humantime::format_rfc3339_millis(time).to_string())
}
