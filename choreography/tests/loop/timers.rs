//! Timers: kept, taken when due, and never before what was there in time is heard.

use super::harness::{World, wait};
use super::records::{cancelled, order};

#[test]
fn a_timer_survives_a_restart_and_waits_for_what_was_there_in_time() {
    let world = World::new();
    let instance = world.start_ready(&[]);
    for n in 0..6 {
        world.place(&order(&format!("o-{n}"), "ALARM"));
    }
    world.wait_for("inventory", 6);
    world.stop(instance);
    let timers = world.rows::<String>("SELECT lower(hex(id)) FROM timers");
    assert_eq!(timers.len(), 6);
    // Nobody hears these, and then the timers are due. (In a new group, as it forms sooner.)
    let world = world.with_new_topics();
    for n in 0..3 {
        world.place(&cancelled(&format!("o-{n}")));
    }
    wait("timers that are due", || {
        let due = world.number("SELECT MAX(due) < unixepoch('subsec') * 1000 FROM timers");
        (due == 1).then_some(())
    });
    let instance = world.start(&[]);
    let seen = world.wait_for("inventory", 3);
    wait("all timers", || (world.number("SELECT COUNT(*) FROM timers") == 0).then_some(()));
    world.wait_until_forgotten();
    assert_eq!(world.read("inventory").len(), 3, "what was cancelled in time is not late");
    for late in seen.iter().filter(|s| s.received().name == Some("StockReleased")) {
        assert!(["o-3", "o-4", "o-5"].contains(&late.order()), "{}", late.order());
        assert!(timers.contains(&late.id().replace('-', "")), "the timer's own id");
    }
    world.stop(instance);
}

#[test]
fn a_timer_comes_back_or_is_set_aside_and_can_be_replayed() {
    let world = World::new();
    let instance = world.start(&[]);
    world.place(&order("o-poison", "LATER"));
    let id = world.place(&order("o-1", "LATER"));
    let dead = world.wait_for("inventory.counter-svc.dlq", 1).remove(0);
    assert_eq!(dead.header("dlq-error-class").as_deref(), Some("panic"));
    assert_eq!(dead.header("dlq-partition").as_deref(), Some("-1"));
    assert_eq!(dead.received().name, Some("StockReleased"));
    let seen = world.wait_for("inventory", 3);
    let released = seen.iter().find(|s| s.received().name == Some("StockReleased")).expect("said");
    assert_eq!((released.order(), released.received().causation), ("o-1", Some(id)));
    assert_eq!(released.received().answers, None, "that counts what is said at once");
    assert_eq!(world.number("SELECT COUNT(*) FROM timers"), 0);
    assert_eq!(world.number("SELECT heard FROM counts WHERE order_id = 'o-1'"), 2);
    // The operator has mended it: it is about an order whose timer does not panic.
    let released = shared_events::inventory::StockReleased {
        order_id: "o-7".parse().expect("an id"),
        lines: vec![],
    };
    world.place(&order("o-7", "EUR"));
    world.wait_for("inventory", 4);
    let mended = choreography::encode(&released).expect("encoded");
    world.put("inventory.counter-svc.replay", Some("o-7"), &mended, &dead.headers);
    let seen = world.wait_for("inventory", 5);
    let late: Vec<_> = seen.iter().filter(|s| s.order() == "o-7").collect();
    assert_eq!(late[1].received().name, Some("StockReleased"));
    assert_eq!(Some(late[1].id()), dead.header("dlq-id"));
    world.stop(instance);
}

/// More than one transaction takes, so that hearing has to go on between them.
#[test]
fn many_timers_are_taken_in_parts() {
    let world = World::new();
    let instance = world.start_ready(&[]);
    world.place(&order("o-1", "ALARM"));
    wait("a timer", || (world.number("SELECT COUNT(*) FROM timers") == 1).then_some(()));
    world.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)
         INSERT INTO timers SELECT randomblob(16), due, record FROM timers, n",
    );
    wait("all timers", || (world.number("SELECT COUNT(*) FROM timers") == 0).then_some(()));
    assert_eq!(world.number("SELECT heard FROM counts WHERE order_id = 'o-1'"), 1 + 1701);
    world.stop(instance);
}
