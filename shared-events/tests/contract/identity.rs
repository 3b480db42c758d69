//! Who an event is. The ids here were computed by another program (Python's hashlib and uuid); they
//! are frozen, as services have them in their databases.

use shared_events::amounts::Timestamp;
use shared_events::identity::{
    Place, of_answer, of_damaged, of_dead_letter, of_event, span_id_of, trace_id_of,
};
use shared_events::ids::EventId;

const CAUSE: &str = "0193f7a0-1234-7abc-8def-0123456789ab";

const PLACE: Place<'_> = Place {
    topic: "orders",
    partition: 3,
    offset: 1234,
    append_time: Timestamp(1_767_225_600_007),
};

fn cause() -> EventId {
    CAUSE.parse().expect("an id")
}

fn event(ce_id: &str, ce_source: &str) -> EventId {
    of_event(Some(ce_id), Some(ce_source), &PLACE)
}

#[test]
fn golden_ids() {
    let ids = [
        (event("42", "/shop"), "c3b369e9-b5a4-800a-8b49-a1dc4bf0cdd2"),
        (of_event(Some("42"), None, &PLACE), "dfea164b-e7ba-890c-a791-4103722e3049"),
        (of_event(None, Some("/shop"), &PLACE), "019b76da-a807-8271-b242-6aae134878bc"),
        (of_damaged(cause(), &[0, 1]), "0193f7a0-1234-8b0c-8add-405546702bc0"),
        (of_answer(cause(), "inventory-svc", 0), "0193f7a0-1234-82f7-917d-8ee0e3df00e0"),
        (of_answer(cause(), "inventory-svc", 1), "0193f7a0-1234-881d-b474-0a4a7edf1759"),
        (of_dead_letter(cause(), "inventory-svc", 1), "0193f7a0-1234-8581-baa6-baaddd48a5a9"),
        (of_dead_letter(cause(), "inventory-svc", 2), "0193f7a0-1234-8adf-bbff-594f83650ee4"),
    ];
    for (id, wanted) in ids {
        assert_eq!(id.to_string(), wanted);
    }
    assert_eq!(u128::from_be_bytes(trace_id_of("O-1")), 0x35d8_3e5c_b21c_e944_2880_057d_db66_1da5);
    assert_eq!(u64::from_be_bytes(span_id_of("O-1")), 0x1da1_fe73_06af_86b2);
}

#[test]
fn a_uuid_is_the_identity_whatever_its_case_and_source() {
    assert_eq!(event(CAUSE, "/shop"), cause());
    assert_eq!(event(&CAUSE.to_uppercase(), "/other"), cause());
}

#[test]
fn another_spelling_of_a_uuid_is_a_text() {
    let digits = CAUSE.replace('-', "");
    for text in [&digits, &format!("urn:uuid:{CAUSE}"), &format!("{{{CAUSE}}}")] {
        assert_ne!(event(text, "/shop"), cause(), "{text}");
        assert_ne!(event(text, "/shop"), event(text, "/other"), "{text}");
    }
}

#[test]
fn no_id_and_the_nil_uuid_are_told_apart_by_the_place() {
    let none = of_event(None, None, &PLACE);
    assert_eq!(event("", "/shop"), none);
    assert_eq!(event("00000000-0000-0000-0000-000000000000", "/shop"), none);
    let elsewhere = [
        Place { topic: "inventory", ..PLACE },
        Place { partition: 4, ..PLACE },
        Place { offset: 1235, ..PLACE },
        Place { append_time: Timestamp(1_767_225_600_008), ..PLACE },
    ];
    for place in elsewhere {
        assert_ne!(of_event(None, None, &place), none, "{place:?}");
    }
}

#[test]
fn parts_that_only_look_alike_when_joined_are_kept_apart() {
    assert_ne!(event("bc", "a"), event("c", "ab"));
    assert_ne!(event("a", ""), event("", "a"));
    let [answer, dead] = [of_answer(cause(), "a", 1), of_dead_letter(cause(), "a", 1)];
    assert_ne!(answer, dead);
    assert_ne!(of_answer(cause(), "a", 1), of_answer(cause(), "b", 1));
    assert_ne!(of_answer(cause(), "a", 1), of_answer(answer, "a", 1));
}

#[test]
fn a_damaged_copy_is_not_the_event_and_not_another_damaged_copy() {
    let damaged = of_damaged(cause(), b"one");
    assert_ne!(damaged, cause());
    assert_ne!(damaged, of_damaged(cause(), b"two"));
    assert_ne!(damaged, of_damaged(of_event(None, None, &PLACE), b"one"));
    assert_eq!(damaged, of_damaged(cause(), b"one"));
}

#[test]
fn derived_ids_are_uuids_of_version_8_near_their_cause() {
    for id in
        [of_answer(cause(), "a", 0), of_damaged(cause(), b""), of_dead_letter(cause(), "a", 1)]
    {
        assert_eq!(id.0.get_version_num(), 8);
        assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.to_string()[..13], CAUSE[..13], "the first 48 bits are the cause's");
    }
}

#[test]
fn trace_ids_differ_by_text() {
    assert_ne!(trace_id_of("O-1"), trace_id_of("O-2"));
    assert_ne!(span_id_of("O-1"), span_id_of("O-2"));
    assert_ne!(trace_id_of("O-1")[..8], span_id_of("O-1"));
}
