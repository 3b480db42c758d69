//! What is owed: said again by whoever comes next, the same bytes, in order.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use shared_events::identity;

use super::harness::{World, wait};
use super::records::{check, order};

const PRODUCE: RDKafkaApiKey = RDKafkaApiKey::Produce;
const LATER: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;

fn contains(record: &[u8], part: &[u8]) -> bool {
    record.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_a_crashed_instance_owes_the_next_one_says() {
    let world = World::new();
    world.migrate();
    let causes: Vec<_> =
        (0..20).map(|n| world.place(&order(&format!("o-{}", n % 10), "TWO"))).collect();
    world.fail(PRODUCE, LATER);
    let first = world.start(&["--drain-time", "500ms"]);
    // One batch: how many of the orders are in it is the broker's to say.
    let owed = || world.number("SELECT COUNT(*) FROM owed");
    let owed = wait("answers", || Some(owed()).filter(|owed| 0 < *owed));
    world.stop(first);
    assert_eq!(world.number("SELECT COUNT(*) FROM owed"), owed);
    let stored: Vec<Vec<u8>> = world.rows("SELECT record FROM owed");

    world.execute(
        "CREATE TABLE stash AS SELECT * FROM owed WHERE key = (SELECT MIN(key) FROM owed)",
    );
    // The next instance joins sooner where the group is new; what is owed is in the database.
    let world = world.with_new_topics();
    let second = world.start_ready(&[]);
    let seen = world.read("inventory");
    let all = usize::try_from(owed).expect("a count");
    assert_eq!(check(&seen), all, "said before anything is heard");
    let expected: Vec<_> = causes
        .iter()
        .flat_map(|cause| [0, 1].map(|n| identity::of_answer(*cause, "counter-svc", n)))
        .map(|id| id.to_string())
        .collect();
    for record in &seen {
        assert!(expected.contains(&record.id()), "an id that nobody has derived");
        let trace = record.header("traceparent").expect("traceparent");
        let same = |stored: &&Vec<u8>| {
            contains(stored, &record.value)
                && contains(stored, trace.as_bytes())
                && contains(stored, record.id().as_bytes())
        };
        assert!(stored.iter().any(|s| same(&s)), "not the bytes that were decided");
    }
    world.wait_until_forgotten();
    assert_eq!(world.number("SELECT SUM(heard) FROM counts") * 2, owed);
    world.stop(second);
    in_order_of_two_instances(&world);
}

/// One instance has committed its answers and then stands still; another one hears the next event.
fn in_order_of_two_instances(world: &World) {
    let world = world.with_new_topics();
    let instance = world.start_ready(&[]);
    // What the one that stands still has left in the database.
    world.execute(
        "INSERT INTO owed SELECT id, cause, key, sequence, topic, record, now_ms() FROM stash",
    );
    let id: String = world.rows("SELECT key FROM stash").remove(0);
    let owed = u64::try_from(world.number("SELECT COUNT(*) FROM stash")).expect("a count");
    let cause = world.place(&order(&id, "EUR"));
    let sequence = wait("the answer", || {
        let seen = world.read("inventory");
        let last = seen.iter().find(|seen| seen.received().causation == Some(cause))?;
        Some(last.received().sequence)
    });
    assert_eq!(sequence, Some(owed + 1));
    let seen = world.read("inventory");
    assert_eq!(check(&seen) as u64, owed + 1, "what is owed about the order is said first");
    world.stop(instance);
}

/// Rows of no record that would bring them back, more than one page of them, all about one key but
/// one, and a dead letter.
#[test]
fn all_that_is_owed_is_said_at_start_page_by_page() {
    let world = World::new();
    world.migrate();
    world.place(&order("o-1", "TWO"));
    world.fail(PRODUCE, LATER);
    let first = world.start(&["--drain-time", "500ms"]);
    wait("answers", || (world.number("SELECT COUNT(*) FROM owed") == 2).then_some(()));
    world.stop(first);
    let world = world.with_new_topics();
    // Copies of the second answer with ids and sequences of their own: the record says another
    // sequence, which nobody reads here.
    world.execute(
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)
         INSERT INTO owed SELECT randomblob(16), cause, key, i, topic, record, since FROM owed, n
         WHERE sequence = 2",
    );
    world.execute(
        "INSERT INTO owed SELECT randomblob(16), cause, NULL, NULL, topic, record, since FROM owed
         WHERE sequence = 2",
    );
    // A later version has written one field more.
    world.execute(
        "UPDATE owed SET record = unhex('96' || substr(hex(record), 3) || 'C0') WHERE sequence < 9",
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM owed"), 1301);
    let second = world.start_ready(&[]);
    let seen = world.read("inventory");
    world.wait_until_forgotten();
    assert_eq!(seen.len(), 1301);
    assert_eq!(seen[0].received().name, Some("StockReserved"), "by sequence");
    world.stop(second);
}
