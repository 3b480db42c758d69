//! What each group has committed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use choreography::announce::Published;
use choreography::{Config, onlooker};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::TIMEOUT;
use crate::sight::Positions;

/// So many groups are looked at: each takes a client for a moment.
const GROUPS_MAX: usize = 100;

/// The committed offsets of all groups in these partitions: of those with a manifest, and of all that
/// the broker knows.
pub(super) fn committed(
    config: &Config,
    reader: &BaseConsumer,
    manifests: &BTreeMap<String, Published>,
    partitions: &[(String, i32)],
) -> anyhow::Result<BTreeMap<String, Positions>> {
    let mut groups: BTreeSet<String> =
        manifests.values().map(|published| published.group.clone()).collect();
    groups.extend(known(config, reader));
    let of = |group: String| {
        let positions = of_group(config, &group, partitions)
            .with_context(|| format!("what group {group} has committed"))?;
        Ok((group, positions))
    };
    groups.into_iter().take(GROUPS_MAX).map(of).collect()
}

/// The consumer groups that the broker knows. Without the right to list them only those with a
/// manifest are told.
fn known(config: &Config, reader: &BaseConsumer) -> Vec<String> {
    if config.embedded {
        // It never answers that.
        return vec![];
    }
    match reader.fetch_group_list(None, TIMEOUT) {
        Ok(list) => {
            // Who assigns partitions by itself and only commits has none.
            let consumers = list
                .groups()
                .iter()
                .filter(|group| ["consumer", ""].contains(&group.protocol_type()));
            consumers.map(|group| group.name().to_owned()).collect()
        }
        Err(error) => {
            tracing::warn!(%error, "the groups cannot be listed: those without a manifest are not told");
            vec![]
        }
    }
}

fn of_group(
    config: &Config,
    group: &str,
    partitions: &[(String, i32)],
) -> anyhow::Result<Positions> {
    let asker: BaseConsumer = onlooker(config).set("group.id", group).create()?;
    let mut list = TopicPartitionList::new();
    partitions.iter().for_each(|(topic, partition)| {
        list.add_partition(topic, *partition);
    });
    let committed = asker.committed_offsets(list, TIMEOUT)?;
    let known = committed.elements().into_iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => Some(((element.topic().to_owned(), element.partition()), offset)),
        _ => None,
    });
    Ok(known.collect())
}
