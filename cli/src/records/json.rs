//! One record as a line of JSON, with the names that `kcat -J` has.

use rdkafka::message::Timestamp;
use serde_json::{Map, Value, json};

use super::decode::Payload;
use crate::follow::Record;
use crate::terminal::hex;

/// The line, with its end.
pub(crate) fn line(record: &Record, payload: &Payload) -> String {
    written(fields(record, payload))
}

/// An object on a line of its own, with its end.
pub(crate) fn written(object: Map<String, Value>) -> String {
    format!("{}\n", escaped(&Value::Object(object).to_string()))
}

/// What stands on the line.
pub(crate) fn fields(record: &Record, payload: &Payload) -> Map<String, Value> {
    let (tstype, ts) = match record.time {
        Timestamp::NotAvailable => ("unknown", None),
        Timestamp::CreateTime(ms) => ("create", Some(ms)),
        Timestamp::LogAppendTime(ms) => ("logappend", Some(ms)),
    };
    let headers = record.headers.iter();
    let headers: Vec<Value> = headers
        .flat_map(|(name, value)| [name.as_str().into(), text_or_hex(value.as_deref())])
        .collect();
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| {
        line.insert(name.to_owned(), value);
    };
    put("topic", record.topic.as_str().into());
    put("partition", record.partition.into());
    put("offset", record.offset.into());
    put("tstype", tstype.into());
    put("ts", ts.into());
    put("headers", headers.into());
    put("key", text_or_hex(record.key.as_deref()));
    match payload {
        Payload::Tombstone => put("payload", Value::Null),
        Payload::Json(json) => put("payload", json.clone()),
        Payload::Text(text) => put("payload", text.as_str().into()),
        Payload::Event { schema_id, json, .. } => {
            put("payload", json.clone());
            put("value_schema_id", (*schema_id).into());
        }
        Payload::Unread { schema_id, why, bytes } => {
            put("payload", Value::Null);
            put("payload_error", why.as_str().into());
            put("payload_hex", hex(bytes, "").into());
            put("value_schema_id", json!(schema_id));
        }
    }
    line
}

/// Text as it is; other bytes as `0x` and hexadecimal digits.
pub(crate) fn text_or_hex(bytes: Option<&[u8]>) -> Value {
    let Some(bytes) = bytes else { return Value::Null };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => format!("0x{}", hex(bytes, "")).into(),
    }
}

/// JSON escapes the control characters of ASCII; a terminal obeys some others, too.
fn escaped(json: &str) -> String {
    let escape = |c: char| {
        if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
    };
    json.chars().map(escape).collect()
}
