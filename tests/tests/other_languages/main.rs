//! Nobody needs Rust to take part: the programs of `examples/` in Python and Java place orders that
//! the services carry out, with records as our own producers make them, and hear what all say.

mod programs;

use std::collections::BTreeSet;
use std::time::Duration;

use choreography::clock;
use shared_events::event::Event;
use shared_events::headers::{Envelope, RawHeaders, Received};
use shared_events::murmur2;
use shared_events::orders::{CancellationCode, OrderCancelled, OrderCompleted, OrderPlaced};
use shared_events::topics::PARTITIONS;
use tests::check::{Expected, check};
use tests::databases::Storage;
use tests::load::{Put, put};
use tests::log::{Log, Record};
use tests::orders::{self, Fate, Order, Twist};
use tests::ports;
use tests::world::World;

use programs::Language::{Java, Python};
use programs::Program::{FollowOrder, PlaceOrder};
use programs::{Placed, Run};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn an_order_goes_the_whole_way_and_is_followed_to_its_end() {
    let mut world = World::new("other_languages", Storage::Postgres);
    world.start_all();
    world.load.put(&strange());
    let mut runs = vec![];
    let mut placed: Vec<Placed> = [Python, Java].map(|language| language.place(&[], &world)).into();
    place_bare(&mut placed, &world);
    for order in &placed {
        // Each order is followed by the other language's program, too.
        for language in [Python, Java] {
            runs.push((order.order_id.clone(), language.follow(&order.order_id, &world)));
        }
    }
    let cancelled = refused();
    world.load.place(std::slice::from_ref(&cancelled), 0);
    world.wait_at_rest(placed.len() + 1, LIMIT);
    let id = cancelled.placed.order_id.to_string();
    for language in [Python, Java] {
        runs.push((id.clone(), language.follow(&id, &world)));
        let nobody = clock::new_event_id().to_string();
        let run = language.run(FollowOrder, &[&nobody, "2"], world.kafka.brokers()).ends_with(1);
        assert!(run.err.contains("has not ended within"), "{run}");
    }

    world.processes.stop_all();
    let evidence = world.evidence();
    let mut orders: Vec<Order> = placed.iter().map(|p| check_placed(p, &evidence.log)).collect();
    orders.push(cancelled);
    for (order_id, run) in runs {
        check_heard(&order_id, run.ends_with(0), &evidence.log);
    }
    check(&evidence, &Expected { orders: &orders, dead: BTreeSet::new() });
    world.processes.finish();
}

#[test]
fn a_broker_that_is_away_is_told() {
    let brokers = ports::free().to_string();
    let nobody = clock::new_event_id().to_string();
    std::thread::scope(|scope| {
        for language in [Python, Java] {
            for (program, arguments) in [(PlaceOrder, vec![]), (FollowOrder, vec![&*nobody, "2"])] {
                let brokers = &brokers;
                scope.spawn(move || {
                    let run = language.run(program, &arguments, brokers).ends_with(1);
                    let last = run.err.lines().last().unwrap_or_default();
                    assert!(last.starts_with(&format!("Kafka at {brokers}")), "{run}");
                    assert_eq!(run.out, "", "{run}");
                });
            }
        }
    });
}

/// Records that the programs cannot read, and that are nothing to the services: one with a schema
/// that nobody knows, and one that ends early.
fn strange() -> Vec<Put> {
    let completed = OrderCompleted {
        order_id: "somebody-elses".parse().expect("an id"),
        delivered_at: clock::now(),
    };
    let mut good = put(&completed, clock::new_event_id(), None, &orders::good(1, 1)[0].traceparent);
    for (name, value) in &mut good.headers {
        if name == "ce_type" {
            *value = Some(b"PointsAwarded".to_vec());
        }
    }
    let unknown = [&[0, 0, 0, 0, 99], &good.value[5..]].concat();
    let damaged = good.value[..good.value.len() / 2].to_vec();
    [unknown, damaged].map(|value| Put { value, ..good.clone() }).into()
}

/// Places an order without headers, on another partition than its key's by murmur2. Which one
/// librdkafka's own partitioner takes is a matter of the id, so there may be some more before it.
fn place_bare(placed: &mut Vec<Placed>, world: &World) {
    for _ in 0..30 {
        let order = Python.place(&["--bare"], world);
        let elsewhere =
            !order.place.starts_with(&format!("orders/{}@", by_murmur2(&order.order_id)));
        placed.push(order);
        if elsewhere {
            return;
        }
    }
    panic!("librdkafka's own partitioner is murmur2")
}

fn by_murmur2(key: &str) -> i32 {
    murmur2::partition(key.as_bytes(), PARTITIONS)
}

/// An order that goes to where nobody ships.
fn refused() -> Order {
    let mut order = orders::good(2, 1).remove(0);
    order.placed.order_id = clock::new_event_id().to_string().parse().expect("an id");
    order.placed.ship_to.country = "AQ".to_owned();
    order.fate = Fate::Cancelled(CancellationCode::ShipmentRejected);
    order
}

/// The record is what our own producers make, and all that is said about the order is in its trace.
fn check_placed(placed: &Placed, log: &Log) -> Order {
    let Placed { language, order_id, trace, .. } = placed;
    let about: Vec<&Record> = of_order(order_id, log).collect();
    let record = *about
        .iter()
        .find(|record| place_of(record) == placed.place)
        .unwrap_or_else(|| panic!("nothing of order {order_id} stands at {}", placed.place));
    let order = language.order(order_id);
    assert_eq!(record.value, choreography::encode(&order).expect("bytes"), "{record}");
    let received = Received::read(&record.headers);
    let twist = if trace.is_some() {
        assert_eq!(record.partition, by_murmur2(order_id), "{record}");
        let ours = Envelope {
            id: received.id.expect("an id").parse().expect("a UUID"),
            source: format!("/{}-example", format!("{language:?}").to_lowercase()),
            name: OrderPlaced::NAME.to_owned(),
            time: received.time.expect("a time"),
            subject: order_id.clone(),
            correlation: Some(order_id.clone()),
            causation: None,
            answers: None,
            sequence: None,
            traceparent: record.trace.expect("a valid traceparent").to_string(),
            tracestate: None,
        };
        assert_eq!(text(&record.headers), text(&ours.write()), "{record}");
        Twist::Plain
    } else {
        assert!(record.headers.is_empty(), "{record}");
        Twist::Bare
    };
    let traces = about.iter().filter_map(|record| record.trace);
    let traces: BTreeSet<String> =
        traces.map(|trace| format!("{:032x}", u128::from_be_bytes(trace.trace_id))).collect();
    assert_eq!(traces.len(), 1, "one trace joins order {order_id}");
    assert!(trace.is_none() || traces.first() == trace.as_ref(), "{traces:?}, not {trace:?}");
    let traceparent = received.traceparent.unwrap_or_default().to_owned();
    Order { placed: order, id: record.id, fate: Fate::Completed, twist, traceparent }
}

/// The headers, as a failing test shows them.
fn text(headers: &RawHeaders) -> Vec<(&str, Option<&str>)> {
    let utf_8 = |value| std::str::from_utf8(value).expect("UTF-8");
    headers.iter().map(|(name, value)| (name.as_str(), value.as_deref().map(utf_8))).collect()
}

/// The program has heard all events of its order, and told which records it cannot read.
fn check_heard(order_id: &str, run: Run, log: &Log) {
    let events = of_order(order_id, log);
    let events = events.map(|record| (place_of(record), record.name.clone().unwrap_or_default()));
    assert_eq!(run.heard(), events.collect(), "{run}");
    let last = run.out.lines().last().unwrap_or_default();
    let ends = [OrderCompleted::NAME, OrderCancelled::NAME].map(|name| format!("{name} after "));
    assert!(ends.iter().any(|end| last.starts_with(end)), "{run}");
    for told in ["no schema with id 99 is known; skipped", "not a OrderCompleted: "] {
        assert!(run.err.contains(told), "{told} is missing: {run}");
    }
}

fn of_order<'a>(order_id: &'a str, log: &'a Log) -> impl Iterator<Item = &'a Record> {
    log.events_of_all().filter(move |record| record.key.as_deref() == Some(order_id.as_bytes()))
}

fn place_of(record: &Record) -> String {
    format!("{}/{}@{}", record.topic, record.partition, record.offset)
}
