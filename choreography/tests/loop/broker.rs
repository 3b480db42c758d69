//! A broker that refuses, is away, comes back.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::harness::{World, wait};
use super::records::{check, order};

const PRODUCE: RDKafkaApiKey = RDKafkaApiKey::Produce;

#[test]
fn what_the_broker_cannot_take_now_is_said_later_in_order() {
    use RDKafkaRespErr as Code;
    let world = World::new();
    for n in 0..40 {
        world.place(&order(&format!("o-{}", n % 8), "TWO"));
    }
    let errors = [
        Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        Code::RD_KAFKA_RESP_ERR__TRANSPORT,
        Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        Code::RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    world.broker.cluster().request_errors(PRODUCE, &errors);
    // A commit during a rebalance is refused, and nothing may come after it that commits more.
    let refused = Code::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    world.broker.cluster().request_errors(RDKafkaApiKey::OffsetCommit, &[refused]);
    let instance = world.start(&[]);
    wait("all answers", || (check(&world.read("inventory")) == 80).then_some(()));
    world.wait_until_forgotten();
    wait("the offsets", || {
        let whole = |p| world.committed("orders", p) == Some(world.watermarks("orders", p).1);
        (0..6).all(whole).then_some(())
    });
    world.stop(instance);
}

/// Whatever the broker says against a record, an idempotent producer may be unusable then.
#[test]
fn what_the_broker_refuses_makes_it_not_ready_until_it_is_put_right() {
    let world = World::new();
    let instance = world.start_ready(&[]);
    for n in 0..20 {
        world.place(&order(&format!("o-{}", n % 4), "EUR"));
    }
    wait("answers", || (check(&world.read("inventory")) == 20).then_some(()));
    let lock = world.lock();
    for n in 0..20 {
        world.place(&order(&format!("o-{}", n % 4), "TWO"));
    }
    world.fail(PRODUCE, RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    lock.unlock();
    let why = wait("a refusal", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("inventory") && why.contains("max.message.bytes"), "{why}");
    assert_eq!(check(&world.read("inventory")), 20, "nothing passes what is refused");
    let committed: i64 = (0..6).filter_map(|p| world.committed("orders", p)).sum();
    assert!(committed <= 20, "an offset is committed after what follows from it is said");
    world.heal(PRODUCE);
    wait("all answers", || (check(&world.read("inventory")) == 60).then_some(()));
    wait("readiness", || (world.page(&instance, "/readyz").0 == 200).then_some(()));
    assert_eq!(world.page(&instance, "/healthz").0, 200);
    world.stop(instance);
}

#[test]
fn a_broker_that_is_away_is_waited_for() {
    let world = World::new();
    let cluster = world.broker.cluster();
    cluster.broker_down(-1).expect("down");
    let soon = ["--unhealthy-after", "1s", "-X", "reconnect.backoff.max.ms=200"];
    let instance = world.start(&soon);
    wait("the page", || (world.page(&instance, "/readyz").0 == 503).then_some(()));
    wait("a fault", || {
        let (status, why) = world.page(&instance, "/healthz");
        (status == 503 && why.contains("Kafka")).then_some(())
    });
    cluster.broker_up(-1).expect("up");
    wait("readiness", || (world.page(&instance, "/readyz").0 == 200).then_some(()));
    wait("health", || (world.page(&instance, "/healthz").0 == 200).then_some(()));
    world.place(&order("o-1", "EUR"));
    world.wait_for("inventory", 1);

    let lock = world.lock();
    for n in 0..10 {
        world.place(&order(&format!("o-{n}"), "TWO"));
    }
    cluster.broker_down(-1).expect("down");
    lock.unlock();
    wait("a fault", || (world.page(&instance, "/healthz").0 == 503).then_some(()));
    cluster.broker_up(-1).expect("up");
    wait("all answers", || (check(&world.read("inventory")) == 21).then_some(()));
    wait("health", || (world.page(&instance, "/healthz").0 == 200).then_some(()));
    world.stop(instance);
}

/// The client has records to fetch and gets none: the group takes it for alive.
#[test]
fn a_consumer_that_gets_nothing_though_there_is_something_is_told() {
    let world = World::new();
    let few = ["-X", "fetch.message.max.bytes=500000", "--fetch-ahead-kib", "1024"];
    let soon = ["--batch-records", "1", "--stalled-after", "4s"];
    let instance = world.start_ready(&[few, soon].concat());
    for n in 0..10 {
        let mut order = order(&format!("o-{n}"), "SLOW");
        order.ship_to.street = "x".repeat(450_000);
        world.place_at(Some(0), &order);
    }
    world.wait_for("inventory", 1);
    let unavailable = RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR;
    world.fail(RDKafkaApiKey::Fetch, unavailable);
    let failed = std::time::Instant::now();
    let why = wait("a consumer that is stuck", || {
        let (status, why) = world.page(&instance, "/healthz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("orders/0 has records"), "{why}");
    assert!(failed.elapsed().as_secs() < 20, "whatever else the loop does");
    assert!(world.read_count("inventory") < 10, "there is something left");
    world.heal(RDKafkaApiKey::Fetch);
    wait("all answers", || (check(&world.read("inventory")) == 10).then_some(()));
    wait("health", || (world.page(&instance, "/healthz").0 == 200).then_some(()));
    world.stop(instance);
}

/// The right to read is taken away, and given back.
#[test]
fn what_the_broker_does_not_let_it_read_is_told_until_it_does() {
    let world = World::new();
    let instance = world.start_ready(&["--unhealthy-after", "1s"]);
    let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    world.fail(RDKafkaApiKey::Fetch, denied);
    let why = wait("a refusal", || {
        let (status, why) = world.page(&instance, "/readyz");
        (status == 503).then_some(why)
    });
    assert!(why.contains("right to read"), "{why}");
    wait("a fault", || (world.page(&instance, "/healthz").0 == 503).then_some(()));
    world.heal(RDKafkaApiKey::Fetch);
    for partition in 0..6 {
        world.place_at(Some(partition), &order(&format!("o-{partition}"), "EUR"));
    }
    world.wait_for("inventory", 6);
    world.stop(instance);
}

/// A producer with a fatal error never works again.
#[test]
fn a_publisher_survives_a_fatal_error_of_its_producer() {
    use choreography::publish::{Publication, Publisher};
    use choreography::telemetry::{Metrics, Spans};
    let world = World::new();
    let config = world.config(&[]);
    let publisher = Publisher::new(&config, "/test", Spans::disabled(), Metrics::disabled())
        .expect("publisher");
    let publish = |n: u32| {
        let event = order(&format!("o-{n}"), "EUR");
        let publication = Publication {
            topic: "orders".to_owned(),
            partition: Some(0),
            key: event.order_id.to_string(),
            name: "OrderPlaced".to_owned(),
            id: super::records::fresh(),
            time: shared_events::amounts::Timestamp(0),
            correlation: None,
            value: choreography::encode(&event).expect("encoded"),
            parent: None,
            headers: vec![],
        };
        world.store.runtime.block_on(publisher.publish(&publication))
    };
    publish(1).expect("published");
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    world.broker.cluster().request_errors(PRODUCE, &[fatal]);
    publish(2).expect_err("out of order");
    publish(3).expect("published by a new producer");
    assert_eq!(world.read("orders").len(), 2);
}
