//! Versions of one event: what an older or newer writer wrote, as the newest struct sees it.

use serde::{Deserialize, Serialize};
use shared_events::codec::{DecodeError, decode, decode_with_writer, encode, schema_id};
use shared_events::event::Event;
use shared_events::ids::OrderId;

const FIRST: &str = r#"{"type": "record", "name": "GiftWrapped", "namespace": "choreography.gifts",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "ribbons", "type": "int"},
        {"name": "paper", "type": {"type": "enum", "name": "Paper", "symbols": ["RED", "BLUE", "OTHER"], "default": "OTHER"}},
        {"name": "note", "type": ["null", "string"]}
    ]}"#;

/// Without `ribbons`, with `cost` (which is at the front) and with less `Paper`.
const SECOND: &str = r#"{"type": "record", "name": "GiftWrapped", "namespace": "choreography.gifts",
    "fields": [
        {"name": "cost", "type": "long", "default": 250},
        {"name": "order_id", "type": "string"},
        {"name": "paper", "type": {"type": "enum", "name": "Paper", "symbols": ["BLUE", "OTHER"], "default": "OTHER"}},
        {"name": "note", "type": ["null", "string"], "default": null}
    ]}"#;

mod first {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct GiftWrapped {
        pub(super) order_id: OrderId,
        pub(super) ribbons: i32,
        pub(super) paper: Paper,
        pub(super) note: Option<String>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub(super) enum Paper {
        Red,
        Blue,
        Other,
    }

    shared_events::event!(GiftWrapped on "gifts" about order_id, [FIRST]);
}

mod second {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct GiftWrapped {
        pub(super) cost: i64,
        pub(super) order_id: OrderId,
        pub(super) paper: Paper,
        pub(super) note: Option<String>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub(super) enum Paper {
        Blue,
        Other,
    }

    shared_events::event!(GiftWrapped on "gifts" about order_id, [SECOND, FIRST]);
}

fn older(paper: first::Paper, note: Option<&str>) -> Vec<u8> {
    let order_id = "O-1".parse().expect("an id");
    encode(&first::GiftWrapped { order_id, ribbons: 2, paper, note: note.map(str::to_owned) })
        .expect("it fits its schema")
}

fn newer(paper: second::Paper, note: Option<&str>) -> second::GiftWrapped {
    let order_id = "O-1".parse().expect("an id");
    second::GiftWrapped { cost: 250, order_id, paper, note: note.map(str::to_owned) }
}

fn schema(text: &str) -> apache_avro::Schema {
    apache_avro::Schema::parse_str(text).expect("a schema")
}

#[test]
fn what_an_older_version_wrote_gets_defaults_and_loses_what_is_gone() {
    let value = older(first::Paper::Blue, Some("for you"));
    assert_eq!(decode(&value), Ok(newer(second::Paper::Blue, Some("for you"))));
    assert_eq!(decode(&older(first::Paper::Blue, None)), Ok(newer(second::Paper::Blue, None)));
}

#[test]
fn a_symbol_that_the_reader_does_not_know_is_other() {
    assert_eq!(decode(&older(first::Paper::Red, None)), Ok(newer(second::Paper::Other, None)));
}

#[test]
fn both_versions_are_known_and_the_first_text_is_the_newest() {
    let schemas = second::GiftWrapped::schemas();
    assert_eq!(schemas.newest_id(), schema_id(&schema(SECOND)));
    assert!(schemas.knows(schema_id(&schema(FIRST))));
    assert!(!first::GiftWrapped::schemas().knows(schema_id(&schema(SECOND))));
    assert_eq!(schemas.name(), "GiftWrapped");
}

#[test]
fn a_newer_version_needs_a_registry() {
    let value = encode(&newer(second::Paper::Other, None)).unwrap();
    let id = schema_id(&schema(SECOND));
    assert_eq!(decode::<first::GiftWrapped>(&value), Err(DecodeError::UnknownSchema { id }));

    let why = decode_with_writer::<first::GiftWrapped>(&value, &schema(SECOND)).unwrap_err();
    assert!(why.to_string().contains("'ribbons'"), "the field has no default: {why}");
}

#[test]
fn with_the_schema_from_a_registry_any_id_will_do() {
    let mut value = older(first::Paper::Red, Some("for you"));
    value[1..5].copy_from_slice(&7_u32.to_be_bytes());
    let id = 7;
    assert_eq!(decode::<second::GiftWrapped>(&value), Err(DecodeError::UnknownSchema { id }));
    let event = decode_with_writer(&value, &schema(FIRST));
    assert_eq!(event, Ok(newer(second::Paper::Other, Some("for you"))));
}

/// The library takes a text or union at the end that is cut off for a null.
#[test]
fn what_an_older_version_wrote_is_refused_when_it_is_cut_off() {
    let value = older(first::Paper::Blue, Some("for you"));
    for end in 5..value.len() {
        let error = decode::<second::GiftWrapped>(&value[..end]).unwrap_err();
        assert_eq!(error.to_string(), "not a GiftWrapped: the bytes end early", "{end}");
    }
    let more = [&value[..], &[0, 0]].concat();
    let error = decode::<second::GiftWrapped>(&more);
    assert_eq!(error, Err(DecodeError::TrailingBytes { count: 2 }));
}

#[test]
fn ids_are_checked_in_what_an_older_version_wrote() {
    let value = older(first::Paper::Blue, None);
    assert_eq!(value[5..9], [6, b'O', b'-', b'1']);
    let mut damaged = value.clone();
    damaged[7] = 0;
    let error = decode::<second::GiftWrapped>(&damaged).unwrap_err().to_string();
    assert!(error.contains("control characters"), "{error}");
}

#[test]
fn a_registry_cannot_give_another_event_or_one_without_a_limit() {
    let value = older(first::Paper::Blue, None);
    let other = FIRST.replace("GiftWrapped", "GiftSent");
    let error = decode_with_writer::<second::GiftWrapped>(&value, &schema(&other));
    assert!(error.unwrap_err().to_string().contains("something else"));

    let nested = FIRST.replace("\"int\"", r#"["null", "choreography.gifts.GiftWrapped"]"#);
    let deep = [&[0; 5], &[0, 2].repeat(500_000)[..]].concat();
    let error = decode_with_writer::<second::GiftWrapped>(&deep, &schema(&nested));
    assert!(error.unwrap_err().to_string().contains("refers to itself"));
}

#[test]
#[should_panic(expected = "refer to itself")]
fn a_bundled_schema_must_not_refer_to_itself() {
    let nested = FIRST.replace("\"int\"", r#"["null", "choreography.gifts.GiftWrapped"]"#);
    let _ = shared_events::codec::Schemas::parse(&[&nested]);
}

#[test]
#[should_panic(expected = "versions of one event")]
fn versions_of_an_event_have_one_name() {
    let other = FIRST.replace("GiftWrapped", "GiftSent");
    let _ = shared_events::codec::Schemas::parse(&[SECOND, &other]);
}

#[test]
fn a_struct_that_does_not_fit_its_schema_is_an_error() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct GiftLost {
        order_id: OrderId,
        value: i64,
    }
    shared_events::event!(GiftLost on "gifts" about order_id, [r#"{"type": "record",
        "name": "GiftLost", "fields": [{"name": "order_id", "type": "string"}]}"#]);
    let event = GiftLost { order_id: "O-1".parse().unwrap(), value: 1 };
    let error = encode(&event).unwrap_err().to_string();
    assert!(error.starts_with("GiftLost does not fit its schema"), "{error}");
    assert_eq!(event.key(), "O-1");
    assert_eq!(event.value, 1);
}

/// The first version and one field more, which has a default.
const NEXT: &str = r#"{"type": "record", "name": "GiftWrapped", "namespace": "choreography.gifts",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "ribbons", "type": "int"},
        {"name": "sender", "type": ["null", "string"], "default": null},
        {"name": "paper", "type": {"type": "enum", "name": "Paper", "symbols": ["RED", "GOLD", "BLUE", "OTHER"], "default": "OTHER"}},
        {"name": "note", "type": ["null", "string"]}
    ]}"#;

/// Two builds of one event while it gains a field and a symbol: the first knows the next version and does
/// not write it yet, the second writes it.
mod upgrade {
    pub(super) mod before {
        use super::super::*;

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(crate) struct GiftWrapped {
            pub(crate) order_id: OrderId,
            pub(crate) ribbons: i32,
            pub(crate) paper: first::Paper,
            pub(crate) note: Option<String>,
        }

        shared_events::event!(GiftWrapped on "gifts" about order_id, [FIRST, NEXT]);
    }

    pub(super) mod after {
        use super::super::*;

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(crate) struct GiftWrapped {
            pub(crate) order_id: OrderId,
            pub(crate) ribbons: i32,
            pub(crate) sender: Option<String>,
            pub(crate) paper: Paper,
            pub(crate) note: Option<String>,
        }

        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub(crate) enum Paper {
            Red,
            Gold,
            Blue,
            Other,
        }

        shared_events::event!(GiftWrapped on "gifts" about order_id, [NEXT, FIRST]);
    }
}

#[test]
fn two_builds_side_by_side_read_each_other() {
    use upgrade::{after, before};
    let id = || "O-1".parse::<OrderId>().expect("an id");
    let note = || Some("for you".to_owned());
    let old =
        before::GiftWrapped { order_id: id(), ribbons: 2, paper: first::Paper::Red, note: note() };
    let new = after::GiftWrapped {
        order_id: id(),
        ribbons: 2,
        sender: Some("Ada".to_owned()),
        paper: after::Paper::Gold,
        note: note(),
    };
    let written_before = encode(&old).expect("it fits");
    let written_after = encode(&new).expect("it fits");
    assert_eq!(written_before[1..5], schema_id(&schema(FIRST)).to_be_bytes());
    assert_eq!(written_after[1..5], schema_id(&schema(NEXT)).to_be_bytes());

    let seen = before::GiftWrapped { paper: first::Paper::Other, ..old.clone() };
    assert_eq!(decode(&written_after), Ok(seen), "without the field, and the symbol is OTHER");
    let seen = after::GiftWrapped { sender: None, paper: after::Paper::Red, ..new.clone() };
    assert_eq!(decode(&written_before), Ok(seen), "with the default");
    assert_eq!(decode(&written_before), Ok(old));
    assert_eq!(decode(&written_after), Ok(new));
}
