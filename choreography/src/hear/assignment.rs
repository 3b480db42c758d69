//! Where to start: the committed offset, compared with what the partition still has.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{Change, HearContext};
use super::gap::{Gap, Known, Start};
use super::offsets::Offsets;
use crate::config::AcceptedGap;

/// A topic and a partition of it.
pub(crate) type Partition = (String, i32);

/// What this member of the group is responsible for.
pub(crate) struct Assignments {
    group: String,
    accepted: Vec<AcceptedGap>,
    /// Counts what is fetched anew, so that a batch can tell whether a partition was ours all the
    /// time.
    number: u64,
    /// Counts the group's rebalances.
    changes: u64,
    fetched: HashMap<Partition, Fetched>,
    /// Ours, and not yet settled where to start; not before this time.
    pending: BTreeMap<Partition, Instant>,
    /// Ours, and not fetched, as records are missing.
    gaps: BTreeMap<Partition, Gap>,
}

/// A partition that is fetched.
struct Fetched {
    /// The number of its assignment.
    number: u64,
    /// The offset after the last record that was handled.
    next: i64,
}

impl Assignments {
    pub(super) fn new(group: &str, accepted: Vec<AcceptedGap>) -> Self {
        Self {
            group: group.to_owned(),
            accepted,
            number: 0,
            changes: 0,
            fetched: HashMap::new(),
            pending: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// The number of the assignment under which a partition is fetched, if it is.
    pub(super) fn number_of(&self, partition: &Partition) -> Option<u64> {
        self.fetched.get(partition).map(|fetched| fetched.number)
    }

    /// The number of the newest assignment.
    pub(super) fn newest(&self) -> u64 {
        self.number
    }

    /// The offset after the last record that was handled, if the partition is fetched.
    pub(super) fn position(&self, partition: &Partition) -> Option<i64> {
        self.fetched.get(partition).map(|fetched| fetched.next)
    }

    /// All before `next` was handled. Out: whether the partition is still ours, under this number.
    pub(super) fn advance(&mut self, partition: &Partition, number: u64, next: i64) -> bool {
        match self.fetched.get_mut(partition) {
            Some(fetched) if fetched.number == number => {
                fetched.next = next;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether there are partitions to settle now.
    pub(crate) fn are_pending(&self) -> bool {
        let now = Instant::now();
        self.pending.values().any(|from| *from <= now)
    }

    /// The partitions that are fetched.
    pub(super) fn fetched(&self) -> impl Iterator<Item = &Partition> {
        self.fetched.keys()
    }

    /// How often the group has told what is ours: 0 until we have joined it. It may be nothing.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn change(&mut self, change: &Change) {
        self.changes += 1;
        match change {
            Change::Assigned(partitions) => {
                let now = Instant::now();
                self.pending.extend(partitions.iter().map(|partition| (partition.clone(), now)));
            }
            Change::Revoked(partitions) => {
                for partition in partitions {
                    self.pending.remove(partition);
                    self.gaps.remove(partition);
                    self.fetched.remove(partition);
                }
            }
        }
    }

    /// Stops fetching what is `chosen`, and settles anew where it starts, after a rest.
    pub(super) fn doubt(
        &mut self,
        consumer: &BaseConsumer<HearContext>,
        chosen: impl Fn(&Partition) -> bool,
        rest: Duration,
    ) {
        let is_chosen =
            |partition: &Partition| chosen(partition) && self.fetched.contains_key(partition);
        if let Err(error) = unassign(consumer, is_chosen) {
            // It is tried again before anything is fetched anew.
            tracing::warn!(%error, "cannot stop fetching");
        }
        let from = Instant::now() + rest;
        self.fetched.retain(|partition, _| {
            let keep = !chosen(partition);
            if !keep {
                self.pending.insert(partition.clone(), from);
            }
            keep
        });
    }

    /// Settles where each pending partition starts, and begins to fetch it.
    /// `nothing_handled`: this service has never handled an event.
    ///
    /// # Errors
    /// Kafka does not tell; what is pending stays so, for another try.
    pub(super) fn settle(
        &mut self,
        consumer: &BaseConsumer<HearContext>,
        offsets: &Offsets,
        nothing_handled: bool,
    ) -> KafkaResult<()> {
        let now = Instant::now();
        let is_due =
            |(partition, from): (&Partition, &Instant)| (*from <= now).then(|| partition.clone());
        let pending: Vec<Partition> = self.pending.iter().filter_map(is_due).collect();
        let committed = offsets.committed(&pending)?;
        let watermarks = offsets.watermarks(&pending)?;
        let (mut starts, mut accepted) = (TopicPartitionList::new(), TopicPartitionList::new());
        for (partition, (low, high)) in pending.into_iter().zip(watermarks) {
            let committed = committed.get(&partition).copied();
            let known = Known { committed, low, high, nothing_handled };
            let add = |list: &mut TopicPartitionList, offset| {
                list.add_partition_offset(&partition.0, partition.1, Offset::Offset(offset))
            };
            match known.start(&self.group, &partition, &self.accepted) {
                Start::At(offset) => add(&mut starts, offset)?,
                Start::Accepted(offset) => {
                    add(&mut starts, offset)?;
                    add(&mut accepted, offset)?;
                }
                Start::Not(gap) => {
                    tracing::error!(
                        messaging.destination = partition.0,
                        messaging.partition = partition.1,
                        "{}",
                        gap.describe(&self.group, &partition)
                    );
                    self.gaps.insert(partition, gap);
                }
            }
        }
        self.fetch(consumer, &starts)?;
        self.pending.retain(|_, from| now < *from);
        if 0 < accepted.count() {
            // The next start needs no word for a gap that was accepted once.
            consumer.commit(&accepted, CommitMode::Async)?;
        }
        Ok(())
    }

    fn fetch(
        &mut self,
        consumer: &BaseConsumer<HearContext>,
        starts: &TopicPartitionList,
    ) -> Result<(), KafkaError> {
        // What could not be given up before is fetched at a place that was doubted.
        unassign(consumer, |(topic, partition)| {
            starts.find_partition(topic, *partition).is_some()
        })?;
        // The client keeps a pause for as long as it lives. A partition that was taken away while it
        // was paused, and comes back, would never be fetched again.
        consumer.resume(starts)?;
        consumer.incremental_assign(starts)?;
        for element in starts.elements() {
            self.number += 1;
            let Offset::Offset(next) = element.offset() else { continue };
            let fetched = Fetched { number: self.number, next };
            self.fetched.insert((element.topic().to_owned(), element.partition()), fetched);
        }
        Ok(())
    }

    /// What an operator has to know of the gaps, if there are any.
    pub(crate) fn describe_gaps(&self) -> Option<String> {
        let texts: Vec<_> =
            self.gaps.iter().map(|(partition, gap)| gap.describe(&self.group, partition)).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// How many partitions wait behind a gap.
    pub(crate) fn gaps(&self) -> usize {
        self.gaps.len()
    }
}

/// Stops fetching those partitions that are fetched and `chosen`.
fn unassign(
    consumer: &BaseConsumer<HearContext>,
    chosen: impl Fn(&Partition) -> bool,
) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    for partition in super::client::names(&consumer.assignment()?) {
        if chosen(&partition) {
            list.add_partition(&partition.0, partition.1);
        }
    }
    if list.count() == 0 { Ok(()) } else { consumer.incremental_unassign(&list) }
}
