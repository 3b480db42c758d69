//! Ids and amounts in a payload that no decision must ever see.

use apache_avro::types::Value;
use shared_events::amounts::{Grams, MinorUnits, Quantity};
use shared_events::codec::{DecodeError, decode};
use shared_events::deliveries::StockReceived;
use shared_events::event::Event;
use shared_events::ids::{EventId, IdError, OrderId};
use shared_events::orders::{OrderConfirmed, OrderPlaced};
use shared_events::sellers::SellerNotified;

use crate::files::{files, newest, sample, write};

/// Decodes a sample of `E` in which each field `name`, at any depth, has this value.
fn decode_with<E: Event>(name: &str, value: &Value) -> Result<E, DecodeError> {
    let schema = &files()[&newest::<E>()];
    let before = sample(schema, 0);
    let mut event = before.clone();
    replace(&mut event, name, value);
    assert_ne!(event, before, "{} has no {name}", E::NAME);
    decode(&write(schema, &event))
}

fn replace(event: &mut Value, name: &str, value: &Value) {
    match event {
        Value::Record(fields) => {
            for (field, old) in fields {
                if field == name {
                    *old = value.clone();
                } else {
                    replace(old, name, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, name, value)),
        _ => (),
    }
}

fn assert_refused<E: Event>(name: &str, value: Value, reason: &str) {
    match decode_with::<E>(name, &value) {
        Err(DecodeError::Malformed { event, why }) => {
            assert_eq!(event, E::NAME);
            assert!(why.contains(reason), "{name} {value:?}: {why}");
        }
        other => panic!("{name} {value:?}: {other:?}"),
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn ids_are_1_to_128_bytes_without_control_characters() {
    let long = "é".repeat(64);
    for bad in ["", "a\0b", "a\nb", "\u{7F}", "a\u{85}"] {
        let reason = if bad.is_empty() { "must not be empty" } else { "control characters" };
        assert_refused::<OrderPlaced>("order_id", text(bad), reason);
        assert_refused::<OrderPlaced>("sku", text(bad), reason);
        assert_refused::<OrderPlaced>("seller_id", text(bad), reason);
        assert_refused::<SellerNotified>("seller_id", text(bad), reason);
        assert_refused::<StockReceived>("sku", text(bad), reason);
    }
    assert_refused::<OrderPlaced>("order_id", text(&format!("{long}a")), "this one has 129");
    let event: OrderPlaced = decode_with("order_id", &text(&long)).unwrap();
    assert_eq!(event.order_id.as_str(), long);
}

#[test]
fn an_id_is_checked_wherever_it_comes_from() {
    assert_eq!("".parse::<OrderId>(), Err(IdError::Empty));
    assert_eq!("a".repeat(129).parse::<OrderId>(), Err(IdError::TooLong { bytes: 129 }));
    let error = IdError::ControlCharacter { codepoint: 9 };
    assert_eq!("a\tb".parse::<OrderId>(), Err(error));
    assert_eq!("a b".parse::<OrderId>().unwrap().to_string(), "a b");
}

#[test]
fn event_ids_are_uuids() {
    for bad in ["", "1", "0193f7a0-0000-7000-8000-00000000000g"] {
        let answers = Value::Array(vec![text(bad)]);
        assert_refused::<OrderConfirmed>("answers", answers, "");
    }
    let upper = "0193F7A0-0000-7000-8000-00000000000A";
    let event: OrderConfirmed = decode_with("answers", &Value::Array(vec![text(upper)])).unwrap();
    assert_eq!(event.answers, [upper.parse::<EventId>().unwrap()]);
    assert_eq!(event.answers[0].to_string(), upper.to_lowercase());
}

#[test]
fn amounts_stay_within_their_limits() {
    let limits = [
        ("quantity", 1, Quantity::MAX),
        ("unit_price", 0, MinorUnits::MAX),
        ("unit_weight", 0, Grams::MAX),
    ];
    for (name, min, max) in limits {
        for bad in [min - 1, max + 1, i64::MIN, i64::MAX] {
            assert_refused::<OrderPlaced>(name, Value::Long(bad), &format!("not {bad}"));
        }
        for good in [min, max] {
            let event = decode_with::<OrderPlaced>(name, &Value::Long(good));
            assert!(event.is_ok(), "{name} {good}");
        }
    }
    assert_refused::<StockReceived>("quantity", Value::Long(0), "a quantity must be 1 to 1000000");
}
