//! Records of other producers, who do not write our headers.

use shared_events::headers::RawHeaders;
use shared_events::identity;
use shared_events::ids::EventId;

use super::harness::{World, wait};
use super::records::{Seen, check, envelope, fresh, order, orders};

fn headers(all: &[(&str, &str)]) -> RawHeaders {
    all.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec()))).collect()
}

fn put(world: &World, id: &str, all: &[(&str, &str)]) {
    let value = choreography::encode(&order(id, "EUR")).expect("encoded");
    world.put("orders", Some(id), &value, &headers(all));
}

#[test]
fn records_without_our_headers_are_identified_and_answered_or_set_aside() {
    let world = World::new();
    put(&world, "o-bare", &[]);
    put(&world, "o-text", &[("ce_id", "abc"), ("ce_source", "/shop"), ("ce_type", "OrderPlaced")]);
    put(&world, "o-text", &[("ce_source", "/shop"), ("ce_id", "abc")]);
    put(&world, "o-other", &[("ce_source", "/another"), ("ce_id", "abc")]);
    put(&world, "o-empty", &[("ce_type", ""), ("ce_id", "")]);
    put(&world, "o-control", &[("ce_type", "Order\u{7}Placed")]);
    put(&world, "o-upper", &[("ce_id", "00000000-0000-8000-8000-0000000000AB")]);
    put(&world, "o-not-heard", &[("ce_type", "OrderCompleted")]);
    put_poison(&world);
    let instance = world.start(&[]);
    wait("answers", || (check(&world.read("inventory")) == 6).then_some(()));
    let heard = world.read("orders");
    let answers = world.read("inventory");
    assert_eq!(
        orders(&answers),
        ["o-bare", "o-control", "o-empty", "o-other", "o-text", "o-upper"]
    );
    let cause = |order: &str| {
        let answer: &Seen = answers.iter().find(|seen| seen.order() == order).expect("an answer");
        assert_eq!(answer.received().correlation, Some(order), "the key");
        answer.received().causation.expect("a cause")
    };
    let record = |order: &str| {
        let key = Some(order.as_bytes());
        heard.iter().find(|seen| seen.key.as_deref() == key).expect("a record")
    };
    let place = |order: &str| identity::of_event(None, None, &record(order).place());
    assert_eq!(cause("o-bare"), place("o-bare"));
    assert_eq!(cause("o-empty"), place("o-empty"));
    let text =
        |source: &str| identity::of_event(Some("abc"), Some(source), &record("o-text").place());
    assert_eq!(cause("o-text"), text("/shop"));
    assert_eq!(cause("o-other"), text("/another"));
    let upper: EventId = "00000000-0000-8000-8000-0000000000ab".parse().expect("an id");
    assert_eq!(cause("o-upper"), upper);
    let bare = answers.iter().find(|seen| seen.order() == "o-bare").expect("an answer");
    let trace = bare.received().trace_context().expect("a trace").trace_id;
    assert_eq!(trace, identity::trace_id_of(&cause("o-bare").to_string()));
    assert_eq!(world.number("SELECT heard FROM counts WHERE order_id = 'o-text'"), 1);
    let dead = world.wait_for("orders.counter-svc.dlq", 4);
    let mut why: Vec<_> = dead.iter().filter_map(|dead| dead.header("dlq-error")).collect();
    why.sort();
    assert!(why.iter().any(|w| w.contains("says OrderCancelled, its schema says OrderPlaced")));
    assert!(why.iter().any(|w| w.contains("structured mode")), "{why:?}");
    assert!(why.iter().filter(|w| w.starts_with("no ce_type")).count() == 2, "{why:?}");
    world.stop(instance);
}

/// A name and a schema that differ, a CloudEvent in structured mode, nothing, an unknown schema.
fn put_poison(world: &World) {
    let placed = choreography::encode(&order("o-1", "EUR")).expect("encoded");
    let cancelled = super::records::cancelled("o-1");
    world.put("orders", Some("o-1"), &placed, &envelope(&cancelled, fresh()));
    let mut structured = envelope(&order("o-1", "EUR"), fresh());
    structured.push(("content-type".to_owned(), Some(b"application/cloudevents+json".to_vec())));
    world.put("orders", Some("o-1"), &placed, &structured);
    world.put("orders", None, b"", &vec![]);
    world.put("orders", None, b"\0\x11\x11\x11\x11xyz", &vec![]);
}
