//! A database that is locked, shared, away.

use super::harness::{World, wait};
use super::records::{check, order};

#[test]
fn a_locked_database_is_waited_for_and_nothing_becomes_a_dead_letter() {
    let world = World::new();
    let instance = world.start_ready(&["--unhealthy-after", "1s"]);
    let lock = world.lock();
    for n in 0..10 {
        world.place(&order(&format!("o-{n}"), "TWO"));
    }
    let why = wait("a fault", || {
        let (status, why) = world.page(&instance, "/healthz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("database"), "{why}");
    assert!((0..6).all(|p| world.committed("orders", p).unwrap_or(0) == 0), "not handled yet");
    assert_eq!(world.page(&instance, "/readyz").0, 200, "nobody is helped by less traffic");
    lock.unlock();
    wait("all answers", || (check(&world.read("inventory")) == 20).then_some(()));
    wait("health", || (world.page(&instance, "/healthz").0 == 200).then_some(()));
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 0);
    world.stop(instance);
}

#[test]
fn a_database_that_cannot_be_opened_ends_the_start() {
    let world = World::new();
    let began = std::time::Instant::now();
    let instance = world.start(&["--database-url", "sqlite:///no/such/folder/x.db"]);
    let error = world.ended(instance).expect_err("it cannot start");
    assert!(format!("{error:#}").contains("cannot open the SQLite database"), "{error:#}");
    let instance = world.start(&["--database-url", "mysql://x"]);
    let error = world.ended(instance).expect_err("it cannot start");
    assert!(format!("{error:#}").contains("DATABASE_URL must start with"), "{error:#}");
    assert!(began.elapsed().as_secs() < 20);
}

/// It is no event's fault, and may go by itself.
#[test]
fn a_panic_of_the_service_outside_of_a_decision_is_told_and_tried_again() {
    let world = World::new();
    let instance = world.start_ready(&["--unhealthy-after", "1s"]);
    world.place(&order("o-1", "LOAD"));
    let why = wait("a fault", || {
        let (status, why) = world.page(&instance, "/healthz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("load of the service panics: the order says that loading fails"), "{why}");
    assert_eq!(world.number("SELECT COUNT(*) FROM handled"), 0);
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 0);
    world.stop(instance);
}

/// As a disk or a hand may leave them: what can be read goes on.
#[test]
fn rows_that_cannot_be_read_stop_nothing() {
    let world = World::new();
    world.migrate();
    world.execute("INSERT INTO timers VALUES (randomblob(16), 1, x'c1')");
    world.execute(
        "INSERT INTO owed VALUES (randomblob(16), randomblob(16), 'o-1', 1, 'inventory', x'c1', 1)",
    );
    let instance = world.start_ready(&[]);
    world.place(&order("o-1", "EUR"));
    world.wait_for("inventory", 1);
    let dead = world.wait_for("inventory.counter-svc.dlq", 1).remove(0);
    assert_eq!(dead.header("dlq-error-class").as_deref(), Some("undecodable"));
    assert_eq!(dead.value, b"\xc1", "its bytes are kept");
    wait("the timer", || (world.number("SELECT COUNT(*) FROM timers") == 0).then_some(()));
    assert_eq!(world.number("SELECT COUNT(*) FROM owed WHERE record = x'c1'"), 1, "it is left");
    world.stop(instance);
}

/// A new connection is tried for ten seconds; after that the start goes on waiting.
#[test]
fn a_postgresql_that_is_away_at_the_start_is_waited_for() {
    let world = World::new();
    let instance = world.start(&["--database-url", "postgres://nobody@127.0.0.1:1/nothing"]);
    std::thread::sleep(std::time::Duration::from_secs(12));
    world.stop(instance);
}
