//! Heard again: by offsets that are reset, and by the replay of dead letters.

use super::harness::{World, wait};
use super::records::{check, envelope, fresh, order};

/// All rows that handling may change, as text.
fn state(world: &World) -> Vec<String> {
    let mut all = world.rows("SELECT hex(id) || heard_at || dead FROM handled ORDER BY id");
    all.extend(world.rows::<String>("SELECT key || sequence FROM spoken ORDER BY key"));
    all.extend(world.rows::<String>("SELECT order_id || heard FROM counts ORDER BY order_id"));
    all.extend(world.rows::<String>("SELECT hex(id) FROM timers"));
    all.extend(world.rows::<String>("SELECT hex(id) FROM owed"));
    all
}

/// The group's offsets are 0, as when an operator has reset them, or its topics were created again
/// with the same events.
#[test]
fn topics_heard_again_from_the_start_change_and_say_nothing() {
    let world = World::new();
    let placed: Vec<_> = (0..100)
        .map(|n| order(&format!("o-{}", n % 30), ["EUR", "TWO", "PANIC"][n % 3]))
        .map(|order| (world.place(&order), order))
        .collect();
    let instance = world.start(&[]);
    wait("all answers", || (check(&world.read("inventory")) == 34 + 66).then_some(()));
    world.wait_for("orders.counter-svc.dlq", 33);
    world.wait_until_forgotten();
    world.stop(instance);
    let before = state(&world);

    let world = world.with_new_topics();
    for (id, order) in &placed {
        world.place_as(order, *id);
    }
    (0..6).for_each(|partition| world.commit("orders", partition, 0));
    let instance = world.start(&[]);
    let last = world.place(&order("o-last", "EUR"));
    // Each partition has to be heard whole: then nothing is left that could be said.
    wait("committed offsets", || {
        (0..6)
            .all(|p| world.committed("orders", p) == Some(world.watermarks("orders", p).1))
            .then_some(())
    });
    let answers = world.wait_for("inventory", 1);
    world.wait_until_forgotten();
    world.stop(instance);
    assert_eq!(answers[0].received().causation, Some(last));
    assert_eq!(world.read("inventory").len(), 1);
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 0);
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

/// Its bytes were damaged on the way, or by an old version of its producer's schema, and are good
/// in the replay: it is the event that its headers say, whether that has come or will come.
#[test]
fn what_could_not_be_decoded_and_now_can_is_the_event_itself() {
    let world = World::new();
    let (first, second) = (fresh(), fresh());
    let damaged = |order: &shared_events::orders::OrderPlaced, id| {
        let value = choreography::encode(order).expect("encoded");
        let key = Some(order.order_id.as_str());
        world.put("orders", key, &value[..value.len() - 3], &envelope(order, id));
    };
    let (one, two) = (order("o-1", "EUR"), order("o-2", "EUR"));
    damaged(&one, first);
    damaged(&two, second);
    world.place_as(&two, second);
    let instance = world.start(&[]);
    let letters = world.wait_for("orders.counter-svc.dlq", 2);
    for (order, id) in [(&one, first), (&two, second)] {
        let letter = letters.iter().find(|l| l.id() == id.to_string()).expect("a letter");
        let mended = choreography::encode(order).expect("encoded");
        let key = Some(order.order_id.as_str());
        world.put("orders.counter-svc.replay", key, &mended, &letter.headers);
    }
    let answers = world.wait_for("inventory", 2);
    let cause = |order: &str| {
        let answer = answers.iter().find(|seen| seen.order() == order).expect("an answer");
        answer.received().causation
    };
    assert_eq!((cause("o-1"), cause("o-2")), (Some(first), Some(second)));
    // The good copy comes late.
    world.place_as(&one, first);
    wait("the end", || {
        let settled = world.number("SELECT COUNT(*) FROM handled WHERE dead = 1") == 0;
        let heard = (0..6)
            .all(|p| world.committed("orders", p).unwrap_or(0) == world.watermarks("orders", p).1);
        (settled && heard).then_some(())
    });
    assert_eq!(world.number("SELECT SUM(heard) FROM counts"), 2, "each has its effect once");
    assert_eq!(world.read("inventory").len(), 2);
    world.stop(instance);
}

/// The operator has sent one as it was, and then the mended one: the last word counts.
#[test]
fn of_two_replays_in_one_batch_the_last_one_counts() {
    let world = World::new();
    world.place(&order("o-1", "PANIC"));
    let instance = world.start(&[]);
    let dead = world.wait_for("orders.counter-svc.dlq", 1).remove(0);
    world.wait_until_forgotten();
    world.stop(instance);
    let world = world.with_new_topics();
    for currency in ["PANIC", "EUR"] {
        let value = choreography::encode(&order("o-1", currency)).expect("encoded");
        world.put("orders.counter-svc.replay", Some("o-1"), &value, &dead.headers);
    }
    let instance = world.start(&["--batch-wait", "2s"]);
    world.wait_for("inventory", 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM handled WHERE dead = 2"), 1);
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 0, "nothing has died again");
    world.stop(instance);
}
