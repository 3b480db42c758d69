//! The decisions of inventory-svc.
//!
//! The events of one order come in any order. So that a late one changes nothing that it should
//! not, each decision looks first at the last word on the order.

use std::collections::BTreeMap;

use choreography::service::{Heard, Said};
use shared_events::amounts::Timestamp;
use shared_events::deliveries::StockReceived;
use shared_events::ids::{OrderId, Sku};
use shared_events::inventory::{
    Shortage, StockLine, StockRejected, StockRejection, StockReleased, StockReserved,
};
use shared_events::orders::{LINES_MAX, OrderPlaced};

use crate::state::{LastWord, Stock};
use crate::{Hears, Says};

/// Decides about one event. In: the stock, the event, the time. Out: what is said.
pub fn react(stock: &mut Stock, heard: &Heard<Hears>, _now: Timestamp) -> Vec<Said<Says>> {
    match &heard.event {
        Hears::OrderPlaced(placed) => reserve(stock, placed),
        Hears::OrderCancelled(cancelled) => release(stock, &cancelled.order_id),
        Hears::StockReceived(received) => receive(stock, received),
    }
}

fn reserve(stock: &mut Stock, placed: &OrderPlaced) -> Vec<Said<Says>> {
    let order = &placed.order_id;
    match stock.orders.get(order) {
        None => {}
        Some(LastWord::CancelledUnheard) => {
            return reject(stock, order, StockRejection::OrderCancelled, vec![]);
        }
        // Another OrderPlaced with an id that is known already changes nothing.
        Some(LastWord::Rejected | LastWord::Reserved(_) | LastWord::Released) => {
            return vec![Said::NOT_THE_FIRST];
        }
    }
    if placed.lines.is_empty() || LINES_MAX < placed.lines.len() {
        return reject(stock, order, StockRejection::Other, vec![]);
    }
    let wanted = pieces_by_sku(placed);
    let shortages = shortages(stock, &wanted);
    if shortages.is_empty() {
        take(stock, order, wanted)
    } else {
        reject(stock, order, StockRejection::Short, shortages)
    }
}

/// Lines of one SKU are summed. The limits on lines and quantities keep each sum below 2^27.
fn pieces_by_sku(placed: &OrderPlaced) -> BTreeMap<Sku, i64> {
    let mut wanted = BTreeMap::new();
    for line in &placed.lines {
        *wanted.entry(line.sku.clone()).or_default() += line.quantity.get();
    }
    wanted
}

fn shortages(stock: &Stock, wanted: &BTreeMap<Sku, i64>) -> Vec<Shortage> {
    wanted
        .iter()
        .map(|(sku, &requested)| {
            let available = stock.skus.get(sku).map_or(0, |pieces| pieces.available);
            Shortage { sku: sku.clone(), requested, available }
        })
        .filter(|shortage| shortage.available < shortage.requested)
        .collect()
}

fn take(stock: &mut Stock, order: &OrderId, wanted: BTreeMap<Sku, i64>) -> Vec<Said<Says>> {
    for (sku, quantity) in &wanted {
        stock.skus.entry(sku.clone()).or_default().available -= quantity;
    }
    let lines = lines(&wanted);
    stock.orders.insert(order.clone(), LastWord::Reserved(wanted));
    vec![Said::now(StockReserved { order_id: order.clone(), lines })]
}

fn reject(
    stock: &mut Stock,
    order: &OrderId,
    reason: StockRejection,
    shortages: Vec<Shortage>,
) -> Vec<Said<Says>> {
    stock.orders.insert(order.clone(), LastWord::Rejected);
    vec![Said::now(StockRejected { order_id: order.clone(), reason, shortages })]
}

fn release(stock: &mut Stock, order: &OrderId) -> Vec<Said<Says>> {
    match stock.orders.get(order).cloned() {
        None => {
            stock.orders.insert(order.clone(), LastWord::CancelledUnheard);
            vec![]
        }
        Some(LastWord::Reserved(reserved)) => {
            for (sku, quantity) in &reserved {
                stock.skus.entry(sku.clone()).or_default().available += quantity;
            }
            stock.orders.insert(order.clone(), LastWord::Released);
            vec![Said::now(StockReleased { order_id: order.clone(), lines: lines(&reserved) })]
        }
        Some(LastWord::CancelledUnheard | LastWord::Rejected | LastWord::Released) => vec![],
    }
}

fn lines(pieces: &BTreeMap<Sku, i64>) -> Vec<StockLine> {
    pieces.iter().map(|(sku, &quantity)| StockLine { sku: sku.clone(), quantity }).collect()
}

/// Sums stay far below the limit of `i64`: it would take 10^12 of the largest deliveries.
fn receive(stock: &mut Stock, received: &StockReceived) -> Vec<Said<Says>> {
    let pieces = stock.skus.entry(received.sku.clone()).or_default();
    pieces.received += received.quantity.get();
    pieces.available += received.quantity.get();
    vec![]
}
