//! Records that are gone before they were heard.

use super::harness::{World, wait};
use super::records::{check, envelope, fresh, order};

/// Fills a partition until its first records are gone: the mock cluster keeps 5 MiB. The records
/// are nothing to the counter. Out: how many are gone.
fn fill(world: &World, partition: i32) -> i64 {
    let headers = vec![("ce_type".to_owned(), Some(b"OrderCompleted".to_vec()))];
    for _ in 0..7 {
        world.put_at("orders", Some(partition), None, &[7; 900_000], &headers);
    }
    let (low, _) = world.watermarks("orders", partition);
    assert!(0 < low);
    low
}

fn put(world: &World, partition: i32) {
    let order = order(&format!("o-{partition}"), "EUR");
    let value = choreography::encode(&order).expect("encoded");
    world.put_at("orders", Some(partition), Some("k"), &value, &envelope(&order, fresh()));
}

#[test]
fn a_gap_is_told_and_waits_for_an_operator() {
    let world = World::new();
    world.migrate();
    world.execute("INSERT INTO handled VALUES (randomblob(16), 1700000000000, 0)");
    let gone = [fill(&world, 0), fill(&world, 1)];
    world.commit("orders", 0, 0);
    world.commit("orders", 2, 1000);
    world.commit("orders", 4, 1000);
    let first = world.start(&[]);
    let why = wait("three gaps", || {
        let (status, why) = world.page(&first, "/readyz");
        (status == 503 && why.contains("orders/2")).then_some(why)
    });
    assert!(why.contains(&format!("orders/0: {} records are gone", gone[0])), "{why}");
    let expected = format!("has no committed offset here, and the first {} records", gone[1]);
    assert!(why.contains(&expected), "{why}");
    assert!(
        why.contains(
            "orders/2: counter-svc has committed offset 1000, and the partition ends at 0"
        ),
        "{why}"
    );
    let accept = format!("--accept-gap orders/0@{}", gone[0]);
    assert!(why.contains(&accept), "{why}");
    for partition in 0..4 {
        put(&world, partition);
    }
    let seen = world.wait_for("inventory", 1);
    assert_eq!(seen[0].order(), "o-3", "the other partitions go on");
    world.stop(first);

    let accepted = [
        format!("--accept-gap=orders/0@{}", gone[0]),
        format!("--accept-gap=orders/1@{}", gone[1]),
        "--accept-gap=orders/2@0,orders/4@0".to_owned(),
    ];
    let accepted: Vec<&str> = accepted.iter().map(String::as_str).collect();
    let second = world.start_ready(&accepted);
    wait("all answers", || (check(&world.read("inventory")) == 4).then_some(()));
    world.stop(second);
    // What was accepted once is committed, also where no record has come.
    assert_eq!(world.committed("orders", 4), Some(0));
}

/// The flag of a former gap is left over, and the topic was created again since.
#[test]
fn a_word_for_another_gap_skips_nothing() {
    let world = World::new();
    world.migrate();
    world.execute("INSERT INTO handled VALUES (randomblob(16), 1700000000000, 0)");
    for _ in 0..5 {
        put(&world, 2);
    }
    world.commit("orders", 2, 1000);
    let instance = world.start(&["--accept-gap", "orders/2@3"]);
    let why = wait("a gap", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503 && why.contains("orders/2")).then_some(why)
    });
    assert!(why.contains("--accept-gap orders/2@0"), "{why}");
    world.stop(instance);
}

#[test]
fn a_gap_that_opens_while_it_runs_is_told() {
    let world = World::new();
    // Records that are gone before a service has handled anything are no gap.
    fill(&world, 2);
    put(&world, 2);
    // It fetches little ahead, so that it has to ask for records that are gone meanwhile.
    let instance = world.start_ready(&["-X", "fetch.message.max.bytes=1000000"]);
    put(&world, 0);
    world.wait_for("inventory", 2);
    let lock = world.lock();
    put(&world, 0);
    put(&world, 1);
    fill(&world, 0);
    fill(&world, 0);
    lock.unlock();
    let why = wait("a gap", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("orders/0:") && why.contains("records are gone"), "{why}");
    put(&world, 3);
    wait("the other partitions", || {
        world.read("inventory").iter().any(|seen| seen.order() == "o-3").then_some(())
    });
    world.stop(instance);
}
