//! A dead letter: what its headers tell. The runtime writes them, see `choreography::dead_letter`.

use choreography::dead_letter::Death;
use rdkafka::message::Timestamp;
use shared_events::headers::Received;
use shared_events::topics::{dead_letter_topic, replay_topic};

use crate::follow::Record;
use crate::records::decode::decode;
use crate::terminal::readable;

/// A record of a topic of dead letters.
pub(super) struct Letter {
    pub(super) record: Record,
    /// What it says of the event, or why it is no dead letter.
    pub(super) dead: Result<Death, String>,
}

impl Letter {
    pub(super) fn read(record: Record) -> Self {
        let dead = death(&record, dead_letter_topic);
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

/// The replay that a record of a replay topic is.
pub(super) fn replay(record: &Record) -> Result<Death, String> {
    death(record, replay_topic)
}

/// `topic_of` says where what has this origin and this group belongs.
fn death(record: &Record, topic_of: fn(&str, &str) -> String) -> Result<Death, String> {
    let death = Death::read(&record.headers)?;
    let belongs = topic_of(&death.topic, &death.group);
    if belongs == record.topic {
        return Ok(death);
    }
    Err(format!("by its headers it belongs on {belongs}"))
}

/// Where the event stood first.
pub(super) fn origin(death: &Death) -> String {
    match death.offset {
        ..0 => format!("{} (a timer)", death.topic),
        offset => format!("{}/{}/{offset}", death.topic, death.partition),
    }
}

/// Since when it stood there.
pub(super) fn since(death: &Death) -> Timestamp {
    Timestamp::CreateTime(death.time.0)
}
