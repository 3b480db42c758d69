//! Heard again: by offsets that are reset, and by the replay of dead letters.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::Offset;

use super::harness::{GROUP, World, wait};
use super::records::{check, order};

/// Sets the group's offsets to 0, as an operator does while no instance runs. The mock cluster
/// takes a commit of a member only, once the group has had one.
fn reset(world: &World) {
    let member: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", world.broker.brokers())
        .set("group.id", GROUP)
        .set("enable.auto.commit", "false")
        .set("partition.assignment.strategy", "cooperative-sticky")
        // Whoever joins next waits for about that long.
        .set("session.timeout.ms", "10000")
        .create()
        .expect("consumer");
    member.subscribe(&["orders"]).expect("subscribed");
    let mut assigned = wait("an assignment", || {
        let _ = member.poll(std::time::Duration::from_millis(50));
        Some(member.assignment().expect("assignment")).filter(|list| list.count() == 6)
    });
    assigned.set_all_offsets(Offset::Offset(0)).expect("offsets");
    member.commit(&assigned, CommitMode::Sync).expect("committed");
}

/// All rows that handling may change, as text.
fn state(world: &World) -> Vec<String> {
    let mut all = world.rows("SELECT hex(id) || heard_at || dead FROM handled ORDER BY id");
    all.extend(world.rows::<String>("SELECT key || sequence FROM spoken ORDER BY key"));
    all.extend(world.rows::<String>("SELECT order_id || heard FROM counts ORDER BY order_id"));
    all.extend(world.rows::<String>("SELECT hex(id) FROM timers"));
    all.extend(world.rows::<String>("SELECT hex(id) FROM owed"));
    all
}

#[test]
fn a_topic_heard_again_from_the_start_changes_and_says_nothing() {
    let world = World::new();
    for n in 0..100 {
        world.place(&order(&format!("o-{}", n % 30), ["EUR", "TWO", "PANIC"][n % 3]));
    }
    let instance = world.start(&[]);
    wait("all answers", || (check(&world.read("inventory")) == 34 + 66).then_some(()));
    world.wait_for("orders.counter-svc.dlq", 33);
    world.wait_until_forgotten();
    world.stop(instance);
    let before = state(&world);

    reset(&world);
    let instance = world.start(&[]);
    let last = world.place(&order("o-last", "EUR"));
    wait("the last answer", || {
        let seen = world.read("inventory");
        seen.iter().any(|seen| seen.received().causation == Some(last)).then_some(())
    });
    // Each partition has to be heard whole: then nothing is left that could be said.
    wait("committed offsets", || {
        (0..6)
            .all(|p| world.committed("orders", p) == Some(world.watermarks("orders", p).1))
            .then_some(())
    });
    world.wait_until_forgotten();
    world.stop(instance);
    assert_eq!(world.read("inventory").len(), 101);
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 33);
    let after = state(&world);
    let new: Vec<_> = after.iter().filter(|row| !before.contains(row)).collect();
    assert_eq!(
        (before.len() + 3, new.len()),
        (after.len(), 3),
        "more than the last order: {new:?}"
    );
}

/// A replay that dies once more is a dead letter of its own, with the next attempt's number.
#[test]
fn a_replay_of_a_dead_letter_can_die_again_and_is_handled_once() {
    let world = World::new();
    world.place(&order("o-2", "PANIC"));
    let instance = world.start(&[]);
    let dead = world.wait_for("orders.counter-svc.dlq", 1).remove(0);
    world.put("orders.counter-svc.replay", Some("o-2"), &dead.value, &dead.headers);
    let letters = world.wait_for("orders.counter-svc.dlq", 2);
    let again = &letters[1];
    assert_eq!(again.header("dlq-attempt").as_deref(), Some("2"));
    assert_eq!(again.header("dlq-id"), dead.header("dlq-id"));
    assert_eq!(again.header("dlq-offset"), dead.header("dlq-offset"), "its first place");
    assert_eq!(again.headers.iter().filter(|(name, _)| name == "traceparent").count(), 1);
    // The operator has mended the order: the bytes are others, the place and the identity are not.
    let mended = choreography::encode(&order("o-2", "EUR")).expect("encoded");
    for _ in 0..2 {
        world.put("orders.counter-svc.replay", Some("o-2"), &mended, &again.headers);
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

/// The original and its replay in one batch: both have one identity, and the replay counts.
#[test]
fn a_replay_beside_its_original_is_handled() {
    let world = World::new();
    let id = world.place(&order("o-1", "PANIC"));
    let instance = world.start(&[]);
    let dead = world.wait_for("orders.counter-svc.dlq", 1).remove(0);
    world.wait_until_forgotten();
    world.stop(instance);
    let mended = choreography::encode(&order("o-1", "EUR")).expect("encoded");
    let world = world.with_new_topics();
    world.place_as(&order("o-1", "PANIC"), id);
    world.put("orders.counter-svc.replay", Some("o-1"), &mended, &dead.headers);
    let instance = world.start(&["--batch-wait", "2s"]);
    let answers = world.wait_for("inventory", 1);
    assert_eq!(answers[0].order(), "o-1");
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 2"), 1);
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 0, "its original is known");
    world.stop(instance);
}
