//! The structs and the files under `schemas/` say the same.

use std::collections::{BTreeMap, BTreeSet};

use apache_avro::Schema;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use shared_events::codec::{decode, encode, schema_id};
use shared_events::event::Event;
use shared_events::topics;

use crate::events::Sample;
use crate::files::{files, newest, sample, topic_and_event, write};

#[test]
fn every_struct_has_its_file() {
    for_each_event!(check_struct, &files());
}

fn check_struct<E: Sample>(files: &BTreeMap<String, Schema>) {
    let schema = &files[&newest::<E>()];
    assert_eq!(E::schemas().name(), E::NAME);
    assert_eq!(E::schemas().newest_id(), schema_id(schema));
    assert!(topics::event_topics().iter().any(|topic| topic.name == E::TOPIC));
    // Each symbol of each enum comes up in one of the rounds.
    for round in 0..8 {
        let value = write(schema, &sample(schema, round));
        let event: E = decode(&value).unwrap_or_else(|e| panic!("{}: {e}", E::NAME));
        assert_eq!(encode(&event), Ok(value), "{}: another encoding", E::NAME);
        assert_same_fields(schema, &serde_json::to_value(&event).expect("JSON"));
    }
}

/// A field that has a default could be missing in the struct without any error.
fn assert_same_fields(schema: &Schema, json: &Json) {
    match (schema, json) {
        (Schema::Record(record), Json::Object(object)) => {
            let names: BTreeSet<&str> = record.fields.iter().map(|f| f.name.as_str()).collect();
            assert_eq!(names, object.keys().map(String::as_str).collect(), "{}", record.name);
            for field in &record.fields {
                assert_same_fields(&field.schema, &object[&field.name]);
            }
        }
        (Schema::Array(array), Json::Array(items)) => {
            items.iter().for_each(|item| assert_same_fields(&array.items, item));
        }
        (Schema::Record(_) | Schema::Array(_), other) => panic!("{other} for {schema:?}"),
        _ => (),
    }
}

#[test]
fn every_file_has_its_struct() {
    let mut files = files();
    for_each_event!(take, &mut files);
    assert_eq!(files.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "no struct reads these");
}

fn take<E: Event>(files: &mut BTreeMap<String, Schema>) {
    files.retain(|path, schema| {
        !(topic_and_event(path) == (E::TOPIC, E::NAME) && E::schemas().knows(schema_id(schema)))
    });
}

#[test]
fn every_file_is_written_by_the_rules() {
    let mut named = BTreeMap::new();
    for (path, schema) in files() {
        let (topic, event) = topic_and_event(&path);
        let Schema::Record(record) = &schema else { panic!("{path} is not a record") };
        assert_eq!(record.name.to_string(), format!("choreography.{topic}.{event}"), "{path}");
        check_rules(&path, &schema, &mut named);
    }
}

/// Docs everywhere, a default in each enum, and one definition of each name of a version.
fn check_rules(path: &str, schema: &Schema, named: &mut BTreeMap<String, Schema>) {
    match schema {
        Schema::Record(record) => {
            assert!(record.doc.is_some(), "{path}: {} has no doc", record.name);
            check_one_definition(path, record.name.as_ref(), schema, named);
            for field in &record.fields {
                assert!(field.doc.is_some(), "{path}: {} has no doc", field.name);
                check_rules(path, &field.schema, named);
            }
        }
        Schema::Enum(symbols) => {
            assert!(symbols.doc.is_some(), "{path}: {} has no doc", symbols.name);
            assert_eq!(symbols.default.as_deref(), Some("OTHER"), "{path}: {}", symbols.name);
            check_one_definition(path, symbols.name.as_ref(), schema, named);
        }
        Schema::Array(array) => check_rules(path, &array.items, named),
        _ => (),
    }
}

fn check_one_definition(
    path: &str,
    name: &str,
    schema: &Schema,
    named: &mut BTreeMap<String, Schema>,
) {
    let is_written = !path.starts_with("history/");
    if is_written {
        let first = named.entry(name.to_owned()).or_insert_with(|| schema.clone());
        assert_eq!(first, schema, "{path}: {name} is defined otherwise elsewhere");
    }
}

/// The canonical form as Avro's specification has it, written out by hand.
#[test]
fn an_id_is_a_hash_of_the_canonical_form() {
    let canonical = concat!(
        r#"{"name":"choreography.orders.OrderCompleted","type":"record","fields":["#,
        r#"{"name":"order_id","type":"string"},{"name":"delivered_at","type":"long"}]}"#
    );
    let hash = Sha256::digest(canonical);
    let first = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let id = schema_id(&files()["orders/OrderCompleted.avsc"]);
    assert_eq!(id, first & 0x3FFF_FFFF | 0x4000_0000);
    assert_eq!(id, 1_262_883_201);
}

#[test]
fn a_schema_that_differs_in_docs_and_defaults_only_has_the_same_id() {
    let parse = |text: &str| schema_id(&Schema::parse_str(text).unwrap());
    let plain = r#"{"type": "record", "name": "A", "fields": [{"name": "n", "type": "long"}]}"#;
    let other = r#"{"type": "record", "name": "A", "doc": "A.", "fields": [
        {"name": "n", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0}]}"#;
    assert_eq!(parse(plain), parse(other));
    assert_ne!(parse(plain), parse(&plain.replace("\"n\"", "\"m\"")));
}
