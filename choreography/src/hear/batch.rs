//! What is taken at once, and where each partition goes on after it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rdkafka::message::{BorrowedMessage, Message};
use shared_events::amounts::Timestamp;

use super::assignment::{Assignments, Partition};
use crate::clock;
use crate::config::Config;
use crate::kafka::headers_of;
use crate::record::Taken;

/// What one batch may hold.
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
    pub(super) wait: Duration,
    /// From one batch to the next.
    pub(super) each: Duration,
}

impl Limits {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            records: config.batch_records as usize,
            bytes: config.batch_bytes as usize,
            wait: config.batch_wait,
            each: config.batch_each.min(config.batch_wait),
        }
    }
}

/// A record, and the number of the assignment under which it was fetched.
pub(super) struct Polled {
    pub(super) taken: Taken,
    pub(super) assignment: u64,
}

/// What was taken at once.
pub(crate) struct Batch {
    /// What may concern the service, in the order of each partition.
    pub(crate) records: Vec<Taken>,
    /// How many records were skipped by their header, by topic.
    pub(crate) skipped: BTreeMap<Arc<str>, u64>,
    /// When its first record came.
    pub(crate) started: SystemTime,
    /// Where each partition goes on, and under which assignment that is true.
    pub(super) next: HashMap<Partition, Next>,
    bytes: usize,
}

pub(super) struct Next {
    pub(super) offset: i64,
    pub(super) assignment: u64,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            records: vec![],
            skipped: BTreeMap::new(),
            started: clock::system_time(),
            next: HashMap::new(),
            bytes: 0,
        }
    }

    /// Whether nothing was taken, not even something to skip.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        limits.records <= self.records.len() || limits.bytes <= self.bytes
    }

    /// Adds a record. It is left out if its partition was revoked since, or assigned once more:
    /// then it is fetched again, by whoever owns it now.
    pub(super) fn add(
        &mut self,
        polled: Polled,
        assignments: &Assignments,
        heard: impl Fn(&Taken) -> bool,
    ) {
        let Polled { taken, assignment } = polled;
        let partition = (taken.topic.to_string(), taken.partition);
        if assignments.number_of(&partition) != Some(assignment) {
            return;
        }
        self.next.insert(partition, Next { offset: taken.offset + 1, assignment });
        if heard(&taken) {
            self.bytes += taken.size();
            self.records.push(taken);
        } else {
            *self.skipped.entry(Arc::clone(&taken.topic)).or_default() += 1;
        }
    }
}

/// A record of the client's as our own.
pub(super) fn own(topics: &HashMap<String, Arc<str>>, message: &BorrowedMessage<'_>) -> Taken {
    Taken {
        topic: topics.get(message.topic()).map_or_else(|| message.topic().into(), Arc::clone),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: Timestamp(message.timestamp().to_millis().unwrap_or_default()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers_of(message),
    }
}
