//! Reading topics: from where, in which order, what each record is, and how it looks as JSON.

pub(crate) mod from;

pub(crate) mod starts;

pub(crate) mod merge;

pub(crate) mod decode;

pub(crate) mod json;

use std::time::Duration;

use anyhow::{Context, anyhow};
use choreography::Config;
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::time::Instant;

use crate::follow::{Following, Read, Record};
use merge::Merge;

/// How long the broker may say nothing at all before the end is reached.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Gives all records from `starts` to the end to `take`, the earliest first, until it has enough:
/// then it answers `false`.
///
/// # Errors
/// The broker cannot be read to the end.
pub(crate) async fn read_to_the_end(
    config: &Config,
    starts: &TopicPartitionList,
    mut take: impl FnMut(Record) -> bool,
) -> anyhow::Result<()> {
    let elements = starts.elements();
    let partitions: Vec<_> =
        elements.iter().map(|element| (element.topic().to_owned(), element.partition())).collect();
    let mut merge = Merge::new(&partitions);
    // It ends its thread in the background when it is dropped.
    let mut following = Following::start(config, starts)?;
    let mut heard = Instant::now();
    loop {
        while let Some(record) = merge.next() {
            if !take(record) {
                return Ok(());
            }
        }
        if merge.has_ended() {
            return Ok(());
        }
        let read = tokio::time::timeout_at(heard + SILENCE_MAX, following.reads.recv()).await;
        let read = read.map_err(|_| anyhow!("the broker does not give all records"))?;
        match read.context("the follower has ended")? {
            Read::Record(record) => merge.add(record),
            Read::End { topic, partition } => merge.end(topic, partition),
            Read::Away => continue,
            Read::Failed(error) => return Err(error),
        }
        heard = Instant::now();
    }
}
