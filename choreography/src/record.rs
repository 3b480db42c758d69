//! Records: as Kafka gave them, and as Kafka will get them.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};
use shared_events::amounts::Timestamp;
use shared_events::headers::RawHeaders;
use uuid::Uuid;

/// What a header takes on the wire besides its name and value, at most.
pub(crate) const HEADER_OVERHEAD: usize = 10;

/// A record that was taken from a partition.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// When the broker appended it, or what its producer says if the topic is set so.
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: RawHeaders,
}

impl Taken {
    /// How large it is, about.
    pub(crate) fn size(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = self.headers.iter().map(|(name, v)| name.len() + length(v)).sum();
        length(&self.key) + length(&self.value) + headers
    }
}

/// A record to be said: all of it, so that it is the same bytes each time.
///
/// In the database it is MessagePack, an array of the fields in this order. New fields go to the
/// end, with a default; a reader that does not know them leaves them out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Record {
    pub(crate) topic: String,
    /// `None`: by its key.
    pub(crate) partition: Option<i32>,
    #[serde(with = "bytes")]
    pub(crate) key: Option<Vec<u8>>,
    #[serde(with = "bytes")]
    pub(crate) value: Option<Vec<u8>>,
    headers: Vec<(String, Bytes)>,
}

/// Bytes that MessagePack writes as such, and not as an array of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bytes(#[serde(with = "bytes")] Option<Vec<u8>>);

impl Record {
    pub(crate) fn new(
        topic: &str,
        partition: Option<i32>,
        key: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        headers: RawHeaders,
    ) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name, Bytes(value))).collect();
        Self { topic: topic.to_owned(), partition, key, value, headers }
    }

    pub(crate) fn headers(&self) -> RawHeaders {
        self.headers.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect()
    }

    pub(crate) fn each_header(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.0.as_deref()))
    }

    /// How large it is on the wire, a little more than less.
    pub(crate) fn size(&self) -> usize {
        const OVERHEAD: usize = 70;
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize =
            self.headers.iter().map(|(name, v)| name.len() + length(&v.0) + HEADER_OVERHEAD).sum();
        OVERHEAD + length(&self.key) + length(&self.value) + headers
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).unwrap_or_else(|error| {
            unreachable!("strings and bytes always have a MessagePack form: {error}")
        })
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        rmp_serde::from_slice(bytes)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Fields)
    }
}

/// An array of at least as many fields as a record has.
struct Fields;

impl<'de> de::Visitor<'de> for Fields {
    type Value = Record;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the fields of a record")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut fields: A) -> Result<Record, A::Error> {
        fn next<'de, T: Deserialize<'de>, A: de::SeqAccess<'de>>(
            fields: &mut A,
        ) -> Result<T, A::Error> {
            fields.next_element()?.ok_or_else(|| de::Error::custom("a field is missing"))
        }
        let topic = next(&mut fields)?;
        let partition = next(&mut fields)?;
        let Bytes(key) = next(&mut fields)?;
        let Bytes(value) = next(&mut fields)?;
        let headers = next(&mut fields)?;
        while fields.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Record { topic, partition, key, value, headers })
    }
}

/// A row of `owed`.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    pub(crate) id: Uuid,
    pub(crate) cause: Uuid,
    /// `None` for a dead letter.
    pub(crate) key: Option<String>,
    pub(crate) sequence: Option<i64>,
    pub(crate) record: Record,
}

mod bytes {
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_bytes(bytes),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        deserializer.deserialize_any(Visitor)
    }

    struct Visitor;

    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Option<Vec<u8>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bytes or nothing")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(Some(bytes.to_vec()))
        }

        fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
            Ok(Some(bytes))
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
}
