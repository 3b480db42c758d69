//! Poison: set aside, whole, and the flow goes on.

use std::sync::atomic::Ordering;

use super::counter::BURST_LOADED;
use super::harness::{World, wait};
use super::records::{check, envelope, order};
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
    let mut twice = order("o-6", "EUR");
    twice.ship_to.name = "twice".to_owned();
    world.place(&twice);
    world.place(&order("o-5", "EUR"));
    let instance = world.start(&[]);

    let dead = world.wait_for("orders.counter-svc.dlq", 6);
    let mut classes: Vec<_> = dead.iter().filter_map(|d| d.header("dlq-error-class")).collect();
    classes.sort();
    assert_eq!(classes, ["answer", "panic", "refused", "refused", "undecodable", "undecodable"]);
    let truncated = dead.iter().find(|d| d.key.as_deref() == Some(b"o-1")).expect("it is there");
    assert_eq!(truncated.value, &value[..value.len() - 3]);
    assert_eq!(truncated.header("dlq-topic").as_deref(), Some("orders"));
    assert_eq!(truncated.id(), id.to_string(), "its own headers are kept");
    assert_ne!(truncated.header("dlq-id").as_deref(), Some(id.to_string().as_str()));
    let answered = world.wait_for("inventory", 2);
    let mut orders: Vec<_> = answered.iter().filter_map(|a| a.received().subject).collect();
    orders.sort_unstable();
    assert_eq!(orders, ["o-1", "o-5"]);
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 1"), 6);
    world.wait_until_forgotten();
    world.stop(instance);
}

/// The batch is one transaction, and the poison in it must not cost the others anything.
#[test]
fn the_one_record_that_the_database_refuses_is_found_among_many() {
    let world = World::new();
    for n in 0..200 {
        let mut order = order(&format!("o-{}", n % 30), "TWO");
        if n == 77 {
            order.ship_to.name = "nul \0 byte".to_owned();
        }
        world.place(&order);
    }
    let instance = world.start(&["--batch-wait", "1s"]);
    wait("all answers", || (check(&world.read("inventory")) == 398).then_some(()));
    let dead = world.read("orders.counter-svc.dlq");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].header("dlq-error-class").as_deref(), Some("refused"));
    assert_eq!(world.number("SELECT SUM(heard) FROM counts"), 199);
    assert_eq!(world.number("SELECT COUNT(*) FROM handled"), 200);
    world.stop(instance);
}

#[test]
fn a_panic_among_good_events_about_one_key_touches_none_of_them() {
    let world = World::new();
    let currencies = ["EUR", "PANIC", "TWO", "BIG", "PANIC", "EUR"];
    let ids = currencies.map(|currency| world.place(&order("o-1", currency)));
    let instance = world.start(&["--batch-wait", "1s", "--answer-bytes", "1000"]);
    let dead = world.wait_for("orders.counter-svc.dlq", 3);
    let classes: Vec<_> = dead.iter().filter_map(|d| d.header("dlq-error-class")).collect();
    assert_eq!(classes, ["panic", "answer", "panic"], "in the order of their origin");
    assert!(dead[1].header("dlq-error").expect("a reason").contains("the limit is 1000"));
    let seen = world.wait_for("inventory", 4);
    assert_eq!(check(&seen), 4);
    let causes: Vec<_> = seen.iter().filter_map(|seen| seen.received().causation).collect();
    assert_eq!(causes, [ids[0], ids[2], ids[2], ids[5]]);
    assert_eq!(world.number("SELECT heard FROM counts"), 3);
    world.stop(instance);
}

/// Each is found in a transaction of its own, and these get smaller, so that a burst of poison does
/// not cost its square.
#[test]
fn a_burst_of_panics_is_set_aside_while_the_loop_moves() {
    const BURST: usize = 256;
    let world = World::new();
    for n in 0..BURST {
        world.place_at(Some(0), &order(&format!("burst-{n}"), "PANIC"));
    }
    let instance = world.start_ready(&[
        "--batch-wait",
        "2s",
        "--stalled-after",
        "2s",
        "--dead-letters-max",
        "100",
    ]);
    wait("all dead letters", || {
        assert_eq!(world.page(&instance, "/healthz").0, 200, "it moves");
        (world.read("orders.counter-svc.dlq").len() == BURST).then_some(())
    });
    let loaded = BURST_LOADED.load(Ordering::Relaxed);
    assert!(loaded < BURST * 20, "{loaded} events were loaded for");
    world.stop(instance);
}
