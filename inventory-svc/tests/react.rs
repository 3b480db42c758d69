//! Every decision of inventory-svc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use choreography::service::{Heard, Said};
use inventory_svc::opening::Opening;
use inventory_svc::react::react;
use inventory_svc::state::{LastWord, Pieces, Stock};
use inventory_svc::{Hears, Says};
use proptest::prelude::*;
use shared_events::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use shared_events::deliveries::StockReceived;
use shared_events::ids::{EventId, OrderId};
use shared_events::inventory::{
    Shortage, StockLine, StockRejected, StockRejection, StockReleased, StockReserved,
};
use shared_events::orders::{Address, OrderCancelled, OrderLine, OrderPlaced};
use uuid::Uuid;

/// 10 teapots and 1 signed print.
fn opening() -> Stock {
    let pieces = [("teapot", 10), ("print", 1)];
    let pieces = pieces.map(|(sku, initial)| (sku.parse().unwrap(), initial));
    Stock::opened(&Opening(pieces.into()))
}

fn order(id: &str) -> OrderId {
    id.parse().unwrap()
}

fn placed(id: &str, lines: &[(&str, i64)]) -> Hears {
    let line = |&(sku, quantity): &(&str, i64)| OrderLine {
        sku: sku.parse().unwrap(),
        seller_id: "acme".parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: MinorUnits::new(1).unwrap(),
        unit_weight: Grams::new(1).unwrap(),
    };
    let text = String::new;
    Hears::from(OrderPlaced {
        order_id: order(id),
        currency: "EUR".into(),
        lines: lines.iter().map(line).collect(),
        ship_to: Address {
            name: text(),
            street: text(),
            postal_code: text(),
            city: text(),
            country: text(),
        },
    })
}

fn cancelled(id: &str) -> Hears {
    Hears::from(OrderCancelled { order_id: order(id), reasons: vec![] })
}

fn received(sku: &str, quantity: i64) -> Hears {
    let quantity = Quantity::new(quantity).unwrap();
    Hears::from(StockReceived { sku: sku.parse().unwrap(), quantity })
}

fn lines(lines: &[(&str, i64)]) -> Vec<StockLine> {
    let line = |&(sku, quantity): &(&str, i64)| StockLine { sku: sku.parse().unwrap(), quantity };
    lines.iter().map(line).collect()
}

fn reserved(id: &str, pieces: &[(&str, i64)]) -> Says {
    Says::from(StockReserved { order_id: order(id), lines: lines(pieces) })
}

fn released(id: &str, pieces: &[(&str, i64)]) -> Says {
    Says::from(StockReleased { order_id: order(id), lines: lines(pieces) })
}

fn rejected(id: &str, reason: StockRejection, short: &[(&str, i64, i64)]) -> Says {
    let shortage = |&(sku, requested, available): &(&str, i64, i64)| Shortage {
        sku: sku.parse().unwrap(),
        requested,
        available,
    };
    let shortages = short.iter().map(shortage).collect();
    Says::from(StockRejected { order_id: order(id), reason, shortages })
}

fn hear(stock: &mut Stock, event: Hears) -> Vec<Said<Says>> {
    let heard = Heard::new(EventId(Uuid::nil()), None, event);
    let said = react(stock, &heard, Timestamp(0));
    assert_conserved(stock);
    said
}

/// Initial and received pieces are available or reserved.
#[track_caller]
fn assert_conserved(stock: &Stock) {
    for (sku, pieces) in &stock.skus {
        let reserved = stock.orders.values().filter_map(LastWord::reserved);
        let reserved: i64 = reserved.filter_map(|lines| lines.get(sku)).sum();
        assert!(0 <= pieces.available, "{sku}: {pieces:?}");
        assert_eq!(pieces.initial + pieces.received, pieces.available + reserved, "{sku}");
    }
}

/// Given what was heard before, when `event` is heard, then `expected` is said.
#[track_caller]
fn check(given: &[Hears], event: Hears, expected: &[Says]) {
    let mut stock = opening();
    for event in given {
        hear(&mut stock, event.clone());
    }
    let said = hear(&mut stock, event);
    assert_eq!(said, expected.iter().cloned().map(Said::Now).collect::<Vec<_>>());
}

/// Given what was heard before, when `event` is heard, it changes nothing, as it is not the first.
#[track_caller]
fn check_ignored(given: &[Hears], event: Hears) {
    let mut stock = opening();
    for event in given {
        hear(&mut stock, event.clone());
    }
    let before = stock.clone();
    assert_eq!(hear(&mut stock, event), [Said::NOT_THE_FIRST]);
    assert_eq!(stock, before);
}

#[test]
fn all_lines_are_reserved() {
    check(&[], placed("1", &[("teapot", 10)]), &[reserved("1", &[("teapot", 10)])]);
    check(
        &[],
        placed("1", &[("teapot", 3), ("print", 1), ("teapot", 4)]),
        &[reserved("1", &[("print", 1), ("teapot", 7)])],
    );
}

#[test]
fn or_none_and_all_that_is_short_is_listed() {
    use StockRejection::Short;
    check(&[], placed("1", &[("teapot", 11)]), &[rejected("1", Short, &[("teapot", 11, 10)])]);
    // Lines of one SKU are summed before they are compared.
    check(
        &[],
        placed("1", &[("teapot", 6), ("teapot", 6)]),
        &[rejected("1", Short, &[("teapot", 12, 10)])],
    );
    check(
        &[],
        placed("1", &[("unicorn", 1), ("teapot", 1), ("print", 2)]),
        &[rejected("1", Short, &[("print", 2, 1), ("unicorn", 1, 0)])],
    );
    // What was not short in a refused order is still there for the next.
    check(
        &[placed("1", &[("teapot", 10), ("unicorn", 1)])],
        placed("2", &[("teapot", 10)]),
        &[reserved("2", &[("teapot", 10)])],
    );
}

#[test]
fn the_last_piece_is_reserved_once() {
    check(
        &[placed("1", &[("print", 1)])],
        placed("2", &[("print", 1)]),
        &[rejected("2", StockRejection::Short, &[("print", 1, 0)])],
    );
}

#[test]
fn bad_orders_are_refused() {
    let too_many = vec![("teapot", 1); 101];
    let expected = [rejected("1", StockRejection::Other, &[])];
    check(&[], placed("1", &[]), &expected);
    check(&[], placed("1", &too_many), &expected);
    check_ignored(&[placed("1", &[])], placed("1", &[("teapot", 1)]));
    // A hundred lines of the largest quantity do not overflow.
    let largest = vec![("teapot", Quantity::MAX); 100];
    let short = [("teapot", 100_000_000, 10)];
    check(&[], placed("1", &largest), &[rejected("1", StockRejection::Short, &short)]);
}

#[test]
fn another_order_placed_with_the_same_order_id_changes_nothing() {
    let good = placed("1", &[("teapot", 1)]);
    let short = placed("1", &[("print", 2)]);
    check_ignored(std::slice::from_ref(&good), placed("1", &[("print", 1)]));
    check_ignored(std::slice::from_ref(&short), good.clone());
    check_ignored(&[good.clone(), cancelled("1")], short);
    check_ignored(&[cancelled("1"), good.clone()], good);
}

#[test]
fn cancellation_releases_what_was_reserved_and_only_once() {
    let good = placed("1", &[("teapot", 3), ("print", 1), ("teapot", 1)]);
    let given = [good, cancelled("1")];
    check(&given[..1], cancelled("1"), &[released("1", &[("print", 1), ("teapot", 4)])]);
    check(&given, cancelled("1"), &[]);
    check(&given, placed("2", &[("teapot", 10)]), &[reserved("2", &[("teapot", 10)])]);
    check(&[placed("1", &[("print", 2)])], cancelled("1"), &[]);
    check(&[placed("1", &[])], cancelled("1"), &[]);
}

#[test]
fn a_cancellation_that_comes_first_is_the_last_word() {
    let good = placed("1", &[("teapot", 1)]);
    let expected = [rejected("1", StockRejection::OrderCancelled, &[])];
    check(&[], cancelled("1"), &[]);
    check(&[cancelled("1")], cancelled("1"), &[]);
    check(&[cancelled("1")], good.clone(), &expected);
    check(&[cancelled("1"), cancelled("1")], good.clone(), &expected);
    check(&[cancelled("1")], placed("1", &[]), &expected);
    check(&[cancelled("1"), good], cancelled("1"), &[]);
    check(&[cancelled("1")], placed("2", &[("print", 1)]), &[reserved("2", &[("print", 1)])]);
}

#[test]
fn stock_received_grows_stock_and_makes_unknown_skus_known() {
    check(&[], received("teapot", 5), &[]);
    let fifteen = placed("1", &[("teapot", 15)]);
    check(&[received("teapot", 5)], fifteen, &[reserved("1", &[("teapot", 15)])]);
    let unicorns = placed("1", &[("unicorn", 2)]);
    check(&[received("unicorn", 2)], unicorns.clone(), &[reserved("1", &[("unicorn", 2)])]);
    // A refusal is not taken back.
    check_ignored(&[unicorns.clone(), received("unicorn", 2)], unicorns);
}

#[test]
fn pieces_are_counted_by_where_they_came_from() {
    let mut stock = opening();
    hear(&mut stock, received("teapot", 5));
    hear(&mut stock, placed("1", &[("teapot", 12)]));
    let teapot = Pieces { initial: 10, received: 5, available: 3 };
    assert_eq!(stock.skus[&"teapot".parse().unwrap()], teapot);
    hear(&mut stock, received("unicorn", 1));
    let unicorn = Pieces { initial: 0, received: 1, available: 1 };
    assert_eq!(stock.skus[&"unicorn".parse().unwrap()], unicorn);
}

fn any_event() -> impl Strategy<Value = Hears> {
    let id = || prop::sample::select(vec!["1", "2", "3", "4"]);
    let sku = || prop::sample::select(vec!["teapot", "print", "unicorn"]);
    prop_oneof![
        3 => (id(), prop::collection::vec((sku(), 1..6i64), 0..4))
            .prop_map(|(id, lines)| placed(id, &lines)),
        2 => id().prop_map(cancelled),
        1 => (sku(), 1..6i64).prop_map(|(sku, quantity)| received(sku, quantity)),
    ]
}

proptest! {
    /// Whatever comes in whatever order: pieces are conserved (checked after each event), the first
    /// OrderPlaced of an order is answered with one event, and stock is released once, after it was
    /// reserved and as it was reserved.
    #[test]
    fn any_events_in_any_order(events in prop::collection::vec(any_event(), 0..60)) {
        let mut stock = opening();
        let mut answered = std::collections::BTreeSet::new();
        let mut held = std::collections::BTreeMap::new();
        for event in events {
            let said = hear(&mut stock, event.clone());
            match &event {
                Hears::OrderPlaced(placed) => {
                    let first = answered.insert(placed.order_id.clone());
                    let answers = said.iter().filter(|said| matches!(said, Said::Now(_)));
                    prop_assert_eq!(answers.count(), usize::from(first));
                }
                Hears::OrderCancelled(_) => prop_assert!(said.len() <= 1),
                Hears::StockReceived(_) => prop_assert!(said.is_empty()),
            }
            for said in said {
                match said {
                    Said::Now(Says::StockReserved(reserved)) => {
                        prop_assert!(held.insert(reserved.order_id, reserved.lines).is_none());
                    }
                    Said::Now(Says::StockReleased(released)) => {
                        prop_assert_eq!(held.remove(&released.order_id), Some(released.lines));
                    }
                    Said::Now(Says::StockRejected(_)) | Said::Ignored(_) => {}
                    Said::After(..) | Said::Itself => prop_assert!(false, "there are no timers"),
                }
            }
        }
    }
}
