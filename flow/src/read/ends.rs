//! Where each partition ends.

use std::collections::BTreeMap;

use anyhow::Context;
use choreography::{Config, onlooker};
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::TIMEOUT;
use crate::sight::End;

/// The ends of these partitions: of all that there is, and of what no open transaction hides.
pub(super) fn read(
    config: &Config,
    partitions: &[(String, i32)],
) -> anyhow::Result<BTreeMap<(String, i32), End>> {
    let asker = |level: &str| -> anyhow::Result<BaseConsumer> {
        Ok(onlooker(config).set("isolation.level", level).create()?)
    };
    let (all, committed) = (asker("read_uncommitted")?, asker("read_committed")?);
    let end = |(topic, partition): &(String, i32)| {
        let marks = |asker: &BaseConsumer| {
            let marks = asker.fetch_watermarks(topic, *partition, TIMEOUT);
            marks.with_context(|| format!("the end of {topic}/{partition}"))
        };
        // In this order: without an open transaction what is stable has reached what was high.
        let (low, high) = marks(&all)?;
        let stable = marks(&committed)?.1.min(high);
        Ok(((topic.clone(), *partition), End { low, high, stable, read: low, is_cut: false }))
    };
    partitions.iter().map(end).collect()
}
