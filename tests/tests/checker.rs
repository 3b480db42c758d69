//! The checker finds what it has to find: each way to spoil the evidence of a good run makes it
//! complain, and what is allowed does not.

use std::collections::BTreeSet;

use shared_events::ids::EventId;
use shared_events::orders::CancellationCode;
use tests::check::{Evidence, Expected, check, violations};
use tests::load;
use tests::log::Record;
use tests::orders::{self, Fate, Order};
use tests::service::Service;
use tests::wait::LIMIT;
use tests::world::World;

const ORDERS: usize = 80;
const SEED: u64 = 9;

/// A way to spoil evidence, by name.
type Spoil = (&'static str, fn(&mut Evidence));

const SPOILS: &[Spoil] = &[
    ("an answer is lost", |e| {
        take(e, "StockReserved");
    }),
    ("an order does not end", |e| {
        take(e, "OrderCompleted");
    }),
    ("a shipment is planned twice", |e| again(e, "ShipmentPlanned")),
    ("a parcel is sent twice", |e| again(e, "ShipmentDispatched")),
    ("a seller is notified twice", |e| again(e, "SellerNotified")),
    ("an event is not on its topic", |e| first(e, "SellerNotified").topic = "orders".to_owned()),
    ("a copy has another value", |e| {
        let mut copy = first(e, "StockReserved").clone();
        copy.value = first(e, "StockReserved").value.iter().map(|byte| byte ^ 1).collect();
        e.log.0.push(copy);
    }),
    ("a copy has another header", |e| {
        let mut copy = first(e, "StockReserved").clone();
        copy.headers.pop();
        e.log.0.push(copy);
    }),
    ("answers are not in order", |e| {
        let delivered = take(e, "ShipmentDelivered");
        e.log.0.insert(0, delivered);
    }),
    ("an answer is on another partition", |e| first(e, "ShipmentDelivered").partition += 1),
    ("a cause is not there", |e| first(e, "StockReserved").causation = Some(nowhere())),
    ("another trace", |e| {
        let trace = first(e, "OrderCompleted").trace.as_mut().expect("a trace");
        trace.trace_id[0] ^= 1;
    }),
    ("order-svc thinks otherwise", |e| {
        let status = e.books.orders.values_mut().flatten().next().expect("an order");
        *status = "placed".to_owned();
    }),
    ("a piece is lost", |e| e.books.stock.values_mut().next().expect("a SKU").available -= 1),
    ("pieces come from nowhere", |e| {
        let pieces = e.books.stock.values_mut().next().expect("a SKU");
        (pieces.available, pieces.received) = (pieces.available + 1, pieces.received + 1);
    }),
    ("a reservation is lost", |e| {
        e.books.reservations.pop_first();
    }),
    ("a last word is lost", |e| {
        e.books.last_words.pop_first();
    }),
    ("a shipment is lost", |e| {
        e.books.shipments.pop_first();
    }),
    ("a notice is lost", |e| {
        e.books.notices.pop_first();
    }),
    ("an event was skipped", |e| {
        runtime(e).handled.pop_first();
    }),
    ("an event is handled that nobody said", |e| {
        runtime(e).handled.insert(nowhere(), 0);
    }),
    ("an event counts as dead", |e| {
        *runtime(e).handled.values_mut().next().expect("an event") = 1;
    }),
    ("an answer is owed", |e| {
        runtime(e).owed.insert(nowhere(), "inventory".to_owned());
    }),
    ("a number was given away", |e| {
        *runtime(e).spoken.values_mut().next().expect("a key") += 1;
    }),
    ("a dead letter that nobody expects", |e| {
        let mut letter = first(e, "OrderPlaced").clone();
        letter.topic = "orders.inventory-svc.dlq".to_owned();
        e.log.0.push(letter);
    }),
];

#[test]
fn the_checker_bites() {
    let mut world = World::embedded("checker");
    world.start_all();
    let orders = orders::mix(SEED, ORDERS);
    world.load.put(&[load::received("teapot", 7)]);
    world.load.place(&orders, 0);
    world.wait_at_rest(ORDERS, LIMIT);
    world.processes.stop_all();
    let evidence = world.evidence();
    let expected = Expected { orders: &orders, dead: BTreeSet::new() };
    check(&evidence, &expected);

    let mut copied = evidence.clone();
    copied.log.0.extend(evidence.log.0.clone());
    assert_eq!(violations(&copied, &expected), [""; 0], "copies are allowed");
    for (name, spoil) in SPOILS {
        let mut spoiled = evidence.clone();
        spoil(&mut spoiled);
        assert!(!violations(&spoiled, &expected).is_empty(), "not found: {name}");
    }
    check_expectations(&evidence, &orders);
    world.finish(&expected);
}

/// The same evidence does not fit to other expectations.
fn check_expectations(evidence: &Evidence, orders: &[Order]) {
    let (_, others) = orders.split_first().expect("an order");
    let fewer = Expected { orders: others, dead: BTreeSet::new() };
    assert!(!violations(evidence, &fewer).is_empty(), "not found: an order that nobody placed");
    let more = [orders, &orders::good(SEED + 1, 1)].concat();
    let more = Expected { orders: &more, dead: BTreeSet::new() };
    assert!(!violations(evidence, &more).is_empty(), "not found: an order that was lost");
    let mut refused = orders.to_vec();
    let good = refused.iter_mut().find(|order| order.fate == Fate::Completed).expect("a good one");
    good.fate = Fate::Cancelled(CancellationCode::StockRejected);
    let refused = Expected { orders: &refused, dead: BTreeSet::new() };
    assert!(!violations(evidence, &refused).is_empty(), "not found: another end of an order");
}

fn first<'e>(evidence: &'e mut Evidence, name: &str) -> &'e mut Record {
    let record = evidence.log.0.iter_mut().find(|record| record.name.as_deref() == Some(name));
    record.expect("a record of this name")
}

fn take(evidence: &mut Evidence, name: &str) -> Record {
    let place = evidence.log.0.iter().position(|record| record.name.as_deref() == Some(name));
    evidence.log.0.remove(place.expect("a record of this name"))
}

/// The same event, decided about twice: with another id, and the next number.
fn again(evidence: &mut Evidence, name: &str) {
    let mut record = first(evidence, name).clone();
    record.id = nowhere();
    record.sequence = record.sequence.map(|number| number + 1);
    evidence.log.0.push(record);
}

fn runtime(evidence: &mut Evidence) -> &mut tests::books::Runtime {
    evidence.books.runtime.get_mut(&Service::Inventory).expect("a service")
}

fn nowhere() -> EventId {
    "01998000-0000-8000-8000-000000000000".parse().expect("an id")
}
