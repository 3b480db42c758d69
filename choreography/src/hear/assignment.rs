//! Where to start: the committed offset, compared with what the partition still has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{Change, HearContext};
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
    /// Ours, and not yet settled where to start.
    pending: BTreeSet<Partition>,
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

/// Records that are gone before they were heard, or an offset that the partition never had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    committed: Option<i64>,
    low: i64,
    high: i64,
}

/// Where a partition starts.
enum Start {
    At(i64),
    /// At this offset, on an operator's word.
    Accepted(i64),
    Not(Gap),
}

impl Assignments {
    pub(super) fn new(group: &str, accepted: Vec<AcceptedGap>) -> Self {
        Self {
            group: group.to_owned(),
            accepted,
            number: 0,
            changes: 0,
            fetched: HashMap::new(),
            pending: BTreeSet::new(),
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

    /// Whether there are partitions to settle.
    pub(crate) fn are_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How often the group has told what is ours: 0 until we have joined it. It may be nothing.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn change(&mut self, change: &Change) {
        self.changes += 1;
        match change {
            Change::Assigned(partitions) => self.pending.extend(partitions.iter().cloned()),
            Change::Revoked(partitions) => {
                for partition in partitions {
                    self.pending.remove(partition);
                    self.gaps.remove(partition);
                    self.fetched.remove(partition);
                }
            }
        }
    }

    /// Stops fetching, and settles all anew: some position was not what the broker has.
    pub(super) fn doubt(&mut self, consumer: &BaseConsumer<HearContext>) {
        if let Err(error) = unassign(consumer, |partition| self.fetched.contains_key(partition)) {
            // It is tried again before anything is fetched anew.
            tracing::warn!(%error, "cannot stop fetching");
        }
        self.pending.extend(self.fetched.drain().map(|(partition, _)| partition));
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
        let pending: Vec<Partition> = self.pending.iter().cloned().collect();
        let committed = offsets.committed(&pending)?;
        let watermarks = offsets.watermarks(&pending)?;
        let (mut starts, mut accepted) = (TopicPartitionList::new(), TopicPartitionList::new());
        for (partition, (low, high)) in pending.into_iter().zip(watermarks) {
            let known = committed.get(&partition).copied();
            let add = |list: &mut TopicPartitionList, offset| {
                list.add_partition_offset(&partition.0, partition.1, Offset::Offset(offset))
            };
            match self.start(&partition, known, low, high, nothing_handled) {
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
                        describe(&self.group, &partition, &gap)
                    );
                    self.gaps.insert(partition, gap);
                }
            }
        }
        self.fetch(consumer, &starts)?;
        self.pending.clear();
        if 0 < accepted.count() {
            // The next start needs no word for a gap that was accepted once.
            consumer.commit(&accepted, CommitMode::Async)?;
        }
        Ok(())
    }

    fn start(
        &self,
        partition: &Partition,
        committed: Option<i64>,
        low: i64,
        high: i64,
        nothing_handled: bool,
    ) -> Start {
        match committed {
            Some(offset) if (low..=high).contains(&offset) => return Start::At(offset),
            None if low == 0 || nothing_handled => return Start::At(low),
            Some(_) | None => (),
        }
        let accepted = self.accepted.iter().find(|gap| {
            gap.topic == partition.0
                && gap.partition == partition.1
                && (low..=high).contains(&gap.offset)
        });
        match accepted {
            Some(gap) => Start::Accepted(gap.offset),
            None => Start::Not(Gap { committed, low, high }),
        }
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
        let texts: Vec<_> = self
            .gaps
            .iter()
            .map(|(partition, gap)| describe(&self.group, partition, gap))
            .collect();
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

fn describe(group: &str, (topic, partition): &Partition, gap: &Gap) -> String {
    let Gap { committed, low, high } = gap;
    let what = match committed {
        Some(committed) if committed < low => {
            format!("{} records are gone before {group} heard them", low - committed)
        }
        Some(committed) => format!(
            "{group} has committed offset {committed}, and the partition ends at {high}: was the topic created again?"
        ),
        None => format!(
            "{group} has handled events before, has no committed offset here, and the first {low} records are gone"
        ),
    };
    format!(
        "{topic}/{partition}: {what}. To go on without them start with --accept-gap {topic}/{partition}@{low}"
    )
}
