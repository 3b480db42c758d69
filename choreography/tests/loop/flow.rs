//! Without faults.

use super::harness::{World, wait};
use super::records::order;

#[test]
fn an_order_is_answered_once_with_all_headers() {
    let world = World::new();
    let instance = world.start(&[]);
    let id = world.place(&order("o-1", "EUR"));
    let seen = world.wait_for("inventory", 1);
    let received = seen[0].received();
    assert_eq!(received.name, Some("StockReserved"));
    assert_eq!(received.source, Some("/counter-svc"));
    assert_eq!(received.causation, Some(id));
    assert_eq!(received.correlation, Some("o-1"));
    assert_eq!(received.subject, Some("o-1"));
    assert_eq!(received.answers.map(|a| a.to_string()).as_deref(), Some("1/1"));
    assert_eq!(seen[0].header("ce_sequence").as_deref(), Some("0000000001"));
    assert_eq!(seen[0].key.as_deref(), Some(b"o-1".as_slice()));
    world.wait_until_forgotten();
    assert_eq!(world.page(&instance, "/readyz").0, 200);
    world.stop(instance);
}

#[test]
fn a_repeat_changes_nothing_also_after_a_restart() {
    let world = World::new();
    let instance = world.start(&[]);
    let first = order("o-1", "TWO");
    let id = world.place(&first);
    world.place_as(&first, id);
    let seen = world.wait_for("inventory", 2);
    assert_eq!(seen[0].header("ce_answers").as_deref(), Some("1/2"));
    assert_eq!(seen[1].header("ce_sequence").as_deref(), Some("0000000002"));
    world.stop(instance);

    let again = world.with_new_topics();
    let instance = again.start(&[]);
    again.place_as(&first, id);
    let world = again;
    let last = world.place(&order("o-2", "EUR"));
    let seen = wait("the answer to the last order", || {
        let seen = world.read("inventory");
        seen.iter().any(|s| s.received().causation == Some(last)).then_some(seen)
    });
    assert_eq!(seen.len(), 1);
    assert_eq!(world.number("SELECT heard FROM counts WHERE order_id = 'o-1'"), 1);
    world.stop(instance);
}
