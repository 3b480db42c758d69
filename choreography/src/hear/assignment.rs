//! Where to start: the committed offset, compared with what the partition still has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rdkafka::consumer::{BaseConsumer, Consumer};
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
    /// Counts assignments, so that a batch can tell whether a partition was ours all the time.
    number: u64,
    /// Fetched, by the number of their assignment.
    fetched: HashMap<Partition, u64>,
    /// Ours, and not yet settled where to start.
    pending: BTreeSet<Partition>,
    /// Ours, and not fetched, as records are missing.
    gaps: BTreeMap<Partition, Gap>,
}

/// Records that are gone before they were heard, or an offset that the partition never had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    committed: Option<i64>,
    low: i64,
    high: i64,
}

impl Assignments {
    pub(super) fn new(group: &str, accepted: Vec<AcceptedGap>) -> Self {
        Self {
            group: group.to_owned(),
            accepted,
            number: 0,
            fetched: HashMap::new(),
            pending: BTreeSet::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// The number of the assignment under which a partition is fetched, if it is.
    pub(crate) fn number_of(&self, partition: &Partition) -> Option<u64> {
        self.fetched.get(partition).copied()
    }

    /// Whether there are partitions to settle.
    pub(crate) fn are_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether anything is ours.
    pub(crate) fn any(&self) -> bool {
        !(self.fetched.is_empty() && self.pending.is_empty() && self.gaps.is_empty())
    }

    pub(super) fn change(&mut self, change: &Change) {
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
        let mut list = TopicPartitionList::new();
        for (topic, partition) in self.fetched.keys() {
            list.add_partition(topic, *partition);
        }
        if let Err(error) = consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "cannot stop fetching");
        }
        self.pending.extend(self.fetched.drain().map(|(partition, _)| partition));
    }

    /// Settles where each pending partition starts, and begins to fetch it.
    /// `nothing_handled`: this service has never handled an event.
    ///
    /// # Errors
    /// Kafka does not tell; what is pending stays so, for another try.
    pub(crate) fn settle(
        &mut self,
        consumer: &BaseConsumer<HearContext>,
        offsets: &Offsets,
        nothing_handled: bool,
    ) -> KafkaResult<()> {
        let pending: Vec<Partition> = self.pending.iter().cloned().collect();
        let committed = offsets.committed(&pending)?;
        let mut starts = TopicPartitionList::new();
        for partition in pending {
            let (low, high) = offsets.watermarks(&partition)?;
            let committed = committed.get(&partition).copied();
            match self.start(&partition, committed, low, high, nothing_handled) {
                Ok(offset) => {
                    starts.add_partition_offset(
                        &partition.0,
                        partition.1,
                        Offset::Offset(offset),
                    )?;
                }
                Err(gap) => {
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
        Ok(())
    }

    fn start(
        &self,
        partition: &Partition,
        committed: Option<i64>,
        low: i64,
        high: i64,
        nothing_handled: bool,
    ) -> Result<i64, Gap> {
        match committed {
            Some(offset) if (low..=high).contains(&offset) => return Ok(offset),
            None if low == 0 || nothing_handled => return Ok(low),
            Some(_) | None => (),
        }
        let accepted = self.accepted.iter().find(|gap| {
            gap.topic == partition.0
                && gap.partition == partition.1
                && (low..=high).contains(&gap.offset)
        });
        accepted.map(|gap| gap.offset).ok_or(Gap { committed, low, high })
    }

    fn fetch(
        &mut self,
        consumer: &BaseConsumer<HearContext>,
        starts: &TopicPartitionList,
    ) -> Result<(), KafkaError> {
        consumer.incremental_assign(starts)?;
        for element in starts.elements() {
            self.number += 1;
            self.fetched.insert((element.topic().to_owned(), element.partition()), self.number);
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
