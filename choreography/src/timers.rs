//! When a timer may be taken.
//!
//! A timer is due by the database's clock. But an outage of ours must not make a deadline pass for
//! events that were there in time and only not heard. So, while a timer is due, the time and the
//! ends of all partitions heard are noted each second; when the group's committed offsets have
//! reached all ends of a note, everything that was appended before its time has been heard, and
//! timers due before that time may be taken, by any instance.

use std::collections::{HashMap, VecDeque};

use rdkafka::error::KafkaResult;
use uuid::Uuid;

use crate::db::{Database, DbResult, Input};
use crate::hear::{Offsets, Partition};

/// At most this many timers in one transaction.
pub(crate) const TIMERS_MAX: i64 = 500;

/// At most this many notes wait; when there are more, every second one is dropped.
const NOTES_MAX: usize = 64;

/// When the group has not come further for this long, it is looked whether there is anything left
/// to hear.
const STANDSTILL_MS: i64 = 2_000;

/// What was noted, and what follows from it.
#[derive(Default)]
pub(crate) struct Timers {
    notes: VecDeque<Note>,
    /// Timers due before this time of the database may be taken.
    allowed: i64,
    /// How far the group had come at the last look.
    committed: HashMap<Partition, i64>,
    /// What is known to stand behind what the group has committed.
    behind: HashMap<Partition, Behind>,
}

struct Note {
    time: i64,
    ends: HashMap<Partition, i64>,
}

/// What stands behind an offset.
#[derive(Clone, Copy)]
enum Behind {
    /// At `from` or behind it stands a record.
    Record { from: i64 },
    /// From `from` to `end` stands none.
    Nothing { from: i64, end: i64 },
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
        offsets: &Offsets,
        topics: &[&str],
        due: Due,
    ) -> KafkaResult<Option<i64>> {
        let Some(first) = due.first.filter(|first| *first <= due.now) else {
            *self = Self { allowed: self.allowed, ..Self::default() };
            return Ok(None);
        };
        if self.allowed < first {
            let partitions = offsets.partitions(topics)?;
            self.note(Note { time: due.now, ends: offsets.ends(&partitions)? });
            let committed = committed(offsets, &partitions)?;
            self.read(&committed);
            if self.allowed < first {
                self.look_behind(offsets, due.now, &committed)?;
                self.read(&committed);
            }
            self.committed = committed;
            tracing::debug!(
                due = first,
                allowed = self.allowed,
                notes = self.notes.len(),
                "timers are due"
            );
        }
        // A clock that went back must not let pass what is not due by it.
        Ok((first <= self.allowed).then_some(self.allowed.min(due.now)))
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
        let is_reached = |note: &Note| {
            note.ends.iter().all(|(partition, end)| self.has_heard(partition, *end, committed))
        };
        if let Some(newest) = self.notes.iter().rposition(is_reached) {
            self.allowed = self.allowed.max(self.notes[newest].time);
            self.notes.drain(..=newest);
        }
    }

    /// Whether the group has heard all before `end`.
    fn has_heard(
        &self,
        partition: &Partition,
        end: i64,
        committed: &HashMap<Partition, i64>,
    ) -> bool {
        let Some(offset) = committed.get(partition) else { return false };
        let nothing = match self.behind.get(partition) {
            Some(Behind::Nothing { from, end: last }) => from <= offset && end <= *last,
            Some(Behind::Record { .. }) | None => false,
        };
        end <= *offset || nothing
    }

    /// The group may stand before offsets that hold no record, and will not pass them: the end of
    /// another producer's transaction takes an offset, too. So where it stands still, one record is
    /// read.
    fn look_behind(
        &mut self,
        offsets: &Offsets,
        now: i64,
        committed: &HashMap<Partition, i64>,
    ) -> KafkaResult<()> {
        let Some(oldest) = self.notes.front().filter(|note| note.time <= now - STANDSTILL_MS)
        else {
            return Ok(());
        };
        let unheard: Vec<(Partition, i64)> = oldest
            .ends
            .iter()
            .filter(|(partition, end)| !self.has_heard(partition, **end, committed))
            .map(|(partition, end)| (partition.clone(), *end))
            .collect();
        let places: Vec<Partition> =
            unheard.iter().map(|(partition, _)| partition.clone()).collect();
        let stable = offsets.stable_ends(&places)?;
        for (partition, end) in unheard {
            // Behind a transaction that has not ended nobody can see what stands there.
            if stable[&partition] < end {
                continue;
            }
            let Some(&from) = committed.get(&partition) else { continue };
            let moves = self.committed.get(&partition) != Some(&from);
            let known = matches!(self.behind.get(&partition), Some(Behind::Record { from: f }) if *f == from);
            if moves || known {
                continue;
            }
            let empty = offsets.is_empty_from(&partition, from)?;
            tracing::debug!(
                messaging.destination = partition.0,
                messaging.partition = partition.1,
                messaging.offset = from,
                empty,
                "the group stands still: read on"
            );
            match empty {
                Some(true) => self.behind.insert(partition, Behind::Nothing { from, end }),
                Some(false) => self.behind.insert(partition, Behind::Record { from }),
                // One that does not answer is enough for one look.
                None => return Ok(()),
            };
        }
        Ok(())
    }
}

/// What the group has committed. Where it has committed nothing it stands at the first offset there
/// is: so it has heard all of what holds nothing, and else it is read what follows.
fn committed(offsets: &Offsets, partitions: &[Partition]) -> KafkaResult<HashMap<Partition, i64>> {
    let mut committed = offsets.committed(partitions)?;
    let mut never = partitions.to_vec();
    never.retain(|partition| !committed.contains_key(partition));
    for (partition, (low, _)) in never.iter().zip(offsets.watermarks(&never)?) {
        committed.insert(partition.clone(), low);
    }
    Ok(committed)
}
