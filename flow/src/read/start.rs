//! From a time to offsets.

use std::collections::BTreeMap;

use anyhow::Context;
use choreography::{Config, onlooker};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;
use shared_events::ids::drawn_at;

use super::TIMEOUT;
use crate::sight::End;

/// Clocks differ: an order's id may be drawn so long after its record is appended, by the broker's
/// clock.
const CLOCKS_DIFFER_MS: i64 = 5 * 60 * 1000;

/// From when on an order may stand on its topic, as its id tells: a UUID of version 7.
pub(super) fn time_of(order: &str) -> Option<i64> {
    drawn_at(order).map(|drawn| (drawn.0 - CLOCKS_DIFFER_MS).max(0))
}

/// Where each of these partitions is to be read from: the first record of this time or later; without
/// a time its first record.
pub(super) fn offsets<'a>(
    config: &Config,
    from_ms: Option<i64>,
    partitions: impl Iterator<Item = (&'a (String, i32), &'a End)>,
) -> anyhow::Result<BTreeMap<(String, i32), i64>> {
    let partitions: Vec<_> = partitions.collect();
    // The embedded broker has no index of times.
    let Some(ms) = from_ms.filter(|_| !config.embedded) else {
        return Ok(partitions.into_iter().map(|(place, end)| (place.clone(), end.low)).collect());
    };
    let asker: BaseConsumer = onlooker(config).create()?;
    let mut list = TopicPartitionList::new();
    for ((topic, partition), _) in &partitions {
        list.add_partition_offset(topic, *partition, Offset::Offset(ms))?;
    }
    let found = asker.offsets_for_times(list, TIMEOUT).context("the offsets of that time")?;
    let offset = |(place, end): (&(String, i32), &End)| {
        let found = found.find_partition(&place.0, place.1).map(|element| element.offset());
        let offset = match found {
            Some(Offset::Offset(offset)) => offset,
            _ => end.high,
        };
        (place.clone(), offset)
    };
    Ok(partitions.into_iter().map(offset).collect())
}
