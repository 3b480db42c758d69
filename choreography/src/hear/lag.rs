//! How far behind we are, by what the client's statistics say.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::statistics::Statistics;

use super::{Hear, Partition};
use crate::clock;

/// How far one partition is behind.
#[derive(Clone, Debug)]
pub(crate) struct Lag {
    pub(crate) topic: String,
    pub(crate) partition: i32,
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
    topic: String,
    partition: i32,
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
                topic: name.clone(),
                partition: p.partition,
                end: p.ls_offset,
                next: p.next_offset,
                queued: p.fetchq_cnt,
                committed: p.committed_offset,
            })
        });
        // What is not known yet is negative, as is the partition that stands for no partition.
        let known = |f: &Fetched| 0 <= f.partition && 0 <= f.end && 0 <= f.next;
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

impl Hear {
    /// The lag of each of our partitions, if the client said something since the last call.
    pub(crate) fn lags(&mut self) -> Option<Vec<Lag>> {
        let figures = self.consumer.context().figures()?;
        self.offsets.serve();
        self.away = self.away && !figures.connected;
        let mut ours = figures.partitions;
        ours.retain(|f| self.assignments.position(&(f.topic.clone(), f.partition)).is_some());
        self.behind = self.paused.is_none() && ours.iter().any(Fetched::has_more);
        self.uncommitted = ours.iter().filter_map(|f| self.uncommitted(f)).collect();
        let age = clock::now().0.saturating_sub(self.newest.0).max(0);
        let age = Duration::from_millis(age.unsigned_abs()).as_secs_f64();
        let lag = |fetched: Fetched| {
            let more = fetched.has_more();
            let partition = (fetched.topic, fetched.partition);
            let handled = self.assignments.position(&partition).unwrap_or(fetched.end);
            let records = if more { (fetched.end - handled).max(0) } else { 0 };
            let seconds = if records == 0 { 0.0 } else { age };
            Lag { topic: partition.0, partition: partition.1, records, seconds }
        };
        Some(ours.into_iter().map(lag).collect())
    }

    fn uncommitted(&self, fetched: &Fetched) -> Option<Partition> {
        let partition = (fetched.topic.clone(), fetched.partition);
        (self.assignments.position(&partition) != Some(fetched.committed)).then_some(partition)
    }

    /// For how long there was something to take, and nothing came.
    pub(crate) fn stuck_for(&self) -> Duration {
        if self.behind { self.moved.elapsed() } else { Duration::ZERO }
    }

    /// Whether no broker can be reached.
    pub(crate) fn is_away(&self) -> bool {
        self.away
    }
}
