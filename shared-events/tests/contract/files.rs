//! The files under `schemas/`, and values that fit a schema.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use shared_events::codec::schema_id;
use shared_events::event::Event;
use shared_events::topics::event_topics;

/// A text that fits everywhere: it is an event id, too.
pub(crate) const TEXT: &str = "0193f7a0-0000-7000-8000-000000000001";

/// The folder of the contract.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas")
}

/// The schemas of this crate's topics by their path in the folder: `orders/OrderPlaced.avsc` is the
/// newest version, `orders/OrderPlaced.1.avsc` the one that was there first. A folder of another
/// topic belongs to the service that says its events, and that has their structs.
pub(crate) fn files() -> BTreeMap<String, Schema> {
    let mut files = BTreeMap::new();
    for topic in event_topics() {
        for file in std::fs::read_dir(folder().join(topic.name)).expect("a topic's schemas") {
            let path = file.expect("an entry").path();
            assert_eq!(path.extension().and_then(|e| e.to_str()), Some("avsc"), "{path:?}");
            let text = std::fs::read_to_string(&path).expect("a text");
            let name = path.strip_prefix(folder()).expect("a path").to_str().expect("UTF-8");
            files.insert(name.to_owned(), Schema::parse_str(&text).expect("a schema"));
        }
    }
    files
}

/// The path of the newest schema of an event in [`files`].
pub(crate) fn newest<E: Event>() -> String {
    format!("{}/{}.avsc", E::TOPIC, E::NAME)
}

/// A record's value: the datum that `schema` writes for `value`.
pub(crate) fn write(schema: &Schema, value: &Value) -> Vec<u8> {
    let writer = GenericDatumWriter::builder(schema).build().expect("a whole schema");
    let mut bytes = vec![0];
    bytes.extend_from_slice(&schema_id(schema).to_be_bytes());
    writer.write_value_ref(&mut bytes, value).expect("the value fits the schema");
    bytes
}

/// A value that fits a schema: the `round`-th symbol of each enum, two items in each array.
pub(crate) fn sample(schema: &Schema, round: usize) -> Value {
    match schema {
        Schema::String => Value::String(TEXT.to_owned()),
        Schema::Long => Value::Long(2),
        Schema::TimestampMillis => Value::TimestampMillis(1),
        Schema::Enum(symbols) => {
            let index = round % symbols.symbols.len();
            Value::Enum(u32::try_from(index).expect("few"), symbols.symbols[index].clone())
        }
        Schema::Array(array) => {
            Value::Array(vec![sample(&array.items, round), sample(&array.items, round + 1)])
        }
        Schema::Record(record) => {
            let fields = record.fields.iter();
            Value::Record(fields.map(|f| (f.name.clone(), sample(&f.schema, round))).collect())
        }
        other => panic!("the contract does not use {other:?}"),
    }
}
