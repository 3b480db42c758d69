//! Hearing: batches from the assigned partitions, and the offsets after them.

mod assignment;
mod batch;
mod client;
mod gap;
mod lag;
mod offsets;
mod trouble;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

pub(crate) use assignment::{Assignments, Partition};
pub(crate) use batch::Batch;
pub(crate) use offsets::Offsets;

use crate::clock;
use crate::config::Config;
use crate::crash_point;
use crate::record::Taken;
use batch::{Limits, Polled, own};
use client::HearContext;
use lag::Progress;
use trouble::Trouble;

/// A consumer, and what was taken from it and not yet handled.
pub(crate) struct Hear {
    pub(crate) assignments: Assignments,
    pub(crate) offsets: Offsets,
    consumer: BaseConsumer<HearContext>,
    limits: Limits,
    /// Interned names, so that a record does not allocate its topic's.
    topics: HashMap<String, Arc<str>>,
    /// Records that came while the partitions were paused; they go first.
    kept: VecDeque<Polled>,
    kept_bytes: usize,
    /// All that was fetched under an assignment up to this number is paused.
    paused: Option<u64>,
    /// An error that ends the consumer, and was met while nobody could be told.
    failed: Option<KafkaError>,
    /// How each partition goes on.
    progress: Progress,
    /// What keeps records from coming.
    trouble: Option<Trouble>,
    /// Whose position is to be committed.
    uncommitted: BTreeSet<Partition>,
    /// When something was committed last.
    committed: Instant,
    /// No broker can be reached.
    away: bool,
    /// When the next batch may begin.
    next: Instant,
}

/// Damaged records are asked for again after this time.
const DAMAGED_REST: Duration = Duration::from_secs(5);

/// At most so often are offsets committed while records keep coming.
const COMMIT_EACH: Duration = Duration::from_millis(100);

/// No longer than this between two records of one batch.
const LULL: Duration = Duration::from_millis(1);

impl Hear {
    /// Joins the group `group` and asks for `topics`.
    pub(crate) fn join(config: &Config, group: &str, topics: &[String]) -> anyhow::Result<Self> {
        let client = crate::kafka::consumer(config, group);
        let consumer: BaseConsumer<HearContext> =
            client.create_with_context(HearContext::default())?;
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&names)?;
        Ok(Self {
            assignments: Assignments::new(group, config.accept_gap.clone()),
            offsets: Offsets::new(config, group)?,
            consumer,
            limits: Limits::of(config),
            topics: topics.iter().map(|name| (name.clone(), Arc::from(name.as_str()))).collect(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            paused: None,
            failed: None,
            progress: Progress::default(),
            trouble: None,
            uncommitted: BTreeSet::new(),
            committed: Instant::now(),
            away: false,
            next: Instant::now(),
        })
    }

    /// Takes a batch: waits for its first record for at most `wait`; then until a batch may begin
    /// again, and as long as records keep coming and the limits allow. `heard` tells what is not
    /// skipped.
    ///
    /// # Errors
    /// The consumer has failed for good.
    pub(crate) fn take(
        &mut self,
        wait: Duration,
        heard: impl Fn(&Taken) -> bool,
    ) -> Result<Batch, KafkaError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.resume()?;
        let mut batch = Batch::new();
        let mut patience = Some(wait);
        let mut began = Instant::now();
        while let Some(wait) = patience {
            let first = batch.is_empty();
            let Some(polled) = self.next_record(wait)? else { break };
            batch.add(polled, &self.assignments, &heard);
            if first {
                began = Instant::now();
                batch.started = clock::system_time();
            }
            patience = self.patience(&batch, began);
        }
        if !batch.records.is_empty() {
            self.next = Instant::now() + self.limits.each;
        }
        Ok(batch)
    }

    /// How long a batch that began at `began` waits for one more record; `None`: it is complete.
    fn patience(&self, batch: &Batch, began: Instant) -> Option<Duration> {
        let left = self.limits.wait.checked_sub(began.elapsed())?;
        let pause = self.next.saturating_duration_since(Instant::now());
        (!batch.is_full(&self.limits)).then(|| pause.max(LULL).min(left))
    }

    fn next_record(&mut self, wait: Duration) -> Result<Option<Polled>, KafkaError> {
        match self.kept.pop_front() {
            Some(kept) => {
                self.kept_bytes -= kept.taken.size();
                Ok(Some(kept))
            }
            None => self.poll(wait),
        }
    }

    /// One record, or nothing: nothing came, or something else did, such as a rebalance.
    fn poll(&mut self, wait: Duration) -> Result<Option<Polled>, KafkaError> {
        let polled = match self.consumer.poll(wait) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(own(&self.topics, &message))),
            Some(Err(error)) => Err(error),
        };
        for change in self.consumer.context().changes() {
            self.assignments.change(&change);
            self.trouble.take_if(|trouble| trouble.changed(&change));
        }
        self.failed = self.failed.take().or(self.consumer.context().failed());
        match polled {
            Ok(Some(taken)) => {
                self.away = false;
                let partition = (taken.topic.to_string(), taken.partition);
                self.progress.took(&partition, taken.timestamp);
                self.trouble.take_if(|trouble| trouble.gave(&partition));
                let number = self.assignments.number_of(&partition);
                Ok(number.map(|assignment| Polled { taken, assignment }))
            }
            Ok(None) => Ok(None),
            Err(error) => self.tell(error).map(|()| None),
        }
    }

    /// What is not dealt with here is logged already, by the client's context.
    fn tell(&mut self, error: KafkaError) -> Result<(), KafkaError> {
        match error.rdkafka_error_code() {
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(error),
            Some(RDKafkaErrorCode::Fatal) => Err(error),
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                tracing::error!(%error, "Kafka does not have the offset asked for: all positions are checked again");
                self.rest(|_| true, Duration::ZERO);
                Ok(())
            }
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.away = true;
                Ok(())
            }
            Some(code) => {
                let reason = self.consumer.context().reason();
                self.trouble = Trouble::of(code, reason, &self.assignments).or(self.trouble.take());
                // The client has passed over a damaged batch: what follows it must not be heard.
                if code == RDKafkaErrorCode::BadMessage {
                    self.rest(|_| true, DAMAGED_REST);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What keeps records from coming and does not go by itself, if something does.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(Trouble::text)
    }

    /// Fetches nothing of what is `chosen` until it is settled anew where each partition starts, after
    /// a rest.
    pub(crate) fn rest(&mut self, chosen: impl Fn(&Partition) -> bool, rest: Duration) {
        self.assignments.doubt(&self.consumer, chosen, rest);
        // What is fetched no longer may be among it.
        let assignments = &self.assignments;
        self.kept.retain(|kept| {
            let partition = (kept.taken.topic.to_string(), kept.taken.partition);
            assignments.number_of(&partition) == Some(kept.assignment)
        });
        self.kept_bytes = self.kept.iter().map(|kept| kept.taken.size()).sum();
    }

    /// Settles where each partition that was assigned starts.
    pub(crate) fn settle(&mut self, nothing_handled: bool) -> Result<(), KafkaError> {
        self.assignments.settle(&self.consumer, &self.offsets, nothing_handled)
    }

    /// Pauses all partitions, those that were settled since included, and serves the consumer once.
    pub(crate) fn stand_still(&mut self) {
        let newest = self.assignments.newest();
        if self.paused != Some(newest) {
            match self.consumer.assignment().and_then(|all| self.consumer.pause(&all)) {
                Ok(()) => self.paused = Some(newest),
                Err(error) => tracing::warn!(%error, "cannot pause"),
            }
        }
        match self.poll(Duration::ZERO) {
            Ok(Some(polled)) => self.keep(polled),
            Ok(None) => (),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Nothing more comes from what is paused. If it does, it is fetched again later.
    fn keep(&mut self, polled: Polled) {
        self.kept_bytes += polled.taken.size();
        self.kept.push_back(polled);
        if self.limits.records < self.kept.len() || self.limits.bytes < self.kept_bytes {
            tracing::warn!("records keep coming from partitions that are paused");
            self.rest(|_| true, Duration::ZERO);
        }
    }

    fn resume(&mut self) -> Result<(), KafkaError> {
        if self.paused.is_some() {
            self.consumer.resume(&self.consumer.assignment()?)?;
            self.paused = None;
            // Until now nothing could come.
            self.progress.begin();
        }
        Ok(())
    }

    /// All before the ends of a batch is handled. Its offsets are due to be committed, but for
    /// partitions that are no longer ours.
    pub(crate) fn handled(&mut self, batch: &Batch) {
        for (partition, next) in &batch.next {
            if self.assignments.advance(partition, next.assignment, next.offset) {
                self.uncommitted.insert(partition.clone());
            }
        }
    }

    /// Commits what is due, but while records keep coming not after each batch: a commit costs the
    /// broker as much as a record does.
    ///
    /// # Errors
    /// As the client says. Nothing is lost by that: the client's next statistics show what is not
    /// committed, and then it is due again. That also mends a commit that was refused during a
    /// rebalance; timers wait for what the group has committed.
    pub(crate) fn commit(&mut self, records_keep_coming: bool) -> Result<(), KafkaError> {
        if records_keep_coming && self.committed.elapsed() < COMMIT_EACH {
            return Ok(());
        }
        self.committed = Instant::now();
        let mut offsets = TopicPartitionList::new();
        for partition in std::mem::take(&mut self.uncommitted) {
            if let Some(next) = self.assignments.position(&partition) {
                offsets.add_partition_offset(&partition.0, partition.1, Offset::Offset(next))?;
            }
        }
        if 0 < offsets.count() {
            self.consumer.commit(&offsets, CommitMode::Async)?;
            crash_point!(Offsets);
        }
        Ok(())
    }
}
