//! Record headers: CloudEvents 1.0 in binary mode, and W3C trace context.
//!
//! [`Envelope`] is what our producers write. [`Received`] is what can be read of whatever another
//! producer wrote: each header that is missing, or is no text or too long, is simply absent.
//!
//! Structured mode (the whole CloudEvent as the record's value) is not supported; see
//! [`Received::is_structured`].

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::amounts::Timestamp;
use crate::ids::EventId;
use crate::trace_parent::TraceParent;

/// The trace context of the span that sent the record.
pub const TRACEPARENT: &str = "traceparent";
/// What tracing vendors add to it.
pub const TRACESTATE: &str = "tracestate";
/// The version of CloudEvents: `1.0`.
pub const CE_SPECVERSION: &str = "ce_specversion";
/// The event's id.
pub const CE_ID: &str = "ce_id";
/// Who says the event: `/inventory-svc`. A service, never one instance of it.
pub const CE_SOURCE: &str = "ce_source";
/// The event's name.
pub const CE_TYPE: &str = "ce_type";
/// When it was said, by the speaker's clock; RFC 3339.
pub const CE_TIME: &str = "ce_time";
/// What it is about: the record's key.
pub const CE_SUBJECT: &str = "ce_subject";
/// What the value is: `application/avro`.
pub const CONTENT_TYPE: &str = "content-type";
/// The order that the event belongs to.
pub const CE_CORRELATIONID: &str = "ce_correlationid";
/// The id of the event that this one answers, or that set the timer that brought it.
pub const CE_CAUSATIONID: &str = "ce_causationid";
/// Which of how many answers to its cause it is: `2/3`.
pub const CE_ANSWERS: &str = "ce_answers";
/// Its number among the speaker's answers about its key: ten digits, as the extension asks for
/// lexical order.
pub const CE_SEQUENCE: &str = "ce_sequence";

/// A record's headers, in order. A name may occur more than once; a value may be missing.
pub type RawHeaders = Vec<(String, Option<Vec<u8>>)>;

/// How many headers are looked at: the last ones of a record, as the last of a name counts.
pub const HEADERS_MAX: usize = 256;

/// The longest header value that is read, in bytes. W3C asks to pass on a `tracestate` of 512; all
/// of it is stored with each answer that is owed.
pub const VALUE_BYTES_MAX: usize = 1024;

/// Which of how many answers an event is, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerCount {
    /// Its place, 1 to `total`.
    pub index: u32,
    /// How many answers that cause has from this speaker.
    pub total: u32,
}

impl fmt::Display for AnswerCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.total)
    }
}

/// All that our producers say about an event in its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The event's id.
    pub id: EventId,
    /// The service with a slash before it: `/inventory-svc`.
    pub source: String,
    /// The event's name.
    pub name: String,
    /// When it was said.
    pub time: Timestamp,
    /// The record's key.
    pub subject: String,
    /// The order that it belongs to.
    pub correlation: Option<String>,
    /// The event that it answers.
    pub causation: Option<EventId>,
    /// Which of how many answers it is; absent on what a timer brings.
    pub answers: Option<AnswerCount>,
    /// Its number among the speaker's answers about the key, from 1.
    pub sequence: Option<u64>,
    /// The context of the span that sends it.
    pub traceparent: String,
    /// What came with the context that the span continues.
    pub tracestate: Option<String>,
}

impl Envelope {
    /// The headers: each name once, `ce_time` in milliseconds and UTC. A time outside the years 0
    /// to 9999, which RFC 3339 does not have, becomes the nearest one inside.
    #[must_use]
    pub fn write(&self) -> RawHeaders {
        let required = [
            (TRACEPARENT, self.traceparent.clone()),
            (CE_SPECVERSION, "1.0".to_owned()),
            (CE_ID, self.id.to_string()),
            (CE_SOURCE, self.source.clone()),
            (CE_TYPE, self.name.clone()),
            (CE_TIME, rfc_3339(self.time)),
            (CE_SUBJECT, self.subject.clone()),
            (CONTENT_TYPE, "application/avro".to_owned()),
        ];
        let optional = [
            (TRACESTATE, self.tracestate.clone()),
            (CE_CORRELATIONID, self.correlation.clone()),
            (CE_CAUSATIONID, self.causation.map(|id| id.to_string())),
            (CE_ANSWERS, self.answers.map(|answers| answers.to_string())),
            (CE_SEQUENCE, self.sequence.map(|number| format!("{number:010}"))),
        ];
        let present = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        required
            .into_iter()
            .chain(present)
            .map(|(name, value)| (name.to_owned(), Some(value.into_bytes())))
            .collect()
    }
}

fn rfc_3339(time: Timestamp) -> String {
    // 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    let ms = time.0.clamp(-62_167_219_200_000, 253_402_300_799_999);
    let time = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(ms);
    let (hour, minute, second, ms) = time.to_hms_milli();
    let (year, month, day) = time.to_calendar_date();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// What the headers of a record say, whoever wrote them.
///
/// Of several headers of one name the last counts, and it counts as absent if it is not UTF-8, is
/// empty, is longer than [`VALUE_BYTES_MAX`], contains a control character, or does not parse.
/// Names are compared exactly. `tracestate` is absent without a valid `traceparent`, as W3C asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received<'a> {
    /// [`CE_ID`], which need not be a UUID; see [`identity`](crate::identity).
    pub id: Option<&'a str>,
    /// [`CE_SOURCE`].
    pub source: Option<&'a str>,
    /// [`CE_TYPE`]: the event's name.
    pub name: Option<&'a str>,
    /// [`CE_TIME`].
    pub time: Option<Timestamp>,
    /// [`CE_SUBJECT`].
    pub subject: Option<&'a str>,
    /// [`CE_CORRELATIONID`].
    pub correlation: Option<&'a str>,
    /// [`CE_CAUSATIONID`].
    pub causation: Option<EventId>,
    /// [`CE_ANSWERS`].
    pub answers: Option<AnswerCount>,
    /// [`CE_SEQUENCE`].
    pub sequence: Option<u64>,
    /// [`CONTENT_TYPE`].
    pub content_type: Option<&'a str>,
    /// [`TRACEPARENT`], valid or not; see [`Received::trace_context`].
    pub traceparent: Option<&'a str>,
    /// [`TRACESTATE`].
    pub tracestate: Option<&'a str>,
}

impl<'a> Received<'a> {
    /// Reads what can be read of the last [`HEADERS_MAX`] headers.
    #[must_use]
    pub fn read(headers: &'a RawHeaders) -> Self {
        let mut received = Self::default();
        for (name, value) in &headers[headers.len().saturating_sub(HEADERS_MAX)..] {
            received.take(name, text(value.as_deref()));
        }
        if received.trace_context().is_none() {
            received.tracestate = None;
        }
        received
    }

    fn take(&mut self, name: &str, value: Option<&'a str>) {
        match name {
            TRACEPARENT => self.traceparent = value,
            TRACESTATE => self.tracestate = value,
            CE_ID => self.id = value,
            CE_SOURCE => self.source = value,
            CE_TYPE => self.name = value,
            CE_TIME => self.time = value.and_then(parse_time),
            CE_SUBJECT => self.subject = value,
            CONTENT_TYPE => self.content_type = value,
            CE_CORRELATIONID => self.correlation = value,
            CE_CAUSATIONID => self.causation = value.and_then(|text| text.parse().ok()),
            CE_ANSWERS => self.answers = value.and_then(parse_answers),
            CE_SEQUENCE => self.sequence = value.and_then(parse_number),
            _ => (),
        }
    }

    /// The trace context, if `traceparent` is valid.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceParent> {
        self.traceparent?.parse().ok()
    }

    /// Whether the record is a CloudEvent in structured (or batch) mode: its content type begins
    /// with `application/cloudevents`, in any case. Its value is not in the wire format of
    /// [`codec`](crate::codec), so a consumer has to set it aside.
    #[must_use]
    pub fn is_structured(&self) -> bool {
        const STRUCTURED: &str = "application/cloudevents";
        self.content_type
            .and_then(|text| text.get(..STRUCTURED.len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(STRUCTURED))
    }
}

fn text(value: Option<&[u8]>) -> Option<&str> {
    let value = value.filter(|value| !value.is_empty() && value.len() <= VALUE_BYTES_MAX)?;
    std::str::from_utf8(value).ok().filter(|text| !text.chars().any(char::is_control))
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Timestamp)
}

fn parse_answers(text: &str) -> Option<AnswerCount> {
    let (index, total) = text.split_once('/')?;
    let (index, total) = (parse_number(index)?, parse_number(total)?);
    (1 <= index && index <= total).then_some(AnswerCount { index, total })
}

/// Digits only: Rust's own parsing takes a sign, too.
fn parse_number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
