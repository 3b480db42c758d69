//! What was seen besides the records of the order.

use std::collections::{BTreeMap, BTreeSet};

use choreography::announce::{Name, Published, PublishedHearing};
use shared_events::amounts::Timestamp;

use crate::story::{Place, Told};

/// Offsets by topic and partition.
pub type Positions = BTreeMap<(String, i32), i64>;

/// What was seen besides the records of the order.
#[derive(Clone, Debug)]
pub struct Sight {
    /// All manifests, by `group/version`.
    pub manifests: BTreeMap<String, Published>,
    /// What each group has committed: everything before that offset is taken.
    pub committed: BTreeMap<String, Positions>,
    /// The ends of the partitions that were looked at, read after what is committed.
    pub ends: BTreeMap<(String, i32), End>,
    /// When it was read, by the clock of the reader.
    pub at: Timestamp,
}

/// How far a partition was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The offset of the next record.
    pub high: i64,
    /// From here on a producer's open transaction hides what there is. Without one it is `high`.
    pub stable: i64,
    /// The offset of the first record that there still is.
    pub low: i64,
    /// Read up to here.
    pub read: i64,
    /// Whether the reading ended before the partition does, as it had reached its limit.
    pub is_cut: bool,
}

impl End {
    fn hidden(&self, topic: &str, partition: i32) -> Option<String> {
        let Self { high, stable, read, is_cut, .. } = self;
        if stable < high {
            return Some(format!(
                "an open transaction of another producer hides {topic}/{partition} from offset {stable} on"
            ));
        }
        is_cut.then(|| format!("{topic}/{partition} was read up to offset {read} of {high} only"))
    }
}

impl Sight {
    /// Which groups should hear this event, each with what its newest manifest of then declares.
    pub(crate) fn hearings(&self, told: &Told) -> Vec<(&str, &PublishedHearing)> {
        let Place { topic, partition, offset, .. } = &told.place;
        let mut newest: BTreeMap<&str, &Published> = BTreeMap::new();
        let there = self.manifests.values().filter(|p| p.covers(topic, *partition, *offset));
        for published in there {
            let of_group = newest.entry(&published.group).or_insert(published);
            if of_group.version < published.version {
                *of_group = published;
            }
        }
        let is_it = |name: &Name| name.name == told.name && name.topic == *topic;
        let hearing = |published: &'_ Published| {
            published.hears.iter().position(|hearing| is_it(&hearing.event))
        };
        let heard = newest.into_iter();
        heard.filter_map(|(group, p)| Some((group, &p.hears[hearing(p)?]))).collect()
    }

    /// The groups without a manifest that have committed something of this topic.
    pub(crate) fn undeclared(&self, topic: &str) -> Vec<&str> {
        let is_declared = |group: &str| self.manifests.values().any(|p| p.group == group);
        let hears = |positions: &Positions| positions.keys().any(|(name, _)| name == topic);
        let groups = self
            .committed
            .iter()
            .filter(|(group, positions)| !is_declared(group) && hears(positions));
        groups.map(|(group, _)| group.as_str()).collect()
    }

    /// How far `group` has come in the partition of `place`: to what it has committed, and where it
    /// has committed nothing, to the first record. `None`: it has never committed anything.
    pub(crate) fn position(&self, group: &str, place: &Place) -> Option<i64> {
        let committed = self.committed.get(group).filter(|positions| !positions.is_empty())?;
        let partition = (place.topic.clone(), place.partition);
        let low = || self.ends.get(&partition).map_or(0, |end| end.low);
        Some(committed.get(&partition).copied().unwrap_or_else(low))
    }

    /// Why an answer of this group may be there and was not seen.
    pub(crate) fn hidden(&self, group: &str) -> Option<String> {
        let own = self.manifests.values().filter(|published| published.group == group);
        let says = own.flat_map(|published| &published.says).map(|name| name.topic.as_str());
        let says: BTreeSet<_> = says.collect();
        let of_group = self.ends.iter().filter(|((topic, _), _)| says.contains(topic.as_str()));
        of_group.filter_map(|((topic, partition), end)| end.hidden(topic, *partition)).next()
    }
}
