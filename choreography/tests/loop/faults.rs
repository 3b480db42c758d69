//! Poison: set aside, whole, and the flow goes on.

use super::harness::{World, envelope, order, wait};
use shared_events::ids::EventId;
use uuid::Uuid;

#[test]
fn what_cannot_be_handled_is_set_aside_and_the_rest_goes_on() {
    let world = World::new();
    let good = order("o-1", "EUR");
    let value = choreography::encode(&good).expect("encoded");
    let id = EventId(Uuid::from_u128(77 << 76));
    world.put("orders", Some("o-0"), b"\xff\xfe no avro", &vec![]);
    world.put("orders", Some("o-1"), &value[..value.len() - 3], &envelope(&good, id));
    world.place(&order("o-2", "PANIC"));
    world.place(&order("o-3", "OTHER"));
    world.place_as(&good, id);
    let mut nul = order("o-4", "EUR");
    nul.ship_to.name = "nul \0 byte".to_owned();
    world.place(&nul);
    world.place(&order("o-5", "EUR"));
    let instance = world.start(&[]);

    let dead = world.wait_for("orders.counter-svc.dlq", 5);
    let mut classes: Vec<_> = dead.iter().filter_map(|d| d.header("dlq-error-class")).collect();
    classes.sort();
    assert_eq!(classes, ["answer", "panic", "refused", "undecodable", "undecodable"]);
    let truncated = dead.iter().find(|d| d.key.as_deref() == Some(b"o-1")).expect("it is there");
    assert_eq!(truncated.value, &value[..value.len() - 3]);
    assert_eq!(truncated.header("dlq-topic").as_deref(), Some("orders"));
    assert_eq!(truncated.id(), id.to_string(), "its own headers are kept");
    assert_ne!(truncated.header("dlq-id").as_deref(), Some(id.to_string().as_str()));
    let answered = world.wait_for("inventory", 2);
    let mut orders: Vec<_> = answered.iter().filter_map(|a| a.received().subject).collect();
    orders.sort_unstable();
    assert_eq!(orders, ["o-1", "o-5"]);
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 1"), 5);
    wait("forgetting", || (world.number("SELECT COUNT(*) FROM owed") == 0).then_some(()));
    world.stop(instance);
}

#[test]
fn a_replay_of_a_dead_letter_is_handled_once() {
    let world = World::new();
    world.place(&order("o-2", "PANIC"));
    let instance = world.start(&[]);
    let dead = world.wait_for("orders.counter-svc.dlq", 1).remove(0);
    // The operator has mended the order: the bytes are others, the place and the identity are not.
    let mended = choreography::encode(&order("o-2", "EUR")).expect("encoded");
    for _ in 0..2 {
        world.put("orders.counter-svc.replay", Some("o-2"), &mended, &dead.headers);
    }
    let answers = world.wait_for("inventory", 1);
    assert_eq!(answers[0].received().subject, Some("o-2"));
    let last = world.place(&order("o-9", "EUR"));
    wait("the last answer", || {
        world.read("inventory").iter().any(|s| s.received().causation == Some(last)).then_some(())
    });
    assert_eq!(world.read("inventory").len(), 2);
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 2"), 1);
    world.stop(instance);
}
