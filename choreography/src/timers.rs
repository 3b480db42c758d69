//! When a timer may be taken.
//!
//! A timer is due by the database's clock. But an outage of ours must not make a deadline pass for
//! events that were there in time and only not heard. So, while a timer is due, the time and the
//! ends of all partitions heard are noted each second; when the group's committed offsets have
//! reached all ends of a note, everything that was appended before its time has been heard, and
//! timers due before that time may be taken, by any instance.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use uuid::Uuid;

use crate::db::{Database, DbResult, Input};
use crate::hear::{HearContext, Partition};

/// At most this many timers in one transaction.
pub(crate) const TIMERS_MAX: i64 = 500;

/// At most this many notes wait; when there are more, every second one is dropped.
const NOTES_MAX: usize = 64;

/// How long Kafka may take to tell an offset.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What was noted, and what follows from it.
#[derive(Default)]
pub(crate) struct Timers {
    notes: VecDeque<Note>,
    /// Timers due before this time of the database may be taken.
    allowed: i64,
}

struct Note {
    time: i64,
    ends: HashMap<Partition, i64>,
}

/// The state of the timers in the database, at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// The database's time, in milliseconds since 1970.
    pub(crate) now: i64,
    /// When the first timer is due, if there is one.
    pub(crate) first: Option<i64>,
}

/// Reads the database's time and when the first timer is due.
pub(crate) async fn due(db: &Database) -> DbResult<Due> {
    const DUE: &str = "SELECT now_ms(), (SELECT MIN(due) FROM timers)";
    let mut db = db.begin_read().await?;
    let rows = db.fetch::<(i64, Option<i64>)>(DUE, Input::new()).await?;
    db.rollback().await?;
    Ok(rows
        .first()
        .map_or(Due { now: 0, first: None }, |(now, first)| Due { now: *now, first: *first }))
}

/// Loads timers that are due before `allowed`, the first ones first, and locks them: what another
/// instance has taken is left to it.
pub(crate) const TAKE: &str =
    "SELECT id, due, record FROM timers WHERE due <= (SELECT allowed FROM input)
    ORDER BY due LIMIT (SELECT most FROM input) FOR UPDATE SKIP LOCKED";

/// A row of `timers` as it is read.
pub(crate) type TimerRow = (Uuid, i64, Vec<u8>);

impl Timers {
    /// Looks, while a timer is due, how far the group has come. Out: the time before which timers
    /// may be taken, if one is due before it.
    ///
    /// # Errors
    /// Kafka does not tell.
    pub(crate) fn look(
        &mut self,
        consumer: &BaseConsumer<HearContext>,
        topics: &[&str],
        due: Due,
    ) -> KafkaResult<Option<i64>> {
        let Some(first) = due.first.filter(|first| *first <= due.now) else {
            self.notes.clear();
            return Ok(None);
        };
        if self.allowed < first {
            let ends = ends(consumer, topics)?;
            self.note(Note { time: due.now, ends });
            self.read(&committed(consumer, topics)?);
        }
        Ok((first <= self.allowed).then_some(self.allowed))
    }

    fn note(&mut self, note: Note) {
        if NOTES_MAX <= self.notes.len() {
            let mut keep = false;
            self.notes.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.notes.push_back(note);
    }

    /// The newest note that is reached counts, and what is older is no longer needed.
    fn read(&mut self, committed: &HashMap<Partition, i64>) {
        let reached = |note: &Note| {
            note.ends.iter().all(|(partition, end)| {
                *end == 0 || committed.get(partition).is_some_and(|offset| end <= offset)
            })
        };
        if let Some(newest) = self.notes.iter().rposition(reached) {
            self.allowed = self.allowed.max(self.notes[newest].time);
            self.notes.drain(..=newest);
        }
    }
}

fn ends(
    consumer: &BaseConsumer<HearContext>,
    topics: &[&str],
) -> KafkaResult<HashMap<Partition, i64>> {
    partitions(consumer, topics)?
        .elements()
        .iter()
        .map(|element| {
            let (topic, partition) = (element.topic(), element.partition());
            let (low, high) = consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
            // Nothing is left that could be heard: whoever commits next does so at its end.
            let end = if low == high { 0 } else { high };
            Ok(((topic.to_owned(), partition), end))
        })
        .collect()
}

fn committed(
    consumer: &BaseConsumer<HearContext>,
    topics: &[&str],
) -> KafkaResult<HashMap<Partition, i64>> {
    let offsets = consumer.committed_offsets(partitions(consumer, topics)?, TIMEOUT)?;
    Ok(offsets
        .elements()
        .iter()
        .filter_map(|element| match element.offset() {
            Offset::Offset(offset) => {
                Some(((element.topic().to_owned(), element.partition()), offset))
            }
            _ => None,
        })
        .collect())
}

fn partitions(
    consumer: &BaseConsumer<HearContext>,
    topics: &[&str],
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            list.add_partition(topic, partition.id());
        }
    }
    Ok(list)
}
