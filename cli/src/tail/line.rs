//! One record as a line for people.

use std::time::{Duration, UNIX_EPOCH};

use rdkafka::message::Timestamp;
use serde_json::Value;
use shared_events::headers::Received;

use super::causes::Causes;
use super::decode::Payload;
use crate::about::about;
use crate::follow::Record;
use crate::terminal::{BAD, FAINT, NAME, STRONG, cut, hex, is_refusal, left, plain};

/// From so many characters on, all stands on one line.
const ONE_LINE_WIDTH: usize = 120;
/// The widths of the columns.
const TIME_WIDTH: usize = 13;
const PLACE_WIDTH: usize = 16;
const KEY_WIDTH: usize = 9;
const EVENT_WIDTH: usize = 18;
const SPEAKER_WIDTH: usize = 13;
/// So many bytes of a value that cannot be read are shown.
const HEX_BYTES_MAX: usize = 32;

/// Writes lines for a terminal of this width, or for a pipe.
pub(super) struct Lines {
    width: Option<usize>,
    /// The day of the line before.
    day: String,
}

impl Lines {
    /// For a terminal whose day is `today`, written as 2026-11-23.
    pub(super) fn new(width: Option<usize>, today: String) -> Self {
        Self { width, day: today }
    }

    /// The text of a record, with the end of its last line.
    pub(super) fn line(&mut self, record: &Record, payload: &Payload, causes: &Causes) -> String {
        let received = Received::read(&record.headers);
        let time = time(record.time);
        let key = record.key.as_deref().map(readable).unwrap_or_default();
        let name = received.name.or(payload.name()).unwrap_or("-");
        let style = if is_refusal(name) { BAD } else { STRONG };
        let place = format!("{}/{}@{}", plain(&record.topic), record.partition, record.offset);
        let speaker = received.source.map(|source| plain(source.trim_start_matches('/')));
        let speaker = speaker.unwrap_or_else(|| "-".to_owned());
        let cause = received.causation.map(|id| format!("← {}", causes.name(&id.to_string())));
        let facts = facts(record, payload, &received);
        let Some(width) = self.width else {
            let parts = [&time, &place, &key, &plain(name), &speaker];
            let parts = parts.into_iter().chain(cause.as_ref()).map(String::as_str);
            let head = parts.collect::<Vec<_>>().join("  ");
            return format!("{}\n", format!("{head}  {facts}").trim_end());
        };
        let day = self.day(&time);
        let head = format!(
            "{}  {}  {}  ",
            left(time.get(11..).unwrap_or(&time), TIME_WIDTH, FAINT),
            left(&place, PLACE_WIDTH, FAINT),
            left(&tail(&key), KEY_WIDTH, FAINT),
        );
        let name = plain(name);
        let said = cause.map(|cause| format!(" {FAINT}{cause}{FAINT:#}")).unwrap_or_default();
        let said_width = said_width(&said);
        if width < ONE_LINE_WIDTH {
            let room =
                width.saturating_sub(TIME_WIDTH + 2 + speaker.chars().count() + said_width + 2);
            return format!(
                "{day}{head}{style}{name}{style:#}\n{:TIME_WIDTH$}  {NAME}{speaker}{NAME:#}{said}  {}\n",
                "",
                cut(&facts, room)
            );
        }
        let used = TIME_WIDTH + PLACE_WIDTH.max(place.chars().count()) + KEY_WIDTH + 6;
        let used = used + EVENT_WIDTH.max(name.len()) + SPEAKER_WIDTH.max(speaker.chars().count());
        let facts = cut(&facts, width.saturating_sub(used + said_width + 4));
        let (name, speaker) =
            (left(&name, EVENT_WIDTH, style), left(&speaker, SPEAKER_WIDTH, NAME));
        format!("{day}{head}{name}  {speaker}{said}  {facts}\n")
    }

    /// A line with the day, if it is another one than that of the line before.
    fn day(&mut self, time: &str) -> String {
        let day = time.get(..10).unwrap_or_default();
        if day.is_empty() || day == self.day {
            return String::new();
        }
        self.day = day.to_owned();
        format!("{FAINT}{day}{FAINT:#}\n")
    }
}

impl Payload {
    /// The event's name by its schema.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Event { name, .. } => Some(name),
            Self::Tombstone | Self::Json(_) | Self::Text(_) | Self::Unread { .. } => None,
        }
    }
}

/// RFC 3339 in UTC.
fn time(time: Timestamp) -> String {
    let ms = time.to_millis().and_then(|ms| u64::try_from(ms).ok());
    let time = ms.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms)));
    // The library refuses what is later than the year 9999.
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let time = time.filter(|time| *time < last);
    time.map_or_else(|| "-".to_owned(), |time| humantime::format_rfc3339_millis(time).to_string())
}

/// Text as it is; other bytes as hexadecimal digits.
fn readable(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| format!("0x{}", hex(bytes, "")), plain)
}

/// The end of a key: the beginning of all new ids is the same.
fn tail(key: &str) -> String {
    let count = key.chars().count();
    if count <= KEY_WIDTH {
        return key.to_owned();
    }
    let end: String = key.chars().skip(count - (KEY_WIDTH - 1)).collect();
    format!("…{end}")
}

/// How many characters of it are seen.
fn said_width(said: &str) -> usize {
    anstream::adapter::strip_str(said).to_string().chars().count()
}

/// The main facts in a few words.
fn facts(record: &Record, payload: &Payload, received: &Received<'_>) -> String {
    let facts = match payload {
        Payload::Tombstone => "no value".to_owned(),
        Payload::Text(text) => format!("{text:?}"),
        Payload::Json(json) => json.to_string(),
        Payload::Unread { why, bytes, .. } => {
            let more = if HEX_BYTES_MAX < bytes.len() { "…" } else { "" };
            let hex = hex(&bytes[..bytes.len().min(HEX_BYTES_MAX)], "");
            format!("cannot be read: {why}: {hex}{more}")
        }
        Payload::Event { name, json, .. } => {
            let value = record.value.as_deref().unwrap_or_default();
            let words = about(name, value).map(|about| about.words).unwrap_or_default();
            let other =
                received.name.filter(|said| said != name).map(|_| format!("in truth {name}"));
            let words = if words.is_empty() { fields(json) } else { words };
            other.into_iter().chain([words]).collect::<Vec<_>>().join(": ")
        }
    };
    let dead = dead(record).map(|dead| format!("{dead}; "));
    plain(&format!("{}{facts}", dead.unwrap_or_default()))
}

/// Of a dead letter who could not handle it, and why.
fn dead(record: &Record) -> Option<String> {
    use choreography::dead_letter::{DLQ_ERROR, DLQ_GROUP};
    let text = |name: &str| {
        let (_, value) = record.headers.iter().rfind(|(header, _)| header == name)?;
        Some(String::from_utf8_lossy(value.as_deref()?).into_owned())
    };
    Some(format!("{} could not handle it: {}", text(DLQ_GROUP)?, text(DLQ_ERROR)?))
}

/// An event's own fields: what it says beside the id of its order.
fn fields(json: &Value) -> String {
    let Value::Object(fields) = json else { return String::new() };
    let field = |(name, value): (&String, &Value)| match value {
        Value::Array(elements) => format!("{} {name}", elements.len()),
        Value::String(text) => format!("{name} {text}"),
        Value::Number(ms) if name.ends_with("_at") || name.ends_with("_by") => {
            format!("{name} {}", time(Timestamp::CreateTime(ms.as_i64().unwrap_or_default())))
        }
        other => format!("{name} {other}"),
    };
    let fields = fields.iter().filter(|(name, _)| *name != "order_id").map(field);
    fields.collect::<Vec<_>>().join(", ")
}
