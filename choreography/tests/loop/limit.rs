//! The limit of dead letters: a bad deployment, or a database that refuses everything, must not empty a
//! topic into the DLQ.

use super::harness::{Instance, World, wait};
use super::records::{check, order};

const DLQ: &str = "orders.counter-svc.dlq";

/// Places so many orders in this currency, one after the other on one partition.
fn place(world: &World, name: &str, currency: &str, count: usize) {
    for n in 0..count {
        world.place_at(Some(0), &order(&format!("{name}-{n}"), currency));
    }
}

/// Waits until it is not ready because of the limit. Out: what it says.
fn wait_for_limit(world: &World, instance: &Instance) -> String {
    wait("the limit", || {
        let (status, why) = world.page(instance, "/readyz");
        (status == 503 && why.contains("dead letter limit")).then_some(why)
    })
}

fn dead(world: &World) -> usize {
    world.read(DLQ).len()
}

/// The database refuses every order until somebody mends it.
#[test]
fn when_all_would_die_it_stops_and_goes_on_once_the_cause_is_mended() {
    let world = World::new();
    world.migrate();
    world.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON counts BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let instance = world.start_ready(&["--unhealthy-after", "1s"]);
    place(&world, "o", "EUR", 120);
    let why = wait_for_limit(&world, &instance);
    assert!(why.contains("51 of the latest 100 events of counter-svc would be dead"), "{why}");
    assert!(why.contains("choreo dlq list --group counter-svc"), "{why}");
    assert!(why.contains("start with --dead-letters-max 100"), "{why}");
    let (_, metrics) = world.page(&instance, "/metrics");
    assert!(metrics.contains("\nchoreography_dead_letter_limit_ratio 1"), "{metrics}");
    // Longer than it would be healthy with a fault that a new process might end.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(world.page(&instance, "/healthz").0, 200, "a new process would not help");
    assert_eq!(dead(&world), 50, "and no more");
    assert_eq!(world.read("inventory").len(), 0);

    // Neither does a new process count anew, nor a second one beside it.
    world.stop(instance);
    let instance = world.start(&[]);
    wait_for_limit(&world, &instance);
    assert_eq!(dead(&world), 50);

    world.execute("DROP TRIGGER refuse");
    wait("the rest", || (check(&world.read("inventory")) == 70).then_some(()));
    wait("readiness", || (world.page(&instance, "/readyz").0 == 200).then_some(()));
    assert_eq!(dead(&world), 50);
    let (_, metrics) = world.page(&instance, "/metrics");
    assert!(metrics.contains("\nchoreography_dead_letter_limit_ratio 0"), "{metrics}");

    // What was set aside before is replayed.
    for letter in world.read(DLQ) {
        world.put(
            "orders.counter-svc.replay",
            Some(letter.order()),
            &letter.value,
            &letter.headers,
        );
    }
    wait("all", || (check(&world.read("inventory")) == 120).then_some(()));
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 1"), 0);
    world.stop(instance);
}

#[test]
fn it_goes_on_with_an_operators_word() {
    let world = World::new();
    place(&world, "o", "PANIC", 8);
    place(&world, "good", "EUR", 1);
    let instance = world.start(&["--dead-letters-max", "5"]);
    wait_for_limit(&world, &instance);
    assert_eq!((dead(&world), world.read("inventory").len()), (5, 0), "nothing passes it");
    world.stop(instance);
    let instance = world.start(&["--dead-letters-max", "100"]);
    world.wait_for("inventory", 1);
    assert_eq!(dead(&world), 8);
    wait("readiness", || (world.page(&instance, "/readyz").0 == 200).then_some(()));
    world.stop(instance);
}

#[test]
fn one_in_ten_is_set_aside_however_many_that_are() {
    let world = World::new();
    for n in 0..60 {
        place(&world, &format!("bad-{n}"), "PANIC", 1);
        place(&world, &format!("good-{n}"), "EUR", 9);
    }
    let instance = world.start_ready(&["--batch-records", "50", "--dead-letters-max", "20"]);
    wait("all answers", || (check(&world.read("inventory")) == 540).then_some(()));
    assert_eq!(world.wait_for(DLQ, 60).len(), 60);
    assert_eq!(world.page(&instance, "/readyz").0, 200);
    world.stop(instance);
}

/// Bytes that are no event are told before anything is decided. A limit of none stops at the first.
#[test]
fn bytes_that_are_no_event_count_too() {
    let world = World::new();
    world.put_at("orders", Some(0), None, b"no event", &vec![]);
    let instance = world.start(&["--dead-letters-max", "0"]);
    let why = wait_for_limit(&world, &instance);
    assert!(why.contains("1 of the latest 100 events"), "{why}");
    assert_eq!(dead(&world), 0);
    world.stop(instance);
}
