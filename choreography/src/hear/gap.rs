//! Gaps: records that are gone before they were heard, and the word of an operator that they may be.

use super::Partition;
use crate::config::AcceptedGap;

/// Records that are gone before they were heard, or an offset that the partition never had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    committed: Option<i64>,
    low: i64,
    high: i64,
}

/// What is known of a partition before it is fetched.
pub(super) struct Known {
    /// The offset that the group has committed.
    pub(super) committed: Option<i64>,
    /// The first offset that the partition has.
    pub(super) low: i64,
    /// The one after its last.
    pub(super) high: i64,
    /// The service has never handled an event.
    pub(super) nothing_handled: bool,
}

/// Where a partition starts.
pub(super) enum Start {
    At(i64),
    /// At this offset, on an operator's word.
    Accepted(i64),
    Not(Gap),
}

impl Known {
    /// At the committed offset, if the partition has that; or where an operator has said for this
    /// gap.
    pub(super) fn start(&self, group: &str, of: &Partition, accepted: &[AcceptedGap]) -> Start {
        let Self { committed, low, high, nothing_handled } = *self;
        match committed {
            Some(offset) if (low..=high).contains(&offset) => return Start::At(offset),
            None if low == 0 || nothing_handled => return Start::At(low),
            Some(_) | None => (),
        }
        let word = accepted.iter().find(|gap| {
            gap.topic == of.0 && gap.partition == of.1 && self.is_word_for_this(gap.offset)
        });
        let Some(word) = word else { return Start::Not(Gap { committed, low, high }) };
        tracing::error!(
            messaging.destination = of.0,
            messaging.partition = of.1,
            messaging.offset = word.offset,
            gone = low - committed.unwrap_or(0).min(low),
            passed_over = word.offset - low,
            "{group} goes on behind a gap, on an operator's word"
        );
        Start::Accepted(word.offset)
    }

    /// The offset that the gap is told with, or one ahead of it. A topic that was created again has
    /// offsets that a word for another gap may name, too: there only the first one is it.
    fn is_word_for_this(&self, offset: i64) -> bool {
        let created_again = self.committed.is_some_and(|committed| self.high < committed);
        offset == self.low || !created_again && (self.low..=self.high).contains(&offset)
    }
}

impl Gap {
    /// What an operator has to know of it.
    pub(super) fn describe(&self, group: &str, (topic, partition): &Partition) -> String {
        let Self { committed, low, high } = self;
        let what = match committed {
            Some(committed) if committed < low => {
                format!("{} records are gone before {group} heard them", low - committed)
            }
            Some(committed) => format!(
                "{group} has committed offset {committed}, and the partition ends at {high}: was the topic created again?"
            ),
            None => format!(
                "{group} has handled events before, has no committed offset here, and the first {low} records are gone"
            ),
        };
        format!(
            "{topic}/{partition}: {what}. To go on without them start with --accept-gap {topic}/{partition}@{low}"
        )
    }
}
