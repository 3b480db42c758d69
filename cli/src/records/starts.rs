//! From `--from` to the offset of each partition.

use std::time::Duration;

use anyhow::Context;
use choreography::{Config, looker};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::from::From;

/// How long the broker may take to tell offsets.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Where each partition begins. It asks the broker, so it blocks.
///
/// # Errors
/// The broker does not answer.
pub(crate) fn starts(
    config: &Config,
    from: From,
    partitions: &[(String, i32)],
) -> anyhow::Result<TopicPartitionList> {
    let mut starts = TopicPartitionList::new();
    let all = |list: &mut TopicPartitionList, offset| {
        partitions.iter().try_for_each(|(topic, p)| list.add_partition_offset(topic, *p, offset))
    };
    match from.absolute() {
        From::Beginning => all(&mut starts, Offset::Beginning)?,
        // A time that is so long ago is absolute now.
        From::End | From::Ago(_) => all(&mut starts, Offset::End)?,
        From::Last(0) => all(&mut starts, Offset::End)?,
        From::Last(count) => all(&mut starts, Offset::OffsetTail(count))?,
        From::Time(ms) => {
            all(&mut starts, Offset::Offset(ms))?;
            let found = asker(config)?.offsets_for_times(starts, ANSWER_MAX);
            starts = found.context("the offsets of that time")?;
        }
        From::Offset(wanted) => {
            let asker = asker(config)?;
            for (topic, partition) in partitions {
                let marks = asker.fetch_watermarks(topic, *partition, ANSWER_MAX);
                let (low, high) = marks.with_context(|| format!("{topic}/{partition}"))?;
                let offset = Offset::Offset(wanted.clamp(low, high.max(low)));
                starts.add_partition_offset(topic, *partition, offset)?;
            }
        }
    }
    Ok(starts)
}

/// A client that only asks.
fn asker(config: &Config) -> anyhow::Result<BaseConsumer> {
    let mut client = looker(config);
    // The library asks for a name even if there is no group.
    client.set("group.id", "choreo");
    client.create().context("the settings of the client")
}
