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

/// Texts of schemas by their path in the folder.
pub(crate) type Texts = BTreeMap<String, String>;

/// The versions that are written, such as `orders/OrderPlaced.avsc`. A folder of another topic belongs
/// to the service that says its events, and that has their structs.
pub(crate) fn written() -> Texts {
    texts("")
}

/// Every version that was ever committed, such as `history/orders/OrderPlaced.1.avsc`. One of an event
/// is the one that is written; a later one is to come, and is read already.
pub(crate) fn kept() -> Texts {
    texts("history/")
}

fn texts(below: &str) -> Texts {
    let mut texts = BTreeMap::new();
    for topic in event_topics() {
        let topic = folder().join(below).join(topic.name);
        for file in std::fs::read_dir(topic).expect("a topic's schemas") {
            let path = file.expect("an entry").path();
            assert_eq!(path.extension().and_then(|e| e.to_str()), Some("avsc"), "{path:?}");
            let text = std::fs::read_to_string(&path).expect("a text");
            let name = path.strip_prefix(folder()).expect("a path").to_str().expect("UTF-8");
            texts.insert(name.to_owned(), text);
        }
    }
    texts
}

/// All schemas, each once: those that are written, and of those that are kept the others.
pub(crate) fn files() -> BTreeMap<String, Schema> {
    let written = written();
    let others = kept().into_iter().filter(|(_, text)| !written.values().any(|one| one == text));
    let all = written.clone().into_iter().chain(others);
    all.map(|(path, text)| (path, Schema::parse_str(&text).expect("a schema"))).collect()
}

/// The topic and the event of a path: `orders` and `OrderPlaced`.
pub(crate) fn topic_and_event(path: &str) -> (&str, &str) {
    let (topic, file) =
        path.trim_start_matches("history/").split_once('/').expect("a topic's folder");
    (topic, file.split('.').next().expect("a name"))
}

/// The path of the schema of an event in [`files`] that is written.
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
