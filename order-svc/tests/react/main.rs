//! Every decision of order-svc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod cancel;

mod confirm;

mod ends_once;

use std::time::Duration;

use choreography::service::{Heard, Said};
use common::*;
use order_svc::react::react;
use order_svc::state::{Answerer, OrderBook, Status};
use order_svc::{Hears, Says};
use shared_events::amounts::Timestamp;
use shared_events::ids::EventId;
use shared_events::inventory::{StockRejected, StockRejection};
use shared_events::logistics::{ShipmentRejected, ShipmentRejection};
use shared_events::orders::CancellationCode::{
    NotAnswered, Other, Requested, SellerDeclined, ShipmentRejected as NotShipped,
    StockRejected as NoStock,
};
use shared_events::orders::{
    CancellationCode, CancellationReason, OrderCancelled, OrderCompleted, OrderConfirmed,
    OrderDeadlinePassed,
};

const NOW: Timestamp = Timestamp(1_000);

const SHORT: (CancellationCode, &str) = (NoStock, "inventory-svc: short of teapot (5 of 6)");
const NOT_SERVED: (CancellationCode, &str) =
    (NotShipped, "logistics-svc: no carrier goes to the country AQ");
const ACME: (CancellationCode, &str) = (SellerDeclined, "seller-svc: acme is suspended");

fn book() -> OrderBook {
    OrderBook::empty(Duration::from_secs(30))
}

fn after_hearing(given: &[Heard<Hears>]) -> OrderBook {
    let mut book = book();
    for heard in given {
        react(&mut book, heard, NOW);
    }
    book
}

/// Given what was heard before, when `heard` is heard, then `expected` is said.
#[track_caller]
fn check(given: &[Heard<Hears>], heard: Heard<Hears>, expected: &[Said<Says>]) {
    let mut book = after_hearing(given);
    assert_eq!(react(&mut book, &heard, NOW), expected);
}

fn confirmed(answers: &[u128]) -> Said<Says> {
    let answers = answers.iter().map(|number| id(*number)).collect();
    Said::now(OrderConfirmed { order_id: order(), answers })
}

fn cancelled(reasons: &[(CancellationCode, &str)]) -> Said<Says> {
    let reason = |&(code, detail): &(_, &str)| CancellationReason { code, detail: detail.into() };
    let reasons = reasons.iter().map(reason).collect();
    Said::now(OrderCancelled { order_id: order(), reasons })
}

fn completed(at: i64) -> Said<Says> {
    Said::now(OrderCompleted { order_id: order(), delivered_at: Timestamp(at) })
}

fn ignored(why: &'static str) -> Said<Says> {
    Said::Ignored(why)
}

fn deadline_set() -> Said<Says> {
    Said::after(Duration::from_secs(30), OrderDeadlinePassed { order_id: order() })
}

fn all_agree() -> [Heard<Hears>; 4] {
    [reserved(2, 1), planned(3, 1), notified(4, 1, "acme"), notified(5, 1, "globex")]
}

fn confirmed_order() -> Vec<Heard<Hears>> {
    [vec![placed(1)], all_agree().to_vec()].concat()
}

fn status(book: &OrderBook) -> Status {
    book.orders[&order()].placed.clone().unwrap().status
}

/// Hears everything and notes what was said at which step; what is said to nobody else is left out.
fn story(heard: &[Heard<Hears>]) -> Vec<(usize, Said<Says>)> {
    let mut book = book();
    let mut story = vec![];
    for (step, heard) in heard.iter().enumerate() {
        let said = react(&mut book, heard, NOW);
        story.extend(
            said.into_iter()
                .filter(|s| matches!(s, Said::Now(_) | Said::Itself))
                .map(|said| (step, said)),
        );
    }
    story
}

/// All orders in which a few things can come.
fn permutations<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![vec![]];
    }
    let first = |n: usize| {
        let mut rest = things.to_vec();
        let first = rest.remove(n);
        permutations(&rest).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    (0..things.len()).flat_map(first).collect()
}
