//! `choreo flow` tells of each event of an order whether it was used, by whom, with what result:
//! each state is produced on a real Kafka and told right.

mod told;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use shared_events::ids::{EventId, OrderId};
use shared_events::murmur2;
use shared_events::topics::{INVENTORY, ORDERS, SERVICES};
use tests::binaries::{choreo, choreo_path};
use tests::databases::Storage;
use tests::load::put;
use tests::orders::{self, Order};
use tests::processes::Instance;
use tests::service::Service;
use tests::world::World;
use tests::{kafka, wait};
use told::{flow, state, wait_for};
use uuid::Uuid;

const SEED: u64 = 9;
/// What is waited for comes within this time.
const LIMIT: Duration = Duration::from_secs(90);
const TIMEOUT: Duration = Duration::from_secs(15);

/// A world in which orders wait for a service as long as it takes.
fn world() -> (World, Instance) {
    let mut world = World::new("flow", Storage::Postgres);
    let started = Service::ALL.map(|service| match service {
        Service::Order => (service, world.start_with(service, &["--deadline", "24h"])),
        Service::Inventory | Service::Logistics | Service::Seller => {
            (service, world.start(service))
        }
    });
    started.iter().for_each(|(_, instance)| world.processes.wait_ready(*instance));
    let inventory = started.iter().find(|(service, _)| *service == Service::Inventory);
    (world, inventory.expect("it is started").1)
}

fn id(order: &Order) -> String {
    order.placed.order_id.to_string()
}

/// An id as order-svc draws it, by a clock that goes wrong by so much.
fn drawn(by_ms: i64) -> OrderId {
    let ms = u64::try_from(choreography::clock::now().0 + by_ms).expect("a time");
    let (seconds, nanos) = (ms / 1000, u32::try_from(ms % 1000).expect("small") * 1_000_000);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    Uuid::new_v7(time).to_string().parse().expect("an order id")
}

fn producer(world: &World, settings: &[(&str, &str)]) -> BaseProducer {
    let mut client = kafka::client(world.kafka.brokers());
    settings.iter().for_each(|(key, value)| {
        client.set(*key, *value);
    });
    client.create().expect("a producer")
}

fn partition(order: &str) -> i32 {
    murmur2::partition(order.as_bytes(), 6)
}

/// With the first of them all groups have begun there.
fn two_of_one_partition() -> Vec<Order> {
    let mut orders = orders::good(SEED, 30);
    let of_first = partition(&id(&orders[0]));
    orders.retain(|order| partition(&id(order)) == of_first);
    orders.truncate(2);
    assert_eq!(orders.len(), 2, "another seed is needed");
    orders
}

/// Moves a group, which must have no members, in the partition of an order.
fn commit(world: &World, group: &str, order: &str, offset: i64) {
    wait::until("the offset is committed", LIMIT, || {
        let mut client = kafka::client(world.kafka.brokers());
        let group: BaseConsumer = client.set("group.id", group).create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(ORDERS, partition(order), Offset::Offset(offset))
            .expect("offset");
        group.commit(&list, CommitMode::Sync).map_err(|error| error.to_string())
    });
}

#[test]
fn a_whole_order_is_told_as_whole_and_no_record_is_made_for_it() {
    let (mut world, _) = world();
    let mut orders = orders::good(SEED, 1);
    orders[0].placed.order_id = drawn(0);
    let order = id(&orders[0]);
    assert_eq!(flow(&world, &order).1, 3, "nothing is known of it");
    world.load.place(&orders, 0);
    world.wait_at_rest(1, LIMIT);
    let before = world.kafka.ends(&all_topics());
    let (told, code) = flow(&world, &order);
    assert_eq!((told["verdict"].as_str(), code), (Some("whole"), 0), "{told:#}");
    for (event, group, expected) in [
        ("OrderPlaced", "inventory-svc", "answered"),
        ("OrderPlaced", "logistics-svc", "answered"),
        ("OrderPlaced", "seller-svc", "answered"),
        ("OrderPlaced", "order-svc", "taken"),
        ("StockReserved", "order-svc", "answered"),
        ("ShipmentPlanned", "order-svc", "answered"),
        ("SellerNotified", "order-svc", "answered"),
        ("OrderConfirmed", "logistics-svc", "answered"),
        ("ShipmentDelivered", "order-svc", "answered"),
        ("OrderCompleted", "seller-svc", "nothing"),
    ] {
        assert_eq!(state(&told, event, group), expected, "{event} for {group}: {told:#}");
    }
    assert_eq!(told["search"]["is_wide"], false, "{told:#}");
    assert_eq!(world.kafka.ends(&all_topics()), before, "asking writes nothing");
    let manifests = world.kafka.ends(&[SERVICES])[&(SERVICES.to_owned(), 0)].1;
    assert_eq!(manifests, 4, "one for each start");
    world.finish(&expected(&orders));
}

#[test]
fn a_service_that_is_away_is_behind_until_it_is_back() {
    let (mut world, inventory) = world();
    let orders = two_of_one_partition();
    world.load.place(&orders[..1], 0);
    world.wait_at_rest(1, LIMIT);
    world.processes.stop(inventory);
    let order = id(&orders[1]);
    world.load.place(&orders[1..], 0);
    let (told, code) = wait_for(&world, &order, "SellerNotified", "order-svc", "taken");
    assert_eq!(state(&told, "OrderPlaced", "inventory-svc"), "behind", "{told:#}");
    assert_eq!((told["verdict"].as_str(), code), (Some("open"), 3));

    let mut following = Command::new(choreo_path())
        .args(["flow", &order, "-b", world.kafka.brokers(), "--follow", "-o", "json"])
        .stdout(Stdio::null())
        .spawn()
        .expect("choreo");
    world.processes.start_again(inventory);
    world.wait_at_rest(2, LIMIT);
    assert_eq!(following.wait().expect("an end").code(), Some(0), "it ends when all is whole");
    world.finish(&expected(&orders));
}

#[test]
fn an_answer_that_is_lost_is_missing_and_hidden_by_an_open_transaction() {
    let (mut world, inventory) = world();
    world.processes.stop(inventory);
    let orders = orders::good(SEED, 1);
    let order = id(&orders[0]);
    world.load.place(&orders, 0);
    wait_for(&world, &order, "SellerNotified", "order-svc", "taken");
    // As a service that commits before it has handled would have it.
    commit(&world, "inventory-svc", &order, 1);
    let (told, code) = flow(&world, &order);
    assert_eq!(state(&told, "OrderPlaced", "inventory-svc"), "answer_missing", "{told:#}");
    assert_eq!((told["verdict"].as_str(), code), (Some("broken"), 1));

    let other = producer(&world, &[("transactional.id", "another")]);
    other.init_transactions(TIMEOUT).expect("a transactional producer");
    other.begin_transaction().expect("a transaction");
    let record = BaseRecord::to(INVENTORY).partition(partition(&order)).key("k").payload("v");
    other.send(record).expect("queued");
    other.flush(TIMEOUT).expect("sent");
    let (told, code) = wait_for(&world, &order, "OrderPlaced", "inventory-svc", "unknown");
    assert_eq!(code, 3, "{told:#}");
    other.abort_transaction(TIMEOUT).expect("aborted");
    wait_for(&world, &order, "OrderPlaced", "inventory-svc", "answer_missing");

    // A group that was moved back hears it, after all.
    commit(&world, "inventory-svc", &order, 0);
    assert_eq!(state(&flow(&world, &order).0, "OrderPlaced", "inventory-svc"), "behind");
    world.processes.start_again(inventory);
    wait_for(&world, &order, "OrderCompleted", "order-svc", "nothing");
    world.wait_at_rest(1, LIMIT);
    // A group that is moved back has answered what it has answered.
    world.processes.stop(inventory);
    commit(&world, "inventory-svc", &order, 0);
    let (told, code) = flow(&world, &order);
    assert_eq!(state(&told, "OrderPlaced", "inventory-svc"), "answered", "{told:#}");
    assert_eq!(code, 0, "{told:#}");
    world.processes.stop_all();
    world.processes.finish();
}

#[test]
fn a_dead_letter_is_told_until_its_replay_is_answered() {
    let (mut world, _) = world();
    let refuse = "ALTER TABLE notices ADD CONSTRAINT refused CHECK (order_id = '')";
    world.databases.change(Service::Seller, refuse);
    let orders = orders::good(SEED, 1);
    let order = id(&orders[0]);
    world.load.place(&orders, 0);
    let (told, code) = wait_for(&world, &order, "OrderPlaced", "seller-svc", "dead_lettered");
    assert_eq!((told["verdict"].as_str(), code), (Some("broken"), 1), "{told:#}");

    world.databases.change(Service::Seller, "ALTER TABLE notices DROP CONSTRAINT refused");
    let at = world.kafka.brokers();
    let _ = choreo(&["dlq", "replay", "--group", "seller-svc", "--yes", "-b", at]);
    let (told, _) = wait_for(&world, &order, "OrderPlaced", "seller-svc", "answered");
    assert!(state(&told, "OrderPlaced", "inventory-svc") == "answered", "{told:#}");
    world.wait_at_rest(1, LIMIT);
    assert_eq!(flow(&world, &order).1, 0);
    world.processes.stop_all();
    world.processes.finish();
}

#[test]
fn who_should_hear_is_what_the_manifests_say() {
    let (mut world, _) = world();
    let manifest = |group: &str, from: i64| {
        json!({
            "group": group, "version": 1, "says": [], "timers": [],
            "hears": [{"name": "OrderPlaced", "topic": ORDERS, "answers": "always", "within_ms": 1}],
            "from": {ORDERS: (0..6).map(|p| (p.to_string(), json!(from))).collect::<serde_json::Map<_, _>>()},
        })
    };
    let producer = producer(&world, &[]);
    let publish = |group: &str, manifest: Option<Value>| {
        let (key, value) = (format!("{group}/1"), manifest.map(|manifest| manifest.to_string()));
        let mut record: BaseRecord<'_, str, str> = BaseRecord::to(SERVICES).partition(0).key(&key);
        record.payload = value.as_deref();
        producer.send(record).map_err(|(error, _)| error).expect("queued");
        producer.flush(TIMEOUT).expect("sent");
    };
    publish("loyalty-svc", Some(manifest("loyalty-svc", 0)));
    publish("audit-svc", Some(manifest("audit-svc", 1_000)));
    let orders = orders::good(SEED, 1);
    let order = id(&orders[0]);
    world.load.place(&orders, 0);
    world.wait_at_rest(1, LIMIT);
    commit(&world, "billing", &order, 1);
    let (told, code) = flow(&world, &order);
    assert_eq!(state(&told, "OrderPlaced", "loyalty-svc"), "never_started", "{told:#}");
    assert_eq!(state(&told, "OrderPlaced", "audit-svc"), "nothing", "it begins later: {told:#}");
    assert_eq!(state(&told, "OrderPlaced", "billing"), "taken", "it is undeclared: {told:#}");
    assert_eq!((told["verdict"].as_str(), code), (Some("open"), 3));
    publish("loyalty-svc", None);
    assert_eq!(flow(&world, &order).1, 0, "a manifest that is taken back");

    // The same order once more, by somebody else: another event.
    let again = EventId(Uuid::from_u128(0x0199_c3f0_7c5e_7d11_8e5f_4b72_6cea_1c55));
    world.load.put([&put(&orders[0].placed, again, None, &orders[0].traceparent)]);
    world.wait_at_rest(1, LIMIT);
    let (told, code) = flow(&world, &order);
    let text = told.to_string();
    assert!(text.contains("not_the_first"), "{told:#}");
    assert_eq!(code, 0, "{told:#}");
    world.processes.stop_all();
    world.processes.finish();
}

#[test]
fn an_order_is_found_whatever_its_id_says_and_when_its_beginning_is_gone() {
    const HOUR_MS: i64 = 3_600_000;
    let (mut world, _) = world();
    let mut orders = orders::good(SEED, 4);
    // A clock that is an hour behind, one that is ahead, and two producers with ids of their own.
    orders[0].placed.order_id = drawn(-HOUR_MS);
    orders[1].placed.order_id = drawn(HOUR_MS);
    orders[2].placed.order_id = "order 4711".parse().expect("an order id");
    // Whose partitioner is another one, too.
    let mut elsewhere =
        put(&orders[2].placed, orders[2].id, Some("order 4711"), &orders[2].traceparent);
    elsewhere.partition = Some((partition("order 4711") + 1) % 6);
    world.load.place(&[orders[0].clone(), orders[1].clone(), orders[3].clone()], 0);
    world.load.put([&elsewhere]);
    world.wait_at_rest(4, LIMIT);
    for (order, is_wide) in orders.iter().zip([false, true, true, true]) {
        let (told, code) = flow(&world, &id(order));
        assert_eq!(code, 0, "{told:#}");
        assert_eq!(told["search"]["is_wide"], is_wide, "{told:#}");
    }

    let order = id(&orders[3]);
    let beginning = flow(&world, &order).0["events"][0]["offset"].as_i64().expect("an offset");
    world.kafka.delete_before(ORDERS, partition(&order), beginning + 1);
    let (told, _) = flow(&world, &order);
    let events = told["events"].as_array().expect("events");
    let names: BTreeSet<_> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    assert!(!names.contains("OrderPlaced") && names.contains("OrderConfirmed"), "{told:#}");
    assert_eq!(state(&told, "OrderConfirmed", "logistics-svc"), "answered", "{told:#}");
    world.processes.stop_all();
    world.processes.finish();
}

fn all_topics() -> Vec<&'static str> {
    shared_events::topics::event_topics().iter().map(|spec| &*spec.name.clone().leak()).collect()
}

fn expected(orders: &[Order]) -> tests::check::Expected<'_> {
    tests::check::Expected { orders, dead: BTreeSet::new() }
}
