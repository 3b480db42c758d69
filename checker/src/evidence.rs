//! What there is, and what there has to be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared_events::amounts::Timestamp;

use crate::books::Books;
use crate::journal::Journal;
use crate::log::Log;
use crate::record::Record;
use crate::service::Service;

/// What there is. Of a live system it is true in what it says only if it was read in this order:
/// first [`Progress::committed`] of all groups, then [`Progress::ends`] of all topics, then the
/// records, at least up to these ends, then the rows.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// On the topics.
    pub log: Log,
    /// In the databases.
    pub books: Books,
    /// How far each group was.
    pub progress: Progress,
}

/// How far each group was, and where the topics ended after that.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The committed offset of each group, by topic and partition.
    pub committed: BTreeMap<Service, BTreeMap<(String, i32), i64>>,
    /// The high watermark of each partition.
    pub ends: BTreeMap<(String, i32), i64>,
    /// Whose topics of dead letters do not begin with their first record any more.
    pub letters_deleted: BTreeSet<Service>,
}

impl Progress {
    /// Whether `service` had taken a record: then all its answers were acknowledged before, so that
    /// they are among the records, and its effect is in the rows.
    #[must_use]
    pub fn has_taken(&self, service: Service, record: &Record) -> bool {
        let offsets = self.committed.get(&service);
        let committed = offsets.and_then(|all| all.get(&place(record)));
        committed.is_some_and(|committed| record.offset < *committed)
    }

    /// Whether a record stood before the ends: then all that it rests on is among the records.
    #[must_use]
    pub fn was_there(&self, record: &Record) -> bool {
        self.ends.get(&place(record)).is_some_and(|end| record.offset < *end)
    }
}

fn place(record: &Record) -> (String, i32) {
    (record.topic.clone(), record.partition)
}

/// What there has to be.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The orders that were placed, as far as their clients have taken it down.
    pub journal: Journal,
    /// All dead letters, if that is known.
    pub dead: Option<BTreeSet<Dead>>,
    /// Orders placed from then on are looked at; none: all, and the records are there from the first
    /// one on.
    pub since: Option<Timestamp>,
    /// How long things may take in a live system; none: all is at rest, nothing may be under way, and
    /// the rows are all that there are.
    pub patience: Option<Patience>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The time.
    pub now: Timestamp,
    /// For all that happens at once.
    pub grace: Duration,
    /// Until an order is decided: order-svc's own setting.
    pub deadline: Duration,
    /// From the dispatch of a parcel to its delivery: logistics-svc's own setting.
    pub deliver_after: Duration,
}

impl Patience {
    /// Whether more than the grace has passed since then.
    #[must_use]
    pub fn is_over(&self, since: Timestamp) -> bool {
        since.after(self.grace) < self.now
    }
}

/// A dead letter: who set it aside, and where its record stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dead {
    /// Who.
    pub service: Service,
    /// The topic of the record.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}
