//! How far behind we are, by what the client's statistics say.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::statistics::Statistics;
use shared_events::amounts::Timestamp;

use super::{Hear, Partition};
use crate::clock;

/// How far one partition is behind.
#[derive(Clone, Debug)]
pub(crate) struct Lag {
    pub(crate) partition: Partition,
    /// Records not handled yet.
    pub(crate) records: i64,
    /// For how long, about.
    pub(crate) seconds: f64,
}

/// What the client's statistics say, as far as it is used.
pub(super) struct Figures {
    partitions: Vec<Fetched>,
    /// Whether a broker is connected.
    connected: bool,
}

/// How far one partition was fetched.
struct Fetched {
    partition: Partition,
    /// The offset after the last record that can be read.
    end: i64,
    /// The next offset to ask the broker for.
    next: i64,
    /// Records that were fetched and not yet taken.
    queued: i64,
    /// What we have committed.
    committed: i64,
}

impl Figures {
    pub(super) fn of(statistics: Statistics) -> Self {
        let connected = statistics.brokers.values().any(|broker| broker.state == "UP");
        let partitions = statistics.topics.into_values().flat_map(|topic| {
            let name = topic.topic;
            topic.partitions.into_values().map(move |p| Fetched {
                partition: (name.clone(), p.partition),
                end: p.ls_offset,
                next: p.next_offset,
                queued: p.fetchq_cnt,
                committed: p.committed_offset,
            })
        });
        // What is not known yet is negative, as is the partition that stands for no partition.
        let known = |f: &Fetched| 0 <= f.partition.1 && 0 <= f.end && 0 <= f.next;
        Self { connected, partitions: partitions.filter(known).collect() }
    }
}

impl Fetched {
    /// Whether there is something to take. The last offsets of a partition may hold no record, but
    /// the end of another producer's transaction.
    fn has_more(&self) -> bool {
        0 < self.queued || self.next < self.end
    }
}

/// How each partition goes on.
#[derive(Default)]
pub(super) struct Progress(HashMap<Partition, Moved>);

struct Moved {
    /// When the newest record that was taken had been appended, if one was taken.
    newest: Option<Timestamp>,
    /// Since when something is there and nothing was taken, by the client's statistics.
    waits: Option<Instant>,
}

impl Progress {
    /// A record was taken.
    pub(super) fn took(&mut self, partition: &Partition, appended: Timestamp) {
        let moved = Moved { newest: Some(appended), waits: None };
        match self.0.get_mut(partition) {
            Some(known) => *known = moved,
            None => drop(self.0.insert(partition.clone(), moved)),
        }
    }

    /// Nobody has waited until now.
    pub(super) fn begin(&mut self) {
        self.0.values_mut().for_each(|moved| moved.waits = None);
    }

    /// The client says whether there is more.
    fn note(&mut self, partition: &Partition, more: bool) {
        let new = || Moved { newest: None, waits: None };
        let moved = self.0.entry(partition.clone()).or_insert_with(new);
        let since = moved.waits.unwrap_or_else(Instant::now);
        moved.waits = more.then_some(since);
    }

    /// How old the newest record is that was taken; 0 before the first one.
    fn age(&self, partition: &Partition) -> f64 {
        let newest = self.0.get(partition).and_then(|moved| moved.newest);
        let age = newest.map_or(0, |newest| clock::now().0.saturating_sub(newest.0).max(0));
        Duration::from_millis(age.unsigned_abs()).as_secs_f64()
    }
}

impl Hear {
    /// The lag of each of our partitions, if the client said something since the last call.
    pub(crate) fn lags(&mut self) -> Option<Vec<Lag>> {
        let figures = self.consumer.context().figures()?;
        self.offsets.serve();
        self.away = self.away && !figures.connected;
        let mut ours = figures.partitions;
        ours.retain(|f| self.assignments.position(&f.partition).is_some());
        self.progress.0.retain(|partition, _| self.assignments.position(partition).is_some());
        for fetched in &ours {
            let waits = self.paused.is_none() && !self.away && fetched.has_more();
            self.progress.note(&fetched.partition, waits);
        }
        let uncommitted: Vec<_> = ours.iter().filter_map(|f| self.uncommitted(f)).collect();
        self.uncommitted.extend(uncommitted);
        Some(ours.into_iter().map(|fetched| self.lag(fetched)).collect())
    }

    fn lag(&self, fetched: Fetched) -> Lag {
        let handled = self.assignments.position(&fetched.partition).unwrap_or(fetched.end);
        let records = if fetched.has_more() { (fetched.end - handled).max(0) } else { 0 };
        let seconds = if records == 0 { 0.0 } else { self.progress.age(&fetched.partition) };
        Lag { partition: fetched.partition, records, seconds }
    }

    fn uncommitted(&self, fetched: &Fetched) -> Option<Partition> {
        let handled = self.assignments.position(&fetched.partition);
        (handled != Some(fetched.committed)).then(|| fetched.partition.clone())
    }

    /// Since when there is something to take from a partition and nothing came, and which one it is;
    /// the one that waits longest.
    pub(crate) fn stuck(&self) -> Option<(Instant, String)> {
        if self.paused.is_some() || self.away {
            return None;
        }
        let waits = self.progress.0.iter().filter_map(|(p, moved)| Some((moved.waits?, p)));
        let (since, (topic, partition)) = waits.min_by_key(|(since, _)| *since)?;
        Some((since, format!("{topic}/{partition}")))
    }

    /// Whether no broker can be reached.
    pub(crate) fn is_away(&self) -> bool {
        self.away
    }
}
