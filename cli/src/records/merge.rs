//! Several partitions as one story: the earliest record first.

use std::collections::{BTreeMap, VecDeque};

use crate::follow::Record;

/// Records that wait for earlier ones of other partitions take at most so many bytes; then the
/// earliest of them goes first all the same.
const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What has come of each partition and was not taken yet.
pub(crate) struct Merge {
    partitions: BTreeMap<(String, i32), Partition>,
    waiting_bytes: usize,
}

#[derive(Default)]
struct Partition {
    records: VecDeque<Record>,
    /// Nothing is there to wait for.
    is_at_end: bool,
    /// All that was there at the beginning was read.
    has_ended: bool,
}

impl Merge {
    pub(crate) fn new(partitions: &[(String, i32)]) -> Self {
        let partitions = partitions.iter().map(|key| (key.clone(), Partition::default()));
        Self { partitions: partitions.collect(), waiting_bytes: 0 }
    }

    pub(crate) fn add(&mut self, record: Record) {
        self.waiting_bytes += bytes(&record);
        let partition =
            self.partitions.entry((record.topic.clone(), record.partition)).or_default();
        partition.is_at_end = false;
        partition.records.push_back(record);
    }

    /// A partition has nothing more for now.
    pub(crate) fn end(&mut self, topic: String, partition: i32) {
        let partition = self.partitions.entry((topic, partition)).or_default();
        partition.is_at_end = true;
        partition.has_ended = true;
    }

    /// Does not wait any longer for partitions that say nothing.
    pub(crate) fn hurry(&mut self) {
        self.partitions.values_mut().for_each(|partition| partition.is_at_end = true);
    }

    /// The earliest record, if none that is still to come can be earlier.
    pub(crate) fn next(&mut self) -> Option<Record> {
        let has_to_wait = |p: &Partition| p.records.is_empty() && !p.is_at_end;
        if self.waiting_bytes < WAITING_BYTES_MAX && self.partitions.values().any(has_to_wait) {
            return None;
        }
        let time = |p: &Partition| p.records.front().map(|record| record.time.to_millis());
        let with_records = self.partitions.values_mut().filter(|p| !p.records.is_empty());
        let record = with_records.min_by_key(|p| time(p))?.records.pop_front()?;
        self.waiting_bytes -= bytes(&record);
        Some(record)
    }

    /// Whether records wait.
    pub(crate) fn is_waiting(&self) -> bool {
        self.partitions.values().any(|partition| !partition.records.is_empty())
    }

    /// Whether all that was there at the beginning was taken.
    pub(crate) fn has_ended(&self) -> bool {
        self.partitions.values().all(|p| p.has_ended && p.records.is_empty())
    }
}

/// What a record takes in memory, roughly.
pub(crate) fn bytes(record: &Record) -> usize {
    const REST: usize = 200;
    let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers = record.headers.iter().map(|(name, value)| name.len() + len(value) + 50);
    REST + len(&record.key) + len(&record.value) + headers.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Timestamp;

    use super::*;

    fn record(topic: &str, offset: i64, ms: i64) -> Record {
        let (key, headers, value) = (None, vec![], None);
        let time = Timestamp::LogAppendTime(ms);
        Record { topic: topic.to_owned(), partition: 0, offset, time, key, headers, value }
    }

    fn taken(merge: &mut Merge) -> Vec<(String, i64)> {
        std::iter::from_fn(|| merge.next()).map(|record| (record.topic, record.offset)).collect()
    }

    #[test]
    fn the_earliest_goes_first_whatever_comes_first() {
        let mut merge = Merge::new(&[("a".to_owned(), 0), ("b".to_owned(), 0)]);
        merge.add(record("a", 0, 30));
        merge.add(record("a", 1, 40));
        assert_eq!(taken(&mut merge), [], "b may have something earlier");
        merge.add(record("b", 0, 20));
        merge.add(record("b", 1, 35));
        let expected = [("b", 0), ("a", 0), ("b", 1)].map(|(t, o)| (t.to_owned(), o));
        assert_eq!(taken(&mut merge), expected, "and again it may");
        assert!(!merge.has_ended());
        merge.end("b".to_owned(), 0);
        assert_eq!(taken(&mut merge), [("a".to_owned(), 1)]);
        merge.end("a".to_owned(), 0);
        assert!(merge.has_ended() && !merge.is_waiting());
    }

    #[test]
    fn who_says_nothing_is_waited_for_until_told_otherwise() {
        let mut merge = Merge::new(&[("a".to_owned(), 0), ("b".to_owned(), 0)]);
        merge.add(record("a", 7, 1));
        assert_eq!(taken(&mut merge), []);
        merge.hurry();
        assert_eq!(taken(&mut merge), [("a".to_owned(), 7)]);
        assert!(!merge.has_ended(), "nobody said that this is all");
    }
}
