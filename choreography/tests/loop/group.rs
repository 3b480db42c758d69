//! More than one instance, and topics that come later.

use choreography::service::Service;
use choreography::topics;

use super::counter::Counter;
use super::harness::{World, wait};
use super::records::{check, order};

#[test]
fn two_instances_share_the_partitions_and_one_leaves() {
    share(&World::new());
}

/// Events about one order stand in all partitions, as a producer with another partitioner puts
/// them, so that both instances answer about each order at the same time.
pub(crate) fn share(world: &World) {
    let first = world.start_ready(&[]);
    let mut placed = 0;
    let mut place = |count: usize| {
        for n in placed..placed + count {
            world.place_at(i32::try_from(n % 6).ok(), &order(&format!("o-{}", n % 5), "TWO"));
        }
        placed += count;
        placed
    };
    place(40);
    let second = world.start(&[]);
    wait("joining", || world.page(&second, "/readyz").1.contains("assignment").then_some(()));
    // What the first one has to give up is paused then, and must go on when it comes back to it.
    let lock = world.lock();
    place(6);
    wait("readiness", || (world.page(&second, "/readyz").0 == 200).then_some(()));
    lock.unlock();
    let placed = place(300);
    wait("all answers", || (check(&world.read("inventory")) == 2 * placed).then_some(()));
    let takes = |instance| {
        let (_, metrics) = world.page(instance, "/metrics");
        metrics.lines().any(|line| line.starts_with("messaging_client_consumed_messages"))
    };
    assert!(takes(&first) && takes(&second), "both have handled something");
    world.stop(second);
    let placed = place(100);
    wait("all answers", || (check(&world.read("inventory")) == 2 * placed).then_some(()));
    let heard: Vec<i64> = world.rows("SELECT heard FROM counts");
    assert_eq!(heard.iter().sum::<i64>(), i64::try_from(placed).expect("few"));
    world.wait_until_forgotten();
    world.stop(first);
}

/// A gap in one topic must not keep an instance that has nothing to do from being ready.
#[test]
fn topics_that_are_missing_are_waited_for() {
    let world = World::with_topics(&[]);
    let instance = world.start(&["-X", "topic.metadata.refresh.interval.ms=500"]);
    let why = wait("the missing topics", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503 && why.contains("topics are missing")).then_some(why)
    });
    assert!(why.contains("orders.counter-svc.dlq") && why.contains("inventory"), "{why}");
    let command = "`choreo topics create -b ";
    let of_this_service = " --group counter-svc --hears ";
    assert!(why.contains(command) && why.contains(of_this_service), "{why}");
    for topic in topics::needed_by(&[Counter.manifest()]) {
        let cluster = world.broker.cluster();
        cluster.create_topic(&topic.name, topic.partitions, 1).expect("created");
    }
    world.place(&order("o-1", "EUR"));
    world.wait_for("inventory", 1);
    wait("readiness", || (world.page(&instance, "/readyz").0 == 200).then_some(()));
    world.stop(instance);
}

/// With one partition of each topic, an instance may get none: it stands by.
#[test]
fn an_instance_without_partitions_is_ready() {
    let mut topics = topics::needed_by(&[Counter.manifest()]);
    for topic in &mut topics {
        topic.partitions = 1;
    }
    let world = World::with_topics(&topics);
    let all: Vec<_> = (0..4).map(|_| world.start(&[])).collect();
    for instance in &all {
        wait("readiness", || (world.page(instance, "/readyz").0 == 200).then_some(()));
    }
    for instance in all {
        world.stop(instance);
    }
}
