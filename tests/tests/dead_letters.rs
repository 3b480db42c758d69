//! What cannot be handled is set aside, whole, by each service that hears it, and the flow goes on.
//! What Kafka refuses is said again when that is put right. What a database refuses is replayed then.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use shared_events::headers::{TRACEPARENT, TRACESTATE};
use shared_events::topics::{self, EVENT_BYTES_MAX, INVENTORY, dead_letter_topic};
use tests::binaries::choreo;
use tests::check::{Dead, Evidence, Expected, check};
use tests::databases::Storage;
use tests::load::{Put, puts};
use tests::log::Record;
use tests::orders;
use tests::service::Service;
use tests::wait;
use tests::world::World;

const ORDERS: usize = 60;
const SEED: u64 = 6;
const LIMIT: Duration = Duration::from_secs(120);

fn set_aside_and_the_flow_goes_on(storage: Storage) {
    let mut world = World::new("dead_letters", storage);
    // More than half of what is on the topic is no event.
    world.environment.push(("DEAD_LETTERS_MAX".to_owned(), "100".to_owned()));
    let instances = world.start_all();
    let mut orders = orders::good(SEED, ORDERS);
    // No database has to keep a name in a column of text.
    orders[7].placed.ship_to.name = "Ada\0Lovelace".to_owned();
    let mut rng = StdRng::seed_from_u64(SEED);
    let records: Vec<Put> =
        orders.iter().flat_map(|order| damaged(&puts(order), &mut rng)).collect();
    world.load.put(&records);
    world.wait_at_rest(ORDERS, LIMIT);

    let page = format!("/orders/{}", orders[7].placed.order_id);
    let shown = world.processes.get(instances[&Service::Order], &page).expect("an answer");
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.body.contains(r#""status":"completed""#), "{shown:?}");

    world.processes.stop_all();
    let evidence = world.evidence();
    let bad: Vec<&Record> = evidence.log.on(topics::ORDERS).filter(|r| !r.is_event).collect();
    assert_eq!(bad.len(), records.len() - ORDERS, "all of them are on the topic");
    let dead = Service::ALL.into_iter().flat_map(|service| {
        let letter = move |record: &&Record| Dead {
            service,
            topic: record.topic.clone(),
            partition: record.partition,
            offset: record.offset,
        };
        bad.iter().map(letter).collect::<Vec<_>>()
    });
    check(&evidence, &Expected { orders: &orders, dead: dead.collect() });
    for service in Service::ALL {
        bad.iter().for_each(|record| check_letter(&evidence, service, record));
    }
    world.processes.finish();
}

/// The records of an order with some beside them that are no events.
fn damaged(good: &[Put], rng: &mut StdRng) -> Vec<Put> {
    let truncated = |put: &Put, bytes| Put { value: put.value[..bytes].to_vec(), ..put.clone() };
    let [put] = good else { panic!("an order without a twist is one record") };
    let mut noise = vec![0; 200];
    rng.fill(&mut noise[..]);
    let noise = Put { value: noise, ..put.clone() };
    let nameless = Put { headers: vec![], ..noise.clone() };
    let empty = truncated(put, 0);
    let (half, all_but_one) = (put.value.len() / 2, put.value.len() - 1);
    match rng.random_range(0..4) {
        0 => vec![truncated(put, half), put.clone(), truncated(put, all_but_one)],
        1 => vec![noise, put.clone()],
        2 => vec![nameless, put.clone(), empty],
        _ => vec![put.clone()],
    }
}

/// The dead letter of `record` by `service` has all of it, and tells where it comes from.
fn check_letter(evidence: &Evidence, service: Service, record: &Record) {
    let topic = dead_letter_topic(&record.topic, service.name());
    let (partition, offset) = (record.partition.to_string(), record.offset.to_string());
    let letters: Vec<_> = evidence
        .log
        .on(&topic)
        .filter(|letter| letter.header("dlq-offset") == Some(&offset))
        .filter(|letter| letter.header("dlq-partition") == Some(&partition))
        .collect();
    let [letter] = letters.as_slice() else { panic!("{record}: {letters:?}") };
    assert_eq!(letter.value, record.value, "{letter}");
    assert_eq!(letter.key, record.key, "{letter}");
    assert_eq!(letter.partition, record.partition, "{letter}");
    assert_eq!(letter.header("dlq-error-class"), Some("undecodable"), "{letter}");
    assert!(letter.header("dlq-error").is_some_and(|why| !why.is_empty()), "{letter}");
    assert_eq!(letter.header("dlq-attempt"), Some("1"), "{letter}");
    let ours = |name: &str| name.starts_with("dlq-") || [TRACEPARENT, TRACESTATE].contains(&name);
    let others = |of: &Record| -> Vec<_> {
        of.headers.iter().filter(|(name, _)| !ours(name)).cloned().collect()
    };
    assert_eq!(others(letter), others(record), "{letter}");
}

#[test]
fn on_postgres() {
    set_aside_and_the_flow_goes_on(Storage::Postgres);
}

#[test]
fn on_sqlite() {
    set_aside_and_the_flow_goes_on(Storage::Sqlite);
}

/// The answers of inventory-svc are larger than its topic takes, for a while.
#[test]
fn a_refused_answer_waits() {
    const SETTING: &str = "max.message.bytes";
    let mut world = World::new("dead_letters", Storage::Postgres);
    let instances = world.start_all();
    let inventory = instances[&Service::Inventory];
    let orders = orders::good(SEED, ORDERS);
    let (first, second) = orders.split_at(ORDERS / 2);
    world.kafka.set(INVENTORY, SETTING, "100");
    world.load.place(first, 0);
    wait::until("inventory-svc says why it is not ready", LIMIT, || {
        let ready = world.processes.get(inventory, "/readyz").map_err(|e| e.to_string())?;
        let says = |word: &str| ready.body.contains(word);
        let why = ready.status == 503 && says(&format!("topic {INVENTORY}")) && says(SETTING);
        if why { Ok(()) } else { Err(format!("{ready:?}")) }
    });
    world.load.place(second, 0);
    for service in [Service::Logistics, Service::Seller, Service::Order] {
        wait::until("the others go on", LIMIT, || world.is_at_rest(service));
        world.processes.wait_ready(instances[&service]);
    }
    assert_eq!(world.ended(), 0, "no order ends without an answer of inventory-svc");

    world.kafka.set(INVENTORY, SETTING, &EVENT_BYTES_MAX.to_string());
    world.wait_at_rest(ORDERS, LIMIT);
    world.processes.wait_ready(inventory);
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

/// The database of seller-svc refuses what it is to keep. An operator puts that right, replays, and
/// deletes the dead letters.
#[test]
fn a_mended_cause_and_a_replay_end_the_orders() {
    const LETTERS: usize = 5;
    const GROUP: [&str; 2] = ["--group", "seller-svc"];
    let mut world = World::new("dead_letters", Storage::Postgres);
    world.start_all();
    let brokers = world.kafka.brokers().to_owned();
    let dlq = |args: &[&str]| choreo(&[&["dlq"], args, &["-b", &brokers, "-o", "json"]].concat());
    let list = || -> Vec<Value> {
        let text = dlq(&[&["list"], &GROUP[..]].concat());
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let all_are = |state: &str| {
        let states: Vec<Value> = list().into_iter().map(|line| line["state"].clone()).collect();
        let are = states.len() == LETTERS && states.iter().all(|is| is == state);
        if are { Ok(()) } else { Err(format!("{states:?}, not {LETTERS} {state}")) }
    };

    let refuse = "ALTER TABLE notices ADD CONSTRAINT refused CHECK (order_id = '')";
    world.databases.change(Service::Seller, refuse);
    let orders = orders::good(SEED, LETTERS);
    world.load.place(&orders, 0);
    wait::until("all are dead in seller-svc", LIMIT, || all_are("waiting"));
    wait::until("it owes nothing", LIMIT, || world.is_at_rest(Service::Seller));
    assert!(list().iter().all(|line| line["dead_letter"]["error_class"] == "refused"));

    world.databases.change(Service::Seller, "ALTER TABLE notices DROP CONSTRAINT refused");
    let replay = [&["replay"], &GROUP[..]].concat();
    assert_eq!(dlq(&replay).matches("would_be_replayed").count(), LETTERS);
    assert_eq!(all_are("waiting"), Ok(()), "it only tells");
    assert_eq!(world.ended(), 0, "no order ends without an answer of seller-svc");
    assert_eq!(dlq(&[&replay[..], &["--yes"]].concat()).lines().count(), LETTERS);
    world.wait_at_rest(LETTERS, LIMIT);
    assert_eq!(all_are("replayed"), Ok(()));

    for line in list() {
        let place = |name: &str| line[name].to_string().replace('"', "");
        let place = ["topic", "partition", "offset"].map(place).join("/");
        let shown: Value = serde_json::from_str(&dlq(&["show", &place])).expect("JSON");
        assert_eq!(shown["replays"][0]["taken"], true, "{shown}");
        // The earliest of a partition goes first, and alone.
        assert_eq!(dlq(&["drop", &place, "--yes"]).lines().count(), 1);
    }
    assert_eq!(list(), [] as [Value; 0]);
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}
