//! `choreo check` on a live system: whole while it runs and after; and what is then spoiled behind its
//! back is told, with the layer that has lost or doubled it.

use std::path::Path;

use checker::journal::Entry;
use checker::violation::Invariant::{
    self, CopiesEqual, NoAnswerMissing, NoOrderLost, NothingLeft, NothingSkipped, ServicesAgree,
};
use checker::violation::Layer::{self, Behind, Hearing, Keeping, Producing, Saying, Waiting};
use serde_json::{Value, json};
use shared_events::event::Event;
use shared_events::ids::EventId;
use shared_events::inventory::{StockRejected, StockReserved};
use shared_events::orders::OrderCompleted;
use tests::binaries::{choreo, choreo_ended};
use tests::databases::Storage;
use tests::load::Put;
use tests::log::{self, Log, Record};
use tests::orders;
use tests::service::Service;
use tests::trial::ORDERS_MAX;
use tests::wait::LIMIT;
use tests::world::World;

const RATE: u32 = 20;
const SEED: u64 = 11;

/// So many orders come from `choreo load`.
const LOADED: usize = 60;

/// What `choreo check` has said, and its exit code.
struct Checked {
    code: Option<i32>,
    said: Value,
}

impl Checked {
    /// Of the system in `world`, with all databases.
    fn of(world: &World, args: &[&str]) -> Self {
        let names = ["--order-db", "--inventory-db", "--logistics-db", "--seller-db"];
        let urls = names.into_iter().zip(Service::ALL);
        let urls = urls.flat_map(|(name, service)| [name, world.databases.url(service)]);
        Self::by(world, &[&urls.collect::<Vec<_>>(), args].concat())
    }

    /// By the topics alone.
    fn by(world: &World, args: &[&str]) -> Self {
        // The parcels of the harness.
        let common =
            ["check", "-b", world.kafka.brokers(), "-o", "json", "--deliver-after", "100ms"];
        let ended = choreo_ended(&[&common, args].concat());
        let said = serde_json::from_slice(&ended.stdout);
        let error = String::from_utf8_lossy(&ended.stderr);
        let said = said.unwrap_or_else(|why| panic!("{args:?}: {why}: {error}"));
        Self { code: ended.status.code(), said }
    }

    fn has_told(&self, violation: &Told) -> bool {
        let (invariant, layer, service, order) = violation;
        let all = self.said["violations"].as_array().expect("violations");
        all.iter().any(|told| {
            told["invariant"] == json!(invariant)
                && told["layer"] == json!(layer)
                && told["service"] == json!(service)
                && (order.is_none() || told["order"] == json!(order))
        })
    }
}

/// What has to be told: what does not hold, in which layer, of whom, and of which order.
type Told = (Invariant, Layer, Option<Service>, Option<String>);

#[test]
fn a_live_system_is_whole_and_what_is_spoiled_is_told() {
    let mut world = World::new("check", Storage::Postgres);
    world.start_all();
    let folder = world.processes.folder().to_owned();
    let journal = folder.join("journal.jsonl");
    let _ = std::fs::remove_file(&journal);
    let file = journal.to_str().expect("a path that is text");

    let orders = orders::mix(SEED, ORDERS_MAX);
    let placed = world.load.place_while(&orders, RATE, || check_under_load(&world, file));
    world.wait_at_rest(placed + LOADED, LIMIT);

    let all = ["--from", "beginning", "--grace", "1s", "--journal", file];
    let whole = Checked::of(&world, &all);
    assert_eq!(whole.code, Some(0), "{}", whole.said);
    assert_eq!(whole.said["orders"]["looked_at"], placed + LOADED, "{}", whole.said);
    let by_topics = Checked::by(&world, &["--from", "beginning", "--grace", "1s"]);
    assert_eq!(by_topics.code, Some(0), "{}", by_topics.said);
    let not = by_topics.said["not_looked_at"].to_string();
    assert!(not.contains("the database of order-svc, inventory-svc"), "{not}");

    world.processes.stop_all();
    let expected = spoil(&world, &journal);
    let spoiled = Checked::of(&world, &all);
    assert_eq!(spoiled.code, Some(1), "{}", spoiled.said);
    for told in &expected {
        assert!(spoiled.has_told(told), "{told:?} is not in {}", spoiled.said["violations"]);
    }
    check_behind(&world);
    world.processes.finish();
}

/// While orders are placed, some of them by `choreo load`, nothing is violated.
fn check_under_load(world: &World, journal: &str) {
    let (count, rate) = (LOADED.to_string(), RATE.to_string());
    let load = ["load", "-b", world.kafka.brokers(), "-n", &count, "--rate", &rate];
    let measured = choreo(&[&load[..], &["--journal", journal]].concat());
    assert!(measured.contains("and completed"), "{measured}");
    for _ in 0..3 {
        let checked = Checked::of(world, &["--since", "5m", "--journal", journal]);
        assert!([Some(0), Some(3)].contains(&checked.code), "{}", checked.said);
        assert_eq!(checked.said["violations"], json!([]));
        assert_ne!(checked.said["orders"]["looked_at"], 0, "{}", checked.said);
    }
}

/// Each of these harms another order.
fn spoil(world: &World, journal: &Path) -> Vec<Told> {
    let log = log::read(&world.kafka);
    let mut completed = completed(&log);
    let mut next = || completed.next().expect("an order that was completed");
    let (inventory, logistics, seller) = (Service::Inventory, Service::Logistics, Service::Seller);

    let skipped = next();
    let cause = answer(&log, &skipped).causation.expect("a cause");
    let delete = format!("DELETE FROM handled WHERE id = '{cause}'");
    world.databases.change(inventory, &delete);

    let changed = next();
    let update = format!("UPDATE shipments SET status = 'planned' WHERE order_id = '{changed}'");
    world.databases.change(logistics, &update);

    let unsaid = next();
    let update = format!("UPDATE spoken SET sequence = sequence + 1 WHERE key = '{unsaid}'");
    world.databases.change(seller, &update);

    let forged = next();
    world.load.put(&[forge(answer(&log, &forged))]);

    let waits = next();
    let insert = owe(answer(&log, &waits).causation.expect("a cause"));
    world.databases.change(inventory, &insert);

    let lost = "01a20000-0000-7000-8000-00000000105f";
    let line = Entry::acknowledged(lost, 1).line().expect("a line");
    let text = std::fs::read_to_string(journal).expect("the journal") + &line;
    std::fs::write(journal, text).expect("the journal");

    vec![
        (NothingSkipped, Hearing, Some(inventory), Some(skipped)),
        (ServicesAgree, Keeping, Some(logistics), Some(changed)),
        (NoAnswerMissing, Saying, Some(seller), Some(unsaid)),
        (CopiesEqual, Saying, Some(inventory), Some(forged)),
        (NothingLeft, Waiting, Some(inventory), Some(waits)),
        (NoOrderLost, Producing, None, Some(lost.to_owned())),
    ]
}

fn completed(log: &Log) -> impl Iterator<Item = String> {
    let ids: Vec<String> = log.events::<OrderCompleted>().map(|(r, _)| r.key_text()).collect();
    ids.into_iter()
}

/// What inventory-svc has answered to an order.
fn answer<'l>(log: &'l Log, order: &str) -> &'l Record {
    let answers = log.on(StockReserved::TOPIC).filter(|record| record.key_text() == *order);
    let mut answers = answers.filter(|r| r.name.as_deref() != Some(StockRejected::NAME));
    answers.next().expect("an answer of inventory-svc")
}

/// The same answer once more, and it says something else.
fn forge(answer: &Record) -> Put {
    let mut event: StockReserved = answer.event().expect("a StockReserved");
    event.lines.clear();
    Put {
        topic: answer.topic.clone(),
        partition: Some(answer.partition),
        key: answer.key_text(),
        value: choreography::encode(&event).expect("an event that fits its schema"),
        headers: answer.headers.clone(),
    }
}

/// Something that inventory-svc has owed for a long time.
fn owe(cause: EventId) -> String {
    let id = "01a20000-0000-8000-8000-00000000a11e";
    format!("INSERT INTO owed VALUES ('{id}', '{cause}', 'a', 1, 'inventory', '', 1)")
}

/// A group that has everything still to hear: under way, while there is time, and then late.
fn check_behind(world: &World) {
    world.kafka.rewind(Service::Seller);
    let told = (NothingLeft, Behind, Some(Service::Seller), None);
    // The deadline of the harness.
    let young = Checked::by(world, &["--from", "beginning", "--deadline", "1h"]);
    assert!(!young.has_told(&told), "{}", young.said["violations"]);
    let open = &young.said["orders"]["under_way"];
    assert!(open.as_u64().is_some_and(|open| 0 < open), "{}", young.said["orders"]);
    let late = Checked::by(world, &["--from", "beginning", "--grace", "1s", "--deadline", "1s"]);
    assert_eq!(late.code, Some(1));
    assert!(late.has_told(&told), "{}", late.said["orders"]);
}
