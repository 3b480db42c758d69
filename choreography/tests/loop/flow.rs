//! Without faults.

use super::harness::{World, wait};
use super::records::order;

#[test]
fn an_order_is_answered_once_with_all_headers_and_a_repeat_changes_nothing() {
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
    // The same event once more changes nothing, and the next one counts on.
    world.place_as(&order("o-1", "EUR"), id);
    world.place(&order("o-1", "TWO"));
    let seen = world.wait_for("inventory", 3);
    assert_eq!(seen[1].header("ce_answers").as_deref(), Some("1/2"));
    assert_eq!(seen[2].header("ce_answers").as_deref(), Some("2/2"));
    assert_eq!(seen[2].header("ce_sequence").as_deref(), Some("0000000003"));
    assert_eq!(world.number("SELECT heard FROM counts WHERE order_id = 'o-1'"), 2);
    world.wait_until_forgotten();
    assert_eq!(world.page(&instance, "/readyz").0, 200);
    // What does not count is counted.
    world.place(&order("o-1", "SECOND"));
    wait("the event that is ignored", || {
        let (_, page) = world.page(&instance, "/metrics");
        page.contains(r#"choreography_ignored_total{messaging_destination_name="orders"} 1"#)
            .then_some(())
    });
    world.stop(instance);
}
