//! Hearing: batches from the assigned partitions, and the offsets after them.

mod assignment;
mod client;
mod offsets;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shared_events::amounts::Timestamp;
use shared_events::headers::{CE_TYPE, RawHeaders};
use tokio::runtime::Handle;

pub(crate) use assignment::{Assignments, Partition};
pub(crate) use client::{Change, HearContext, Lag};
pub(crate) use offsets::Offsets;

use crate::clock;
use crate::config::Config;
use crate::record::Taken;

/// A consumer, and what was taken from it and not yet handled.
pub(crate) struct Hear {
    pub(crate) consumer: BaseConsumer<HearContext>,
    pub(crate) assignments: Assignments,
    pub(crate) offsets: Offsets,
    limits: Limits,
    /// Interned names, so that a record does not allocate its topic's.
    topics: HashMap<String, Arc<str>>,
    /// Records that came while the partitions were paused; they go first.
    kept: VecDeque<Taken>,
    paused: bool,
    /// When a record was taken last, and when it had been appended.
    moved: Instant,
    newest: Timestamp,
    /// Whether the client said last that there is more to take.
    behind: bool,
}

/// What one batch may hold.
struct Limits {
    records: usize,
    bytes: usize,
    wait: Duration,
}

/// What was taken at once.
pub(crate) struct Batch {
    /// What may concern the service, in the order of each partition.
    pub(crate) records: Vec<Taken>,
    /// How many records were skipped by their header, by topic.
    pub(crate) skipped: BTreeMap<Arc<str>, u64>,
    /// Where each partition goes on, and under which assignment that is true.
    next: HashMap<Partition, Next>,
    bytes: usize,
    /// When its first record came.
    pub(crate) started: SystemTime,
}

struct Next {
    offset: i64,
    assignment: u64,
}

impl Batch {
    fn new() -> Self {
        Self {
            records: vec![],
            skipped: BTreeMap::new(),
            next: HashMap::new(),
            bytes: 0,
            started: clock::system_time(),
        }
    }

    /// Whether nothing was taken, not even something to skip.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }
}

/// No longer than this between two records of one batch.
const LULL: Duration = Duration::from_millis(1);

/// How long the loop waits for something else before it serves the consumer.
const PATIENCE: Duration = Duration::from_millis(500);

impl Hear {
    /// Joins the group `group` and asks for `topics`.
    pub(crate) fn join(config: &Config, group: &str, topics: &[String]) -> anyhow::Result<Self> {
        let client = crate::kafka::consumer(config, group);
        let consumer: BaseConsumer<HearContext> =
            client.create_with_context(HearContext::default())?;
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&names)?;
        Ok(Self {
            consumer,
            assignments: Assignments::new(group, config.accept_gap.clone()),
            offsets: Offsets::new(config, group)?,
            limits: Limits {
                records: config.batch_records as usize,
                bytes: config.batch_bytes as usize,
                wait: config.batch_wait,
            },
            topics: topics.iter().map(|name| (name.clone(), Arc::from(name.as_str()))).collect(),
            kept: VecDeque::new(),
            paused: false,
            moved: Instant::now(),
            newest: Timestamp(0),
            behind: false,
        })
    }

    /// Takes a batch: waits for its first record for at most `wait`, and then only as long as
    /// records keep coming and the limits allow. `heard` tells by topic and name what is not
    /// skipped.
    pub(crate) fn take(
        &mut self,
        wait: Duration,
        heard: impl Fn(&str, &str) -> bool,
    ) -> Result<Batch, KafkaError> {
        self.resume()?;
        let mut batch = Batch::new();
        let mut began = Instant::now();
        loop {
            if self.limits.records <= batch.records.len()
                || self.limits.bytes <= batch.bytes
                || (!batch.is_empty() && self.limits.wait <= began.elapsed())
            {
                return Ok(batch);
            }
            if let Some(taken) = self.kept.pop_front() {
                self.add(&mut batch, taken, &heard);
                continue;
            }
            let first = batch.is_empty();
            match self.poll(if first { wait } else { LULL })? {
                Some(taken) => self.add(&mut batch, taken, &heard),
                None => return Ok(batch),
            }
            if first {
                began = Instant::now();
                batch.started = clock::system_time();
            }
        }
    }

    fn add(&mut self, batch: &mut Batch, taken: Taken, heard: impl Fn(&str, &str) -> bool) {
        let partition = (taken.topic.to_string(), taken.partition);
        let Some(assignment) = self.assignments.number_of(&partition) else {
            // Revoked since: whoever owns it now takes it.
            return;
        };
        batch.next.insert(partition, Next { offset: taken.offset + 1, assignment });
        let name = taken.headers.iter().rev().find(|(name, _)| name == CE_TYPE);
        let name = name.and_then(|(_, value)| std::str::from_utf8(value.as_deref()?).ok());
        match name.is_none_or(|name| heard(&taken.topic, name)) {
            true => {
                batch.bytes += taken.value.as_ref().map_or(0, Vec::len);
                batch.records.push(taken);
            }
            false => *batch.skipped.entry(Arc::clone(&taken.topic)).or_default() += 1,
        }
    }

    /// One record, or nothing: nothing came, or something else did, such as a rebalance.
    fn poll(&mut self, wait: Duration) -> Result<Option<Taken>, KafkaError> {
        let polled = match self.consumer.poll(wait) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(own(&self.topics, &message))),
            Some(Err(error)) => Err(error),
        };
        for change in self.consumer.context().changes() {
            self.assignments.change(&change);
            if let Change::Revoked(partitions) = &change {
                self.kept.retain(|t| {
                    !partitions.iter().any(|(topic, p)| **topic == *t.topic && *p == t.partition)
                });
            }
        }
        match polled {
            Ok(Some(taken)) => {
                self.moved = Instant::now();
                self.newest = taken.timestamp;
                Ok(Some(taken))
            }
            Ok(None) => Ok(None),
            Err(error) => self.tell(error).map(|()| None),
        }
    }

    fn tell(&mut self, error: KafkaError) -> Result<(), KafkaError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                tracing::error!(%error, "Kafka does not have the offset asked for: all positions are checked again");
                self.assignments.doubt(&self.consumer);
                Ok(())
            }
            Some(RDKafkaErrorCode::Fatal) => Err(error),
            _ => {
                tracing::warn!(%error, "the consumer reports");
                Ok(())
            }
        }
    }

    /// Settles where each partition that was assigned starts.
    pub(crate) fn settle(&mut self, nothing_handled: bool) -> Result<(), KafkaError> {
        self.assignments.settle(&self.consumer, &self.offsets, nothing_handled)
    }

    /// Waits for `future`. When that takes long the partitions are paused and the consumer is
    /// served, so that the group does not take this member for dead. `alive` is called meanwhile.
    pub(crate) fn wait<T>(
        &mut self,
        runtime: &Handle,
        alive: impl Fn(),
        future: impl Future<Output = T>,
    ) -> T {
        let mut future = pin!(future);
        loop {
            let patience = async { tokio::time::timeout(PATIENCE, &mut future).await };
            if let Ok(value) = runtime.block_on(patience) {
                return value;
            }
            self.stand_still();
            alive();
        }
    }

    /// Pauses all partitions and serves the consumer once.
    pub(crate) fn stand_still(&mut self) {
        if !self.paused {
            // What is assigned later is not fetched before it is settled, which is not done here.
            match self.consumer.assignment().and_then(|all| self.consumer.pause(&all)) {
                Ok(()) => self.paused = true,
                Err(error) => tracing::warn!(%error, "cannot pause"),
            }
        }
        match self.poll(Duration::ZERO) {
            Ok(Some(taken)) => self.kept.push_back(taken),
            Ok(None) => (),
            Err(error) => tracing::error!(%error, "the consumer has failed"),
        }
    }

    /// What the client says of the lag of our partitions, if it said something since the last call.
    pub(crate) fn lags(&mut self) -> Option<Vec<Lag>> {
        let lags = self.consumer.context().lag()?;
        self.behind = !self.paused && lags.iter().any(|lag| 0 < lag.records);
        Some(lags)
    }

    /// How old the newest record taken is, in seconds: how far we are behind, if we are.
    pub(crate) fn seconds_behind(&self) -> f64 {
        let age = clock::now().0.saturating_sub(self.newest.0).max(0);
        Duration::from_millis(age.unsigned_abs()).as_secs_f64()
    }

    /// For how long there was something to take, and nothing came.
    pub(crate) fn stuck_for(&self) -> Duration {
        if self.behind { self.moved.elapsed() } else { Duration::ZERO }
    }

    fn resume(&mut self) -> Result<(), KafkaError> {
        if self.paused {
            self.consumer.resume(&self.consumer.assignment()?)?;
            self.paused = false;
        }
        Ok(())
    }

    /// Commits the offsets after a batch, but for partitions that are no longer ours.
    pub(crate) fn commit(&self, batch: &Batch, mode: CommitMode) -> Result<(), KafkaError> {
        let mut offsets = TopicPartitionList::new();
        for ((topic, partition), next) in &batch.next {
            if self.assignments.number_of(&(topic.clone(), *partition)) == Some(next.assignment) {
                offsets.add_partition_offset(topic, *partition, Offset::Offset(next.offset))?;
            }
        }
        if offsets.count() == 0 {
            return Ok(());
        }
        self.consumer.commit(&offsets, mode)
    }
}

fn own(topics: &HashMap<String, Arc<str>>, message: &BorrowedMessage<'_>) -> Taken {
    let headers: RawHeaders = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect()
    });
    Taken {
        topic: topics.get(message.topic()).map_or_else(|| message.topic().into(), Arc::clone),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: Timestamp(message.timestamp().to_millis().unwrap_or_default()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
