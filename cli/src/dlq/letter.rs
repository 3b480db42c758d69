//! A dead letter: what its headers tell. The runtime writes them, see `choreography::dead_letter`.

use std::str::FromStr;

use choreography::dead_letter::{
    DLQ_ATTEMPT, DLQ_ERROR, DLQ_ERROR_CLASS, DLQ_GROUP, DLQ_ID, DLQ_OFFSET, DLQ_PARTITION,
    DLQ_TIMESTAMP, DLQ_TOPIC,
};
use rdkafka::message::Timestamp;
use shared_events::headers::Received;
use shared_events::ids::EventId;
use shared_events::topics::{dead_letter_topic, replay_topic};

use crate::follow::Record;
use crate::records::decode::decode;
use crate::terminal::readable;

/// A record of a topic of dead letters.
pub(super) struct Letter {
    pub(super) record: Record,
    /// What it says of the event, or why it is no dead letter.
    pub(super) dead: Result<Dead, String>,
}

/// What the headers of a dead letter, and of its replay, say.
pub(super) struct Dead {
    /// The identity under which the event is dead.
    pub(super) id: EventId,
    pub(super) group: String,
    /// Where the event stood first.
    pub(super) topic: String,
    /// -1 for a timer.
    pub(super) partition: i32,
    /// -1 for a timer.
    pub(super) offset: i64,
    /// When it was appended there.
    pub(super) time: Timestamp,
    pub(super) class: String,
    pub(super) error: String,
    /// Which time it died, from 1.
    pub(super) attempt: u32,
}

impl Letter {
    pub(super) fn read(record: Record) -> Self {
        let dead = Dead::read(&record, dead_letter_topic);
        Self { record, dead }
    }

    /// The name of the event, if it says one.
    pub(super) fn name(&self) -> Option<String> {
        let said = Received::read(&self.record.headers).name.map(str::to_owned);
        said.or_else(|| decode(self.record.value.as_deref()).name().map(str::to_owned))
    }

    /// The order it belongs to, or else its key.
    pub(super) fn order(&self) -> Option<String> {
        let said = Received::read(&self.record.headers).correlation.map(str::to_owned);
        said.or_else(|| self.record.key.as_deref().map(readable))
    }

    /// Its own place, as it is written to name it.
    pub(super) fn place(&self) -> String {
        let Record { topic, partition, offset, .. } = &self.record;
        format!("{topic}/{partition}/{offset}")
    }
}

impl Dead {
    /// The replay that a record of a replay topic is.
    pub(super) fn of_replay(record: &Record) -> Result<Self, String> {
        Self::read(record, replay_topic)
    }

    /// `topic_of` says where what has this origin and this group belongs.
    fn read(record: &Record, topic_of: fn(&str, &str) -> String) -> Result<Self, String> {
        let dead = Self {
            id: parse(record, DLQ_ID)?,
            group: parse(record, DLQ_GROUP)?,
            topic: parse(record, DLQ_TOPIC)?,
            partition: parse(record, DLQ_PARTITION)?,
            offset: parse(record, DLQ_OFFSET)?,
            time: Timestamp::CreateTime(parse(record, DLQ_TIMESTAMP)?),
            class: text(record, DLQ_ERROR_CLASS).unwrap_or("-").to_owned(),
            error: text(record, DLQ_ERROR).unwrap_or("-").to_owned(),
            attempt: parse(record, DLQ_ATTEMPT)?,
        };
        let belongs = topic_of(&dead.topic, &dead.group);
        if belongs == record.topic {
            return Ok(dead);
        }
        Err(format!("by its headers it belongs on {belongs}"))
    }

    /// Where the event stood first.
    pub(super) fn origin(&self) -> String {
        match self.offset {
            ..0 => format!("{} (a timer)", self.topic),
            offset => format!("{}/{}/{offset}", self.topic, self.partition),
        }
    }
}

fn parse<T: FromStr>(record: &Record, name: &str) -> Result<T, String> {
    let text = text(record, name).ok_or_else(|| format!("its header {name} is missing"))?;
    text.parse().map_err(|_| format!("its header {name} is no such value: {text:?}"))
}

/// The last header of a name counts.
fn text<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    let (_, value) = record.headers.iter().rfind(|(header, _)| header == name)?;
    std::str::from_utf8(value.as_deref()?).ok()
}
