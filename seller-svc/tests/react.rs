//! Every decision of seller-svc: given what was heard before, when this is heard, then that is
//! said.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use choreography::service::{Heard, Said};
use seller_svc::directory::Directory;
use seller_svc::react::react;
use seller_svc::state::{Notice, Notices};
use seller_svc::{Hears, Says};
use shared_events::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use shared_events::ids::{EventId, OrderId, SellerId};
use shared_events::orders::{Address, OrderCancelled, OrderLine, OrderPlaced};
use shared_events::sellers::{
    SellerCancellationNotified, SellerDeclined, SellerNotified, SellerRefusal,
};
use uuid::Uuid;

fn notices() -> Notices {
    Notices::new(Arc::new(Directory::read(None).unwrap()), BTreeMap::new())
}

fn hear(notices: &mut Notices, event: &Hears) -> Vec<Said<Says>> {
    let heard = Heard::new(EventId(Uuid::nil()), None, event.clone());
    react(notices, &heard, Timestamp(0))
}

#[track_caller]
fn check(given: &[Hears], when: &Hears, then: &[Said<Says>]) {
    let mut notices = notices();
    for event in given {
        hear(&mut notices, event);
    }
    assert_eq!(hear(&mut notices, when), then, "given {given:#?}, when {when:#?}");
}

fn order() -> OrderId {
    "order-1".parse().unwrap()
}

fn seller(id: &str) -> SellerId {
    id.parse().unwrap()
}

/// An order with one line of each of these sellers.
fn placed(sellers: &[&str]) -> Hears {
    let line = |id: &&str| OrderLine {
        sku: "pen".parse().unwrap(),
        seller_id: seller(id),
        quantity: Quantity::new(1).unwrap(),
        unit_price: MinorUnits::new(100).unwrap(),
        unit_weight: Grams::new(1).unwrap(),
    };
    let [name, street, postal_code, city, country] =
        ["A. Customer", "Street 1", "1000", "Town", "DE"].map(str::to_owned);
    OrderPlaced {
        order_id: order(),
        currency: "EUR".to_owned(),
        lines: sellers.iter().map(line).collect(),
        ship_to: Address { name, street, postal_code, city, country },
    }
    .into()
}

fn cancelled() -> Hears {
    OrderCancelled { order_id: order(), reasons: vec![] }.into()
}

fn notified(id: &str) -> Said<Says> {
    Said::now(SellerNotified { order_id: order(), seller_id: seller(id) })
}

fn declined(id: &str, reason: SellerRefusal) -> Said<Says> {
    Said::now(SellerDeclined { order_id: order(), seller_id: seller(id), reason })
}

fn told_of_cancellation(id: &str) -> Said<Says> {
    Said::now(SellerCancellationNotified { order_id: order(), seller_id: seller(id) })
}

#[test]
fn each_seller_is_notified_once_in_order_of_appearance() {
    check(&[], &placed(&["acme"]), &[notified("acme")]);
    check(
        &[],
        &placed(&["borealis", "acme", "borealis", "acme"]),
        &[notified("borealis"), notified("acme")],
    );
}

#[test]
fn who_is_unknown_or_suspended_declines() {
    use SellerRefusal::{Suspended, Unknown};
    check(&[], &placed(&["nobody"]), &[declined("nobody", Unknown)]);
    check(&[], &placed(&["dormant"]), &[declined("dormant", Suspended)]);
    check(
        &[],
        &placed(&["nobody", "acme", "dormant", "nobody"]),
        &[declined("nobody", Unknown), notified("acme"), declined("dormant", Suspended)],
    );
}

#[test]
fn an_order_without_lines_has_no_sellers() {
    check(&[], &placed(&[]), &[]);
    check(&[placed(&[])], &placed(&["acme"]), &[Said::NOT_THE_FIRST]);
    check(&[placed(&[])], &cancelled(), &[]);
    check(&[cancelled()], &placed(&[]), &[]);
}

#[test]
fn too_many_lines_are_declined_by_the_first_seller() {
    let most = [["acme"; 50], ["borealis"; 50]].concat();
    check(&[], &placed(&most), &[notified("acme"), notified("borealis")]);
    let too_many = placed(&[&most[..], &["acme"]].concat());
    check(&[], &too_many, &[declined("acme", SellerRefusal::Other)]);
    check(&[cancelled()], &too_many, &[declined("acme", SellerRefusal::OrderCancelled)]);
    let unknown = placed(&["nobody"; 101]);
    check(&[], &unknown, &[declined("nobody", SellerRefusal::Unknown)]);
}

#[test]
fn the_first_order_placed_counts() {
    check(&[placed(&["acme"])], &placed(&["acme"]), &[Said::NOT_THE_FIRST]);
    check(&[placed(&["acme"])], &placed(&["borealis"]), &[Said::NOT_THE_FIRST]);
    check(&[placed(&["nobody"])], &placed(&["acme"]), &[Said::NOT_THE_FIRST]);
    check(&[placed(&["acme"]), cancelled()], &placed(&["acme"]), &[Said::NOT_THE_FIRST]);
    check(&[cancelled(), placed(&["acme"])], &placed(&["acme"]), &[Said::NOT_THE_FIRST]);
}

#[test]
fn only_who_was_notified_is_told_of_the_cancellation() {
    let mixed = placed(&["borealis", "nobody", "acme", "dormant"]);
    let both = [told_of_cancellation("borealis"), told_of_cancellation("acme")];
    check(std::slice::from_ref(&mixed), &cancelled(), &both);
    check(&[mixed, cancelled()], &cancelled(), &[]);
    check(&[placed(&["nobody"])], &cancelled(), &[]);
    check(&[], &cancelled(), &[]);
    check(&[cancelled()], &cancelled(), &[]);
}

#[test]
fn an_order_that_was_cancelled_before_it_was_heard_is_declined() {
    use SellerRefusal::OrderCancelled;
    let sellers = placed(&["acme", "nobody", "acme"]);
    let all = [declined("acme", OrderCancelled), declined("nobody", OrderCancelled)];
    check(&[cancelled()], &sellers, &all);
    check(&[cancelled(), sellers], &cancelled(), &[]);
}

/// In whatever order they come: the first OrderPlaced is answered for each of its sellers once,
/// and who was notified is told of the cancellation once.
#[test]
fn every_order_of_arrival_ends_well() {
    let [a, b, c] = [placed(&["acme", "nobody"]), placed(&["borealis"]), cancelled()];
    let arrivals =
        [[&a, &b, &c], [&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]];
    for arrival in arrivals {
        let mut notices = notices();
        let said: Vec<_> = arrival.iter().flat_map(|event| hear(&mut notices, event)).collect();
        let count = |said: &[Said<Says>], what: fn(&Says) -> bool| {
            said.iter().filter(|s| matches!(s, Said::Now(says) if what(says))).count()
        };
        let notified = count(&said, |says| matches!(says, Says::SellerNotified(_)));
        let declined = count(&said, |says| matches!(says, Says::SellerDeclined(_)));
        let told = count(&said, |says| matches!(says, Says::SellerCancellationNotified(_)));
        let first_is_a =
            arrival.iter().position(|e| *e == &a) < arrival.iter().position(|e| *e == &b);
        assert_eq!(notified + declined, if first_is_a { 2 } else { 1 }, "{arrival:#?}");
        assert_eq!(notified, told, "{arrival:#?}");
        assert_eq!(notices.orders[&order()], Notice::Closed, "{arrival:#?}");
    }
}
