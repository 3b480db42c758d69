//! What the headers of a dead letter say, for whoever reads it.

use std::str::FromStr;

use shared_events::amounts::Timestamp;
use shared_events::headers::RawHeaders;
use shared_events::ids::EventId;

use super::{
    DLQ_ATTEMPT, DLQ_ERROR, DLQ_ERROR_CLASS, DLQ_GROUP, DLQ_ID, DLQ_OFFSET, DLQ_PARTITION,
    DLQ_TIMESTAMP, DLQ_TOPIC, header,
};

/// What the headers of a dead letter, and of its replay, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The identity under which the event is dead.
    pub id: EventId,
    /// The consumer group that set it aside.
    pub group: String,
    /// Where the event stood first: the topic.
    pub topic: String,
    /// The partition, -1 for a timer.
    pub partition: i32,
    /// The offset, -1 for a timer.
    pub offset: i64,
    /// When it was appended there.
    pub time: Timestamp,
    /// What kind of fault; `-` if it does not say so.
    pub class: String,
    /// The fault in words; `-` if it does not say so.
    pub error: String,
    /// Which time it died, from 1.
    pub attempt: u32,
}

impl Death {
    /// Reads it.
    ///
    /// # Errors
    /// Which header is missing or wrong, in words.
    pub fn read(headers: &RawHeaders) -> Result<Self, String> {
        let word = |name| header(headers, name).unwrap_or("-").to_owned();
        Ok(Self {
            id: parse(headers, DLQ_ID)?,
            group: parse(headers, DLQ_GROUP)?,
            topic: parse(headers, DLQ_TOPIC)?,
            partition: parse(headers, DLQ_PARTITION)?,
            offset: parse(headers, DLQ_OFFSET)?,
            time: Timestamp(parse(headers, DLQ_TIMESTAMP)?),
            class: word(DLQ_ERROR_CLASS),
            error: word(DLQ_ERROR),
            attempt: parse(headers, DLQ_ATTEMPT)?,
        })
    }
}

fn parse<T: FromStr>(headers: &RawHeaders, name: &str) -> Result<T, String> {
    let text = header(headers, name).ok_or_else(|| format!("its header {name} is missing"))?;
    text.parse().map_err(|_| format!("its header {name} is no such value: {text:?}"))
}
