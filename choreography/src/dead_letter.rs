//! Dead letters: what cannot succeed by waiting is set aside, whole, and said like any answer.
//!
//! The record on `<topic>.<group>.dlq` has the key, the value and the headers of the original, and
//! the headers named here. Whoever mends the cause sends it to `<topic>.<group>.replay` as it is.

mod death;

use std::any::Any;
use std::fmt;

use shared_events::amounts::Timestamp;
use shared_events::headers::{CONTENT_TYPE, RawHeaders, TRACEPARENT, TRACESTATE};
use shared_events::identity;
use shared_events::ids::EventId;
use shared_events::topics::{DEAD_LETTER_BYTES_MAX, dead_letter_topic, replay_topic};

use crate::incoming::{Incoming, Via};
use crate::record::{HEADER_OVERHEAD, Owed, Record, Taken};
use crate::telemetry::TraceContext;

pub use death::Death;

/// The identity under which the event is dead; its replay has the same.
pub const DLQ_ID: &str = "dlq-id";
/// The consumer group that set it aside.
pub const DLQ_GROUP: &str = "dlq-group";
/// Where it was: the topic.
pub const DLQ_TOPIC: &str = "dlq-topic";
/// Where it was: the partition, -1 for a timer.
pub const DLQ_PARTITION: &str = "dlq-partition";
/// Where it was: the offset, -1 for a timer.
pub const DLQ_OFFSET: &str = "dlq-offset";
/// When it was appended there: milliseconds since 1970.
pub const DLQ_TIMESTAMP: &str = "dlq-timestamp";
/// What kind of fault, see [`PoisonClass`].
pub const DLQ_ERROR_CLASS: &str = "dlq-error-class";
/// The fault in words.
pub const DLQ_ERROR: &str = "dlq-error";
/// Which time it died: 1, and one more for each replay.
pub const DLQ_ATTEMPT: &str = "dlq-attempt";

/// How many of its own headers are left out, as the dead letter would be too large with them.
pub const DLQ_HEADERS_OMITTED: &str = "dlq-headers-omitted";

/// All headers of a dead letter begin with this.
const PREFIX: &str = "dlq-";

/// The longest error text that is kept, in characters.
const ERROR_CHARS_MAX: usize = 500;

/// Why an event is poison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Poison {
    pub(crate) class: PoisonClass,
    pub(crate) why: String,
}

impl Poison {
    pub(crate) fn new(class: PoisonClass, why: impl Into<String>) -> Self {
        let why: String = why.into();
        let why = why.chars().take(ERROR_CHARS_MAX).flat_map(char::escape_default).collect();
        Self { class, why }
    }
}

/// What a panic says, if that is a literal. A text that was put together may show what was decided
/// about, and so personal data: then the log tells where it was, and no more.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &'static str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("its text is not shown, see where it was")
}

/// The kinds of poison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoisonClass {
    /// Its bytes are no event that is heard here.
    Undecodable,
    /// The decision panicked.
    Panic,
    /// The database refuses what was decided, for its data.
    Refused,
    /// An answer is larger than the limit, or not what the manifest declares.
    Answer,
}

impl PoisonClass {
    /// Its name in headers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Panic => "panic",
            Self::Refused => "refused",
            Self::Answer => "answer",
        }
    }
}

impl fmt::Display for PoisonClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an event stood first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) append_time: Timestamp,
    /// How often it has died before.
    pub(crate) deaths: u32,
}

impl Origin {
    /// A timer comes from no partition.
    pub(crate) const NO_PARTITION: i32 = -1;
    /// A timer comes from no offset.
    pub(crate) const NO_OFFSET: i64 = -1;

    pub(crate) fn of(taken: &Taken) -> Self {
        Self {
            topic: taken.topic.to_string(),
            partition: taken.partition,
            offset: taken.offset,
            append_time: taken.timestamp,
            deaths: 0,
        }
    }
}

/// Whether `topic` is a replay topic of `group`.
pub(crate) fn is_replay(group: &str, topic: &str) -> bool {
    topic.ends_with(&replay_topic("", group))
}

/// If the record was taken from a replay topic of `group`: which event it is and where that stood.
/// The error says which header is missing or wrong.
pub(crate) fn origin_of_replay(
    group: &str,
    taken: &Taken,
) -> Option<Result<(EventId, Origin), &'static str>> {
    let topic = header(&taken.headers, DLQ_TOPIC).unwrap_or_default();
    if *taken.topic != *replay_topic(topic, group) {
        return is_replay(group, &taken.topic).then_some(Err(DLQ_TOPIC));
    }
    Some(read_origin(topic, &taken.headers))
}

fn read_origin(topic: &str, headers: &RawHeaders) -> Result<(EventId, Origin), &'static str> {
    fn parse<T: std::str::FromStr>(
        headers: &RawHeaders,
        name: &'static str,
    ) -> Result<T, &'static str> {
        header(headers, name).and_then(|text| text.parse().ok()).ok_or(name)
    }
    let origin = Origin {
        topic: topic.to_owned(),
        partition: parse(headers, DLQ_PARTITION)?,
        offset: parse(headers, DLQ_OFFSET)?,
        append_time: Timestamp(parse(headers, DLQ_TIMESTAMP)?),
        deaths: parse(headers, DLQ_ATTEMPT)?,
    };
    Ok((parse(headers, DLQ_ID)?, origin))
}

fn header<'a>(headers: &'a RawHeaders, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().rev().find(|(header, _)| header == name)?;
    std::str::from_utf8(value.as_deref()?).ok()
}

/// The dead letter of an event, to be owed.
pub(crate) fn of<E>(
    group: &str,
    incoming: &Incoming<E>,
    poison: &Poison,
    sent: &TraceContext,
) -> Owed {
    let (taken, origin) = (&incoming.taken, &incoming.origin);
    let attempt = origin.deaths.saturating_add(1);
    let ours = [
        (DLQ_ID, incoming.id.to_string()),
        (DLQ_GROUP, group.to_owned()),
        (DLQ_TOPIC, origin.topic.clone()),
        (DLQ_PARTITION, origin.partition.to_string()),
        (DLQ_OFFSET, origin.offset.to_string()),
        (DLQ_TIMESTAMP, origin.append_time.0.to_string()),
        (DLQ_ERROR_CLASS, poison.class.to_string()),
        (DLQ_ERROR, poison.why.clone()),
        (DLQ_ATTEMPT, attempt.to_string()),
        (TRACEPARENT, sent.traceparent()),
    ];
    let tracestate = sent.state.clone().map(|state| (TRACESTATE, state));
    let (mut headers, omitted) = kept_headers(taken);
    let omitted = (0 < omitted).then(|| (DLQ_HEADERS_OMITTED, omitted.to_string()));
    headers.extend(
        ours.into_iter()
            .chain(tracestate)
            .chain(omitted)
            .map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))),
    );
    let topic = dead_letter_topic(&origin.topic, group);
    // The same partition as its origin's, so that the dead letters of a partition are in its order.
    let partition = (incoming.via != Via::Timer).then_some(origin.partition);
    Owed {
        id: identity::of_dead_letter(incoming.id, group, attempt).0,
        cause: incoming.id.0,
        key: None,
        sequence: None,
        record: Record::new(&topic, partition, taken.key.clone(), taken.value.clone(), headers),
    }
}

/// Its own headers as far as the dead letter does not get too large for its topic by them, and how
/// many are left out. Those that say which event it is go first. Key and value are always whole.
fn kept_headers(taken: &Taken) -> (RawHeaders, usize) {
    // Ours have to fit beside them, and those that say which event it is beside any value.
    const OURS: usize = 16 << 10;
    const LEAST: usize = 64 << 10;
    // One traceparent only: that of the span that sends the dead letter.
    let replaced =
        |name: &str| name == TRACEPARENT || name == TRACESTATE || name.starts_with(PREFIX);
    let own: Vec<_> = taken.headers.iter().filter(|(name, _)| !replaced(name)).collect();
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let rest = DEAD_LETTER_BYTES_MAX.saturating_sub(length(&taken.key) + length(&taken.value));
    let mut room = rest.saturating_sub(OURS).max(LEAST);
    let mut fits = vec![false; own.len()];
    for important in [true, false] {
        for (fits, (name, value)) in fits.iter_mut().zip(&own) {
            let size = name.len() + length(value) + HEADER_OVERHEAD;
            if important == (name.starts_with("ce_") || name == CONTENT_TYPE) && size <= room {
                room -= size;
                *fits = true;
            }
        }
    }
    let kept =
        own.iter().zip(&fits).filter(|(_, fits)| **fits).map(|(header, _)| (*header).clone());
    (kept.collect(), fits.iter().filter(|fits| !**fits).count())
}
