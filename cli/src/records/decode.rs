//! What a record's value is.

use serde_json::Value;
use shared_events::bundled;
use shared_events::codec::{DecodeError, writer_id};

use crate::given::events::find;

/// A value, as far as it can be read.
pub(crate) enum Payload {
    /// There is none.
    Tombstone,
    /// An event that a bundled schema describes.
    Event { schema_id: u32, name: &'static str, json: Value },
    /// JSON, as on the topic of manifests.
    Json(Value),
    /// Text that is no JSON.
    Text(String),
    /// Bytes that cannot be read, and why.
    Unread { schema_id: Option<u32>, why: String, bytes: Vec<u8> },
}

impl Payload {
    /// The event's name by its schema.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Event { name, .. } => Some(name),
            Self::Tombstone | Self::Json(_) | Self::Text(_) | Self::Unread { .. } => None,
        }
    }
}

/// Reads a value. It never fails: what cannot be read says why.
pub(crate) fn decode(value: Option<&[u8]>) -> Payload {
    let Some(bytes) = value else { return Payload::Tombstone };
    let unread = |schema_id, why| Payload::Unread { schema_id, why, bytes: bytes.to_vec() };
    let schema_id = match writer_id(bytes) {
        Ok(id) => id,
        Err(DecodeError::Magic { .. }) => return foreign(bytes),
        Err(error) => return unread(None, error.to_string()),
    };
    let Some(known) = bundled::name(schema_id).and_then(find) else {
        return unread(Some(schema_id), DecodeError::UnknownSchema { id: schema_id }.to_string());
    };
    let json = (known.show)(bytes, false);
    match json.and_then(|json| Ok(serde_json::from_str(&json)?)) {
        Ok(json) => Payload::Event { schema_id, name: known.name, json },
        Err(error) => unread(Some(schema_id), format!("{error:#}")),
    }
}

/// What is not in the wire format of Avro.
fn foreign(bytes: &[u8]) -> Payload {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let why = "neither Avro with a schema id nor text".to_owned();
        return Payload::Unread { schema_id: None, why, bytes: bytes.to_vec() };
    };
    match serde_json::from_str(text) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => Payload::Json(json),
        Ok(_) | Err(_) => Payload::Text(text.to_owned()),
    }
}
