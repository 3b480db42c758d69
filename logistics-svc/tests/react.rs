//! Every decision of logistics-svc: given what was heard before, when this is heard, then that is
//! said.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use choreography::service::{Events, Heard, Said};
use logistics_svc::carriers::Carriers;
use logistics_svc::react::react;
use logistics_svc::state::{Shipment, Shipments};
use logistics_svc::{Hears, Says};
use shared_events::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use shared_events::ids::{EventId, OrderId};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
    ShipmentRejection,
};
use shared_events::orders::{Address, OrderCancelled, OrderConfirmed, OrderLine, OrderPlaced};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_000_000);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const DELIVER_AFTER: Duration = Duration::from_secs(5);

fn shipments() -> Shipments {
    shipments_with(Carriers::read(None).unwrap())
}

fn shipments_with(carriers: Carriers) -> Shipments {
    Shipments::new(Arc::new(carriers), DELIVER_AFTER, BTreeMap::new())
}

fn hear(shipments: &mut Shipments, event: &Hears) -> Vec<Said<Says>> {
    react(shipments, &Heard::new(EventId(Uuid::nil()), None, event.clone()), NOW)
}

#[track_caller]
fn check(given: &[Hears], when: &Hears, then: &[Said<Says>]) {
    let mut shipments = shipments();
    for event in given {
        hear(&mut shipments, event);
    }
    assert_eq!(hear(&mut shipments, when), then, "given {given:#?}, when {when:#?}");
}

fn order() -> OrderId {
    "order-1".parse().unwrap()
}

/// An order to a country, with lines of (quantity, grams a piece).
fn placed(country: &str, lines: &[(i64, i64)]) -> Hears {
    let line = |&(quantity, grams): &(i64, i64)| OrderLine {
        sku: "pen".parse().unwrap(),
        seller_id: "acme".parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: MinorUnits::new(100).unwrap(),
        unit_weight: Grams::new(grams).unwrap(),
    };
    let lines = lines.iter().map(line).collect();
    let [name, street, postal_code, city] =
        ["A. Customer", "Street 1", "1000", "Town"].map(str::to_owned);
    let ship_to = Address { name, street, postal_code, city, country: country.to_owned() };
    OrderPlaced { order_id: order(), currency: "EUR".to_owned(), lines, ship_to }.into()
}

fn usual() -> Hears {
    placed("DE", &[(2, 500)])
}

fn confirmed() -> Hears {
    OrderConfirmed { order_id: order(), answers: vec![] }.into()
}

fn cancelled() -> Hears {
    OrderCancelled { order_id: order(), reasons: vec![] }.into()
}

fn delivered() -> ShipmentDelivered {
    ShipmentDelivered { order_id: order(), delivered_at: NOW.after(DELIVER_AFTER) }
}

fn planned(carrier: &str, ship_from: &str, days: i64) -> Said<Says> {
    Said::now(ShipmentPlanned {
        order_id: order(),
        carrier: carrier.to_owned(),
        ship_from: ship_from.to_owned(),
        promised_by: Timestamp(NOW.0 + days * DAY_MS),
    })
}

fn rejected(reason: ShipmentRejection, detail: &str) -> Said<Says> {
    Said::now(ShipmentRejected { order_id: order(), reason, detail: detail.to_owned() })
}

fn dispatched() -> Vec<Said<Says>> {
    let dispatched = ShipmentDispatched {
        order_id: order(),
        carrier: "Quick Parcel".to_owned(),
        tracking_number: "T-order-1".to_owned(),
    };
    vec![Said::now(dispatched), Said::after(DELIVER_AFTER, delivered())]
}

#[test]
fn the_fastest_carrier_that_takes_the_weight_is_chosen() {
    check(&[], &placed("DE", &[(1, 0)]), &[planned("Quick Parcel", "Leipzig", 1)]);
    check(&[], &placed("DE", &[(30, 1000)]), &[planned("Quick Parcel", "Leipzig", 1)]);
    check(&[], &placed("DE", &[(30, 1000), (1, 1)]), &[planned("Union Post", "Leipzig", 3)]);
    check(&[], &placed("FR", &[(1, 500)]), &[planned("Union Post", "Leipzig", 3)]);
    check(&[], &placed("FR", &[(1, 1_000_000)]), &[planned("Blue Freight", "Leipzig", 5)]);
    check(&[], &placed("JP", &[(1, 500)]), &[planned("Sky Cargo", "Hamburg", 7)]);
}

#[test]
fn of_equally_fast_carriers_the_first_is_chosen() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("carriers.toml");
    let carrier = |name| {
        format!("[[carriers]]\nname = {name:?}\nzones = [\"home\"]\nweight_max_g = 9\ndays = 2\n")
    };
    let zone = "[[zones]]\nname = \"home\"\ncountries = [\"DE\"]\nwarehouse = \"Leipzig\"\n";
    std::fs::write(&file, [zone.to_owned(), carrier("B"), carrier("A")].concat()).unwrap();
    let carriers = Carriers::read(Some(&file)).unwrap();
    let said = hear(&mut shipments_with(carriers), &placed("DE", &[(1, 9)]));
    assert_eq!(said, [planned("B", "Leipzig", 2)]);
}

#[test]
fn what_cannot_be_shipped_is_refused() {
    let not_served = |country| {
        rejected(
            ShipmentRejection::DestinationNotServed,
            &format!("no carrier goes to the country {country}"),
        )
    };
    check(&[], &placed("AQ", &[(1, 1)]), &[not_served(r#""AQ""#)]);
    check(&[], &placed("de", &[(1, 1)]), &[not_served(r#""de""#)]);
    check(&[], &placed("", &[(1, 1)]), &[not_served(r#""""#)]);
    check(&[], &placed(&"\0".repeat(100_000), &[(1, 1)]), &[not_served(r#""\0\0""#)]);
    let too_heavy = "70001 g are too heavy for all carriers to US";
    let too_heavy = rejected(ShipmentRejection::TooHeavy, too_heavy);
    check(&[], &placed("US", &[(70_000, 1), (1, 1)]), &[too_heavy]);
}

#[test]
fn the_heaviest_order_does_not_overflow() {
    let line = (Quantity::MAX, Grams::MAX);
    let detail = "1000000000000000 g are too heavy for all carriers to DE";
    let too_heavy = rejected(ShipmentRejection::TooHeavy, detail);
    check(&[], &placed("DE", &[line; 100]), &[too_heavy]);
}

#[test]
fn an_order_without_lines_or_with_too_many_is_refused() {
    let other = |detail| rejected(ShipmentRejection::Other, detail);
    check(&[], &placed("DE", &[]), &[other("the order has no lines")]);
    let too_many = other("the order has 101 lines, more than 100");
    check(&[], &placed("DE", &[(1, 1); 101]), &[too_many]);
}

#[test]
fn the_first_order_placed_counts() {
    check(&[usual()], &usual(), &[Said::NOT_THE_FIRST]);
    check(&[usual()], &placed("AQ", &[(1, 1)]), &[Said::NOT_THE_FIRST]);
    check(&[placed("AQ", &[(1, 1)])], &usual(), &[Said::NOT_THE_FIRST]);
    check(&[usual(), confirmed()], &usual(), &[Said::NOT_THE_FIRST]);
    check(&[usual(), confirmed(), delivered().into()], &usual(), &[Said::NOT_THE_FIRST]);
    check(&[usual(), cancelled()], &usual(), &[Said::NOT_THE_FIRST]);
    check(&[cancelled(), usual()], &usual(), &[Said::NOT_THE_FIRST]);
}

#[test]
fn a_confirmed_order_is_dispatched_and_then_delivered() {
    check(&[usual()], &confirmed(), &dispatched());
    check(&[usual(), confirmed()], &delivered().into(), &[Said::Itself]);
}

#[test]
fn only_what_is_planned_is_dispatched() {
    let ignored = [Said::Ignored("no shipment of this order waits to be dispatched")];
    check(&[], &confirmed(), &ignored);
    check(&[placed("AQ", &[(1, 1)])], &confirmed(), &ignored);
    check(&[cancelled()], &confirmed(), &ignored);
    check(&[usual(), cancelled()], &confirmed(), &ignored);
    check(&[usual(), confirmed()], &confirmed(), &ignored);
    check(&[usual(), confirmed(), delivered().into()], &confirmed(), &ignored);
}

#[test]
fn only_what_is_dispatched_is_delivered() {
    check(&[], &delivered().into(), &[]);
    check(&[usual()], &delivered().into(), &[]);
    check(&[usual(), cancelled()], &delivered().into(), &[]);
    check(&[usual(), confirmed(), delivered().into()], &delivered().into(), &[]);
}

#[test]
fn what_is_planned_for_a_cancelled_order_is_called_off() {
    let called_off = Said::now(ShipmentCancelled { order_id: order() });
    check(&[usual()], &cancelled(), &[called_off]);
    check(&[usual(), cancelled()], &cancelled(), &[]);
    check(&[placed("AQ", &[(1, 1)])], &cancelled(), &[]);
    check(&[usual(), confirmed()], &cancelled(), &[]);
    check(&[usual(), confirmed(), delivered().into()], &cancelled(), &[]);
    check(&[], &cancelled(), &[]);
    check(&[cancelled()], &cancelled(), &[]);
}

#[test]
fn an_order_that_was_cancelled_before_it_was_heard_is_refused() {
    let detail = "the order was cancelled before it was heard";
    let refused = rejected(ShipmentRejection::OrderCancelled, detail);
    check(&[cancelled()], &usual(), std::slice::from_ref(&refused));
    check(&[cancelled()], &placed("AQ", &[]), &[refused]);
}

/// In whatever order they come: OrderPlaced is answered once, what was planned is called off or
/// delivered, and nothing is both.
#[test]
fn every_order_of_arrival_ends_well() {
    let events = [usual(), placed("AQ", &[(1, 1)]), cancelled(), confirmed(), delivered().into()];
    for arrival in permutations(&events) {
        let mut shipments = shipments();
        let said: Vec<_> = arrival.iter().flat_map(|event| hear(&mut shipments, event)).collect();
        let count = |name: &str| {
            said.iter().filter(|s| matches!(s, Said::Now(e) if e.name().name == name)).count()
        };
        let planned = count("ShipmentPlanned");
        assert_eq!(planned + count("ShipmentRejected"), 1, "{arrival:#?}");
        assert_eq!(
            planned,
            count("ShipmentDispatched") + count("ShipmentCancelled"),
            "{arrival:#?}"
        );
        let end = &shipments.orders[&order()];
        assert!(
            !matches!(end, Shipment::Planned { .. } | Shipment::CancelledUnheard),
            "{arrival:#?}"
        );
    }
}

fn permutations(events: &[Hears]) -> Vec<Vec<Hears>> {
    let Some((last, others)) = events.split_last() else { return vec![vec![]] };
    let insert = |others: Vec<Hears>| {
        (0..=others.len()).map(move |place| {
            let mut all = others.clone();
            all.insert(place, last.clone());
            all
        })
    };
    permutations(others).into_iter().flat_map(insert).collect()
}
