//! The checker finds what it has to find: each way to spoil the evidence of a good run makes it
//! complain and name the layer, and what is allowed does not.

use std::collections::BTreeSet;
use std::time::Duration;

use checker::books::Pieces;
use checker::verdict::State;
use checker::violation::Invariant::{
    self, CopiesEqual, DeadLettersKept, EffectOnce, InOrder, NoAnswerMissing, NothingInvented,
    NothingLeft, NothingSkipped, OneTrace, PiecesAddUp, ServicesAgree,
};
use checker::violation::Layer::{
    self, Behind, Deciding, Hearing, Keeping, Producing, Saying, Unknown, Waiting,
};
use checker::{Patience, Terms, judge};
use shared_events::amounts::Timestamp;
use shared_events::ids::EventId;
use shared_events::orders::CancellationCode;
use tests::books::{Owed, Runtime};
use tests::check::{Evidence, Expected, check, verdict, violations};
use tests::load;
use tests::log::Record;
use tests::orders::{self, Fate, Order};
use tests::service::Service;
use tests::wait::LIMIT;
use tests::world::World;

const ORDERS: usize = 80;
const SEED: u64 = 9;

/// A way to spoil evidence, by name, and what has to be said of it.
type Spoil = (&'static str, fn(&mut Evidence), (Invariant, Layer));

const SPOILS: &[Spoil] = &[
    ("an answer is lost", |e| drop(take(e, "StockReserved")), (NoAnswerMissing, Saying)),
    ("an answer is lost with its cause's id", skip, (NoAnswerMissing, Hearing)),
    ("an answer waits", owe, (NoAnswerMissing, Waiting)),
    ("an answer is lost, nobody can tell where", blind, (NoAnswerMissing, Unknown)),
    ("a group is behind", |e| e.progress.committed.clear(), (NothingLeft, Behind)),
    ("an order does not end", |e| drop(take(e, "OrderCompleted")), (NoAnswerMissing, Saying)),
    ("a shipment is planned twice", |e| again(e, "ShipmentPlanned"), (EffectOnce, Producing)),
    ("a parcel is sent twice", |e| again(e, "ShipmentDispatched"), (EffectOnce, Producing)),
    ("a seller is notified twice", |e| again(e, "SellerNotified"), (EffectOnce, Deciding)),
    (
        "an event is not on its topic",
        |e| first(e, "SellerNotified").topic = "orders".to_owned(),
        (NoAnswerMissing, Saying),
    ),
    (
        "a copy has another value",
        |e| copy(e, |copy| copy.value.iter_mut().for_each(|byte| *byte ^= 1)),
        (CopiesEqual, Saying),
    ),
    ("a copy has another header", |e| copy(e, |c| drop(c.headers.pop())), (CopiesEqual, Saying)),
    (
        "answers are not in order",
        |e| {
            let delivered = take(e, "ShipmentDelivered");
            e.log.0.insert(0, delivered);
        },
        (InOrder, Saying),
    ),
    (
        "an answer is on another partition",
        |e| first(e, "ShipmentDelivered").partition += 1,
        (InOrder, Saying),
    ),
    (
        "a cause is not there",
        |e| first(e, "StockReserved").causation = Some(nowhere()),
        (NothingInvented, Producing),
    ),
    (
        "another trace",
        |e| first(e, "OrderCompleted").trace.as_mut().expect("a trace").trace_id[0] ^= 1,
        (OneTrace, Saying),
    ),
    (
        "order-svc thinks otherwise",
        |e| {
            let status = e.books.orders.values_mut().flatten().next().expect("an order");
            *status = "placed".to_owned();
        },
        (ServicesAgree, Keeping),
    ),
    ("a piece is lost", |e| pieces(e).available -= 1, (PiecesAddUp, Keeping)),
    (
        "pieces come from nowhere",
        |e| {
            let pieces = pieces(e);
            (pieces.available, pieces.received) = (pieces.available + 1, pieces.received + 1);
        },
        (PiecesAddUp, Keeping),
    ),
    ("a reservation is lost", |e| drop(e.books.reservations.pop_first()), (ServicesAgree, Keeping)),
    ("a last word is lost", |e| drop(e.books.last_words.pop_first()), (ServicesAgree, Keeping)),
    ("a shipment is lost", |e| drop(e.books.shipments.pop_first()), (ServicesAgree, Keeping)),
    ("a notice is lost", |e| drop(e.books.notices.pop_first()), (ServicesAgree, Keeping)),
    ("an event was skipped", |e| _ = runtime(e).handled.pop_first(), (NothingSkipped, Hearing)),
    (
        "an event is handled that nobody said",
        |e| _ = runtime(e).handled.insert(nowhere(), 0),
        (NothingInvented, Producing),
    ),
    (
        "an event counts as dead",
        |e| *runtime(e).handled.values_mut().next().expect("an event") = 1,
        (DeadLettersKept, Saying),
    ),
    (
        "an answer is owed",
        |e| drop(runtime(e).owed.insert(nowhere(), owed(nowhere()))),
        (NothingLeft, Waiting),
    ),
    (
        "a number was given away",
        |e| *runtime(e).spoken.values_mut().next().expect("a key") += 1,
        (NoAnswerMissing, Saying),
    ),
    (
        "a dead letter that nobody expects",
        |e| {
            let mut letter = first(e, "OrderPlaced").clone();
            letter.topic = "orders.inventory-svc.dlq".to_owned();
            e.log.0.push(letter);
        },
        (DeadLettersKept, Saying),
    ),
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
    for (name, spoil, (invariant, layer)) in SPOILS {
        let mut spoiled = evidence.clone();
        spoil(&mut spoiled);
        let found = verdict(&spoiled, &expected).violations;
        let is_told = found.iter().any(|v| v.invariant == *invariant && v.layer == *layer);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(is_told, "{name}: not found as {invariant:?} in {layer:?}: {told:#?}");
    }
    check_expectations(&evidence, &orders);
    check_live(&evidence);
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

/// The same evidence as that of a live system: what was not taken is under way until it is late.
fn check_live(evidence: &Evidence) {
    let last = evidence.log.0.iter().map(|record| record.append_time).max().expect("a record");
    let live = |evidence: &Evidence, after: Duration| {
        let patience = Patience {
            now: last.after(after),
            grace: Duration::from_secs(30),
            deadline: Duration::from_secs(60),
            deliver_after: Duration::from_secs(5),
        };
        judge(evidence, &Terms { patience: Some(patience), ..Terms::default() })
    };
    let (soon, later) = (Duration::from_secs(1), Duration::from_secs(600));
    let whole = live(evidence, soon);
    assert!(whole.is_whole(), "{:?}", whole.violations);

    let mut behind = evidence.clone();
    behind.progress.committed.remove(&Service::Inventory);
    let under_way = live(&behind, soon);
    let open = under_way.count(|state| matches!(state, State::UnderWay { .. }));
    assert_eq!((under_way.violations.as_slice(), open), (&[][..], ORDERS), "all are under way");
    let late = live(&behind, later).violations;
    let told = late.iter().filter(|v| v.layer == Behind && v.service == Some(Service::Inventory));
    assert_eq!((late.len(), told.count()), (ORDERS, ORDERS), "all are late");

    let mut waiting = evidence.clone();
    owe(&mut waiting);
    assert_eq!(live(&waiting, soon).violations, [], "it has time");
    assert!(live(&waiting, later).violations.iter().any(|v| v.layer == Waiting));
}

fn first<'e>(evidence: &'e mut Evidence, name: &str) -> &'e mut Record {
    let record = evidence.log.0.iter_mut().find(|record| record.name.as_deref() == Some(name));
    record.expect("a record of this name")
}

fn take(evidence: &mut Evidence, name: &str) -> Record {
    let place = evidence.log.0.iter().position(|record| record.name.as_deref() == Some(name));
    evidence.log.0.remove(place.expect("a record of this name"))
}

/// Of an order that was completed.
fn take_of_completed(evidence: &mut Evidence, name: &str) -> Record {
    let records = &mut evidence.log.0;
    let named = |record: &Record, name: &str| record.name.as_deref() == Some(name);
    let completed = records.iter().filter(|record| named(record, "OrderCompleted"));
    let completed: BTreeSet<String> = completed.map(Record::key_text).collect();
    let is_wanted = |record: &Record| named(record, name) && completed.contains(&record.key_text());
    let place = records.iter().position(is_wanted);
    records.remove(place.expect("an order that was completed"))
}

/// The same event, decided about twice: with another id, and the next number.
fn again(evidence: &mut Evidence, name: &str) {
    let mut record = first(evidence, name).clone();
    record.id = nowhere();
    record.sequence = record.sequence.map(|number| number + 1);
    evidence.log.0.push(record);
}

/// The answer of inventory-svc is not there, and neither has it handled the order.
fn skip(evidence: &mut Evidence) {
    let cause = take(evidence, "StockReserved").causation.expect("a cause");
    runtime(evidence).handled.remove(&cause);
}

/// The answer of inventory-svc is not there, and stands in `owed` since the record that it answers.
fn owe(evidence: &mut Evidence) {
    let answer = take_of_completed(evidence, "StockReserved");
    let since = answer.append_time;
    let owed = Owed { since, ..owed(answer.causation.expect("a cause")) };
    runtime(evidence).owed.insert(answer.id, owed);
    // Who rests on it has to go, too: it could not have been said.
    let key = answer.key_text();
    let later = ["OrderConfirmed", "OrderCompleted", "ShipmentDispatched", "ShipmentDelivered"];
    let is_later =
        |r: &Record| r.key_text() == key && r.name.as_deref().is_some_and(|n| later.contains(&n));
    evidence.log.0.retain(|record| !is_later(record));
}

/// The answer of inventory-svc is not there, and its database was not looked at.
fn blind(evidence: &mut Evidence) {
    take(evidence, "StockReserved");
    evidence.books.runtime.remove(&Service::Inventory);
}

fn copy(evidence: &mut Evidence, change: fn(&mut Record)) {
    let mut copy = first(evidence, "StockReserved").clone();
    change(&mut copy);
    evidence.log.0.push(copy);
}

fn owed(cause: EventId) -> Owed {
    Owed { cause, topic: "inventory".to_owned(), since: Timestamp(0) }
}

fn pieces(evidence: &mut Evidence) -> &mut Pieces {
    evidence.books.stock.values_mut().next().expect("a SKU")
}

fn runtime(evidence: &mut Evidence) -> &mut Runtime {
    evidence.books.runtime.get_mut(&Service::Inventory).expect("a service")
}

fn nowhere() -> EventId {
    "01998000-0000-8000-8000-000000000000".parse().expect("an id")
}
