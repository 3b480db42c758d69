//! Dead letters that the broker does not take.

use choreography::service::Service;
use choreography::topics;

use super::counter::Counter;
use super::harness::{World, wait};
use super::records::{check, order};

const DLQ: &str = "orders.counter-svc.dlq";

/// A batch that was compressed may unpack to more than any producer's limit.
#[test]
fn a_large_record_is_set_aside_whole() {
    let world = World::new();
    let value = vec![7; 3 << 20];
    world.put_at("orders", Some(0), Some("o-0"), &value, &vec![]);
    world.place_at(Some(0), &order("o-1", "EUR"));
    let instance = world.start(&[]);
    let dead = world.wait_for(DLQ, 1).remove(0);
    assert!(dead.value == value, "the original bytes");
    world.wait_for("inventory", 1);
    world.stop(instance);
}

#[test]
fn headers_without_number_are_left_out_and_counted() {
    let world = World::new();
    let headers = (0..20_000).map(|n| (format!("x-{n}"), Some(vec![1; 100]))).collect();
    world.put_at("orders", Some(0), Some("o-0"), b"no avro", &headers);
    let instance = world.start(&[]);
    let dead = world.wait_for(DLQ, 1).remove(0);
    assert_eq!(dead.value, b"no avro");
    let left_out: usize = dead.header("dlq-headers-omitted").expect("a note").parse().expect("n");
    let kept = dead.headers.iter().filter(|(name, _)| name.starts_with("x-")).count();
    assert_eq!(kept + left_out, 20_000);
    world.stop(instance);
}

/// The broker refuses the dead letters of one partition: the others go on, in this instance and in
/// the next one, and nothing behind the poison is committed.
#[test]
fn a_dead_letter_that_is_refused_stops_its_own_partition_only() {
    let world = World::new();
    let instance = world.start_ready(&[]);
    world.broker.refuse(DLQ).expect("a topic");
    world.place_at(Some(0), &order("o-0", "PANIC"));
    let why = wait("a refusal", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503).then_some(why)
    });
    assert!(why.contains(DLQ), "{why}");
    world.place_at(Some(0), &order("o-0", "EUR"));
    for partition in 1..6 {
        world.place_at(Some(partition), &order(&format!("o-{partition}"), "TWO"));
    }
    wait("the others", || (check(&world.read("inventory")) >= 10).then_some(()));
    wait("their offsets", || (1..6).all(|p| world.committed("orders", p) == Some(1)).then_some(()));
    assert_eq!(world.committed("orders", 0).unwrap_or(0), 0);
    world.broker.accept(DLQ).expect("a topic");
    world.wait_for(DLQ, 1);
    wait("the rest", || (check(&world.read("inventory")) == 11).then_some(()));
    wait("readiness", || (world.page(&instance, "/readyz").0 == 200).then_some(()));
    wait("its offset", || (world.committed("orders", 0) == Some(2)).then_some(()));
    world.wait_until_forgotten();
    world.stop(instance);
}

/// What dies in a partition that the dead letters' topic does not have could not be set aside.
#[test]
fn a_topic_of_dead_letters_with_too_few_partitions_is_told_at_start() {
    let mut topics = topics::needed_by(&[Counter.manifest()]);
    for topic in topics.iter_mut().filter(|topic| topic.name == DLQ) {
        topic.partitions = 3;
    }
    let world = World::with_topics(&topics);
    let instance = world.start(&[]);
    let why = wait("the topic", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503 && why.contains("has 3")).then_some(why)
    });
    assert!(why.contains(DLQ) && why.contains("orders has 6"), "{why}");
    world.stop(instance);
}
