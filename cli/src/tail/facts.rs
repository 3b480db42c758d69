//! What a record tells in a few words.

use rdkafka::message::Timestamp;
use serde_json::Value;
use shared_events::headers::Received;

use crate::about::about;
use crate::follow::{Record, time};
use crate::records::decode::Payload;
use crate::terminal::{hex, plain};

/// So many bytes of a value that cannot be read are shown.
const HEX_BYTES_MAX: usize = 32;

/// The main facts in a few words.
pub(super) fn facts(record: &Record, payload: &Payload, received: &Received<'_>) -> String {
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
    let field = |(name, value): (&String, &Value)| {
        let words = name.replace('_', " ");
        match value {
            Value::Array(elements) => format!("{} {words}", elements.len()),
            Value::String(text) => format!("{words} {text}"),
            Value::Number(ms) if name.ends_with("_at") => {
                format!("{words} {}", time(Timestamp::CreateTime(ms.as_i64().unwrap_or_default())))
            }
            other => format!("{words} {other}"),
        }
    };
    let fields = fields.iter().filter(|(name, _)| *name != "order_id").map(field);
    fields.collect::<Vec<_>>().join(", ")
}
