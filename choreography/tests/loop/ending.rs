//! Stopping, failing, standing still.

use std::sync::atomic::Ordering;

use super::counter::HELD;
use super::harness::{World, wait};
use super::records::{check, order, orders};

#[test]
fn a_stop_under_load_loses_nothing() {
    let world = World::new();
    let instance = world.start_ready(&["--batch-records", "20"]);
    for n in 0..300 {
        world.place(&order(&format!("o-{}", n % 50), "TWO"));
        if n == 150 {
            wait("some answers", || (!world.read("inventory").is_empty()).then_some(()));
        }
    }
    world.stop(instance);
    let instance = world.start(&[]);
    wait("all answers", || (check(&world.read("inventory")) == 600).then_some(()));
    assert_eq!(orders(&world.read("inventory")).len(), 50);
    assert_eq!(world.number("SELECT SUM(heard) FROM counts"), 300);
    world.stop(instance);
}

#[test]
fn a_loop_that_stands_still_is_told_by_healthz() {
    let world = World::new();
    let instance = world.start_ready(&["--stalled-after", "1s"]);
    assert_eq!(world.page(&instance, "/healthz").0, 200);
    HELD.store(true, Ordering::Relaxed);
    world.place(&order("o-1", "HOLD"));
    let why = wait("standing still", || {
        let (status, why) = world.page(&instance, "/healthz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("stalled"), "{why}");
    HELD.store(false, Ordering::Relaxed);
    wait("health", || (world.page(&instance, "/healthz").0 == 200).then_some(()));
    world.wait_for("inventory", 1);
    world.stop(instance);
}
