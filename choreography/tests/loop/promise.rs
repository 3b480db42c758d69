//! Ways to break the promise that the other tests here would notice late or never: what each of
//! these tests is for is shown by a mutant in `tests/mutants`.

use choreography::Event;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::harness::{World, wait};
use super::records::{Seen, check, order, orders};

const DLQ: &str = "orders.counter-svc.dlq";
const PRODUCE: RDKafkaApiKey = RDKafkaApiKey::Produce;

/// Places an order behind what else its partition has, and waits for its answer: then all before it
/// was heard. Out: all answers.
fn answers_until<E: Event>(world: &World, partition: i32, last: &E) -> Vec<Seen> {
    world.place_at(Some(partition), last);
    wait("the last answer", || {
        let seen = world.read("inventory");
        seen.iter().any(|seen| seen.order() == last.key()).then_some(seen)
    })
}

#[test]
fn what_was_there_before_the_first_start_is_heard() {
    let world = World::new();
    world.place_at(Some(0), &order("o-1", "EUR"));
    let instance = world.start_ready(&[]);
    let seen = answers_until(&world, 0, &order("o-2", "EUR"));
    assert_eq!(orders(&seen), ["o-1", "o-2"]);
    world.stop(instance);
}

/// A table is away, as while an operator restores it: each try fails at once, so there are many.
#[test]
fn what_fails_many_times_is_not_passed_over() {
    let world = World::new();
    let instance = world.start_ready(&["--unhealthy-after", "3s"]);
    world.execute("ALTER TABLE counts RENAME TO counts_away");
    world.place_at(Some(0), &order("o-1", "EUR"));
    wait("a fault that lasts", || (world.page(&instance, "/healthz").0 == 503).then_some(()));
    world.execute("ALTER TABLE counts_away RENAME TO counts");
    let seen = answers_until(&world, 0, &order("o-2", "EUR"));
    assert_eq!(orders(&seen), ["o-1", "o-2"]);
    assert_eq!(world.read(DLQ).len(), 0);
    world.stop(instance);
}

#[test]
fn an_answer_that_is_refused_once_is_said_before_the_next_one() {
    let world = World::new();
    let instance = world.start_ready(&["--batch-records", "1"]);
    let lock = world.lock();
    world.place(&order("o-1", "EUR"));
    let last = world.place(&order("o-1", "EUR"));
    // Both orders are there, so the next thing to be produced is the first answer.
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    world.broker.cluster().request_errors(PRODUCE, &[refused]);
    lock.unlock();
    let seen = wait("the last answer", || {
        let seen = world.read("inventory");
        seen.iter().any(|seen| seen.received().causation == Some(last)).then_some(seen)
    });
    assert_eq!(check(&seen), 2);
    world.stop(instance);
}

#[test]
fn a_dead_letter_is_owed_until_the_broker_has_it() {
    let world = World::new();
    let instance = world.start_ready(&[]);
    world.broker.refuse(DLQ).expect("a topic");
    world.place_at(Some(0), &order("o-1", "PANIC"));
    wait("a dead event", || {
        (world.number("SELECT COUNT(*) FROM handled WHERE dead = 1") == 1).then_some(())
    });
    world.stop(instance);
    assert_eq!(world.number("SELECT COUNT(*) FROM owed"), 1);
    assert_eq!(world.committed("orders", 0).unwrap_or(0), 0, "its record brings it back");
    world.broker.accept(DLQ).expect("a topic");
    let instance = world.start(&[]);
    world.wait_for(DLQ, 1);
    world.wait_until_forgotten();
    world.stop(instance);
}

/// Two instances run, and one ends without having said what it owes: whoever gets its partitions
/// says that before it hears them.
#[test]
fn who_takes_over_says_first_what_is_owed() {
    let world = World::new();
    let first = world.start_ready(&[]);
    let lock = world.lock();
    world.place(&order("o-1", "TWO"));
    world.fail(PRODUCE, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    lock.unlock();
    wait("answers", || (world.number("SELECT COUNT(*) FROM owed") == 2).then_some(()));
    world.execute("CREATE TABLE stash AS SELECT * FROM owed");
    world.heal(PRODUCE);
    world.wait_for("inventory", 2);
    world.wait_until_forgotten();
    let second = world.start_ready(&[]);
    let before = world.read_count("inventory");
    // Nothing was owed when the second one started; now something is.
    world.execute(
        "INSERT INTO owed SELECT id, cause, key, sequence, topic, record, now_ms() FROM stash",
    );
    world.stop(first);
    for partition in 0..6 {
        answers_until(&world, partition, &order(&format!("last-{partition}"), "EUR"));
    }
    assert_eq!(world.read_count("inventory") - before, 2 + 6);
    world.stop(second);
}
