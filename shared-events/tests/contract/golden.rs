//! Bytes that never change: records with them are in topics. They were made with another
//! implementation of Avro (fastavro).

use std::collections::BTreeMap;

use serde_json::Value as Json;
use shared_events::codec::{decode, encode};
use shared_events::event::Event;

use crate::events::Sample;
use crate::files::{files, newest, topic_and_event};

/// For each schema file a record's value and the event in it.
pub(crate) fn golden() -> BTreeMap<String, (Vec<u8>, Json)> {
    let golden: BTreeMap<String, Json> =
        serde_json::from_str(include_str!("golden.json")).expect("JSON");
    golden
        .into_iter()
        .map(|(path, entry)| (path, (bytes(entry["value"].as_str()), entry["event"].clone())))
        .collect()
}

fn bytes(hex: Option<&str>) -> Vec<u8> {
    let (pairs, rest) = hex.expect("a text").as_bytes().as_chunks::<2>();
    assert!(rest.is_empty());
    let byte = |[high, low]: &[u8; 2]| digit(*high) << 4 | digit(*low);
    pairs.iter().map(byte).collect()
}

fn digit(byte: u8) -> u8 {
    let digit = char::from(byte).to_digit(16).expect("a hexadecimal digit");
    u8::try_from(digit).expect("less than 16")
}

#[test]
fn every_schema_file_has_a_golden_record() {
    let with_record: Vec<String> = golden().into_keys().collect();
    assert_eq!(files().into_keys().collect::<Vec<_>>(), with_record);
}

#[test]
fn golden_records_are_read_and_the_newest_are_written_byte_for_byte() {
    for_each_event!(check, &golden());
}

fn check<E: Sample>(golden: &BTreeMap<String, (Vec<u8>, Json)>) {
    let of_event = |path: &&String| topic_and_event(path) == (E::TOPIC, E::NAME);
    for (path, (value, json)) in golden.iter().filter(|(path, _)| of_event(path)) {
        let event: E = serde_json::from_value(json.clone()).expect("an event");
        assert_eq!(decode::<E>(value).as_ref(), Ok(&event), "{path}");
        if *path == newest::<E>() {
            assert_eq!(encode(&event).as_ref(), Ok(value), "{path}");
        }
    }
}

#[test]
fn the_key_is_the_id_of_what_the_event_is_about() {
    for_each_event!(check_key, &golden());
}

fn check_key<E: Event>(golden: &BTreeMap<String, (Vec<u8>, Json)>) {
    let (value, json) = &golden[&newest::<E>()];
    let field = if E::TOPIC == "deliveries" { "sku" } else { "order_id" };
    assert_eq!(Some(decode::<E>(value).expect("an event").key()), json[field].as_str());
}
