//! Which dead letters are meant.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, ensure};
use shared_events::headers::Received;
use shared_events::topics::dead_letter_topic;

use super::letter::Letter;
use super::options::Filter;

/// One event, or one place.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// The end of the event's id.
    Id(String),
    Place(Place),
}

/// The place of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl FromStr for Place {
    type Err = anyhow::Error;

    /// `choreo tail` writes `@` before the offset.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (place, offset) = text.rsplit_once(['/', '@'])?;
            let (topic, partition) = place.rsplit_once('/')?;
            let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
            let is_one = !topic.is_empty() && 0 <= partition && (0..i64::MAX).contains(&offset);
            is_one.then(|| Self { topic: topic.to_owned(), partition, offset })
        };
        parts().context("a place is TOPIC/PARTITION/OFFSET, such as orders.inventory-svc.dlq/2/5")
    }
}

impl FromStr for Which {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        /// Fewer characters would be many events' by chance.
        const ID_CHARS_MIN: usize = 8;
        if text.contains('/') {
            return text.parse().map(Self::Place);
        }
        ensure!(
            ID_CHARS_MIN <= text.chars().count(),
            "the id of an event or its end of at least {ID_CHARS_MIN} characters is needed, or a \
             place: TOPIC/PARTITION/OFFSET"
        );
        Ok(Self::Id(text.to_owned()))
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Place(place) => place.fmt(f),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

impl Place {
    fn is(&self, topic: &str, partition: i32, offset: i64) -> bool {
        (self.topic.as_str(), self.partition, self.offset) == (topic, partition, offset)
    }
}

impl Which {
    /// Whether it is this one: by the id that it died under or that it has itself, by its own place
    /// or that of the event.
    pub(super) fn is(&self, letter: &Letter) -> bool {
        let Letter { record, dead } = letter;
        let dead = dead.as_ref().ok();
        match self {
            Self::Id(end) => {
                let own = Received::read(&record.headers).id;
                let died_as = dead.map(|dead| dead.id.to_string());
                [died_as.as_deref(), own].into_iter().flatten().any(|id| id.ends_with(end.as_str()))
            }
            Self::Place(place) => {
                place.is(&record.topic, record.partition, record.offset)
                    || dead.is_some_and(|dead| place.is(&dead.topic, dead.partition, dead.offset))
            }
        }
    }
}

impl Filter {
    /// Whether a topic of dead letters can have some that are wanted.
    pub(super) fn may_stand_on(&self, topic: &str) -> bool {
        let is_of = |group: &String| topic.ends_with(&dead_letter_topic("", group));
        let is_from = |origin: &String| {
            topic.strip_prefix(origin.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.group.as_ref().is_none_or(is_of) && self.topic.as_ref().is_none_or(is_from)
    }

    /// Whether a letter of such a topic is wanted. One that does not say what died is nobody's in
    /// particular, so only its topic counts, unless a kind of fault is wanted.
    pub(super) fn wants(&self, letter: &Letter) -> bool {
        let dead = letter.dead.as_ref().ok();
        let order = letter.order();
        let is_of = |wanted: &String| order.as_ref().is_some_and(|id| id.ends_with(wanted));
        let key = || letter.record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        let has_key = |wanted: &String| key().is_some_and(|key| key.ends_with(wanted.as_str()));
        self.group.as_ref().is_none_or(|group| dead.is_none_or(|dead| dead.group == *group))
            && self.topic.as_ref().is_none_or(|topic| dead.is_none_or(|dead| dead.topic == *topic))
            && self.order.as_ref().is_none_or(|order| is_of(order) || has_key(order))
            && self.error.as_ref().is_none_or(|class| dead.is_some_and(|dead| dead.class == *class))
    }
}
