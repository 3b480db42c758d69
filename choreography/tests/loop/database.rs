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
