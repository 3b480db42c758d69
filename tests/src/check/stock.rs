//! Pieces are neither lost nor made.

use std::collections::BTreeMap;

use shared_events::deliveries::StockReceived;
use shared_events::orders::OrderCancelled;

use super::Evidence;
use super::story::Story;

pub(super) fn check(
    evidence: &Evidence,
    stories: &BTreeMap<String, Story>,
    found: &mut Vec<String>,
) {
    let books = &evidence.books;
    let mut reserved: BTreeMap<&str, i64> = BTreeMap::new();
    for (sku, pieces) in books.reservations.values().flatten() {
        *reserved.entry(sku).or_default() += pieces;
    }
    let mut received: BTreeMap<String, i64> = BTreeMap::new();
    for (_, event) in evidence.log.events::<StockReceived>() {
        *received.entry(event.sku.to_string()).or_default() += event.quantity.get();
    }
    for (sku, pieces) in &books.stock {
        let reserved = reserved.remove(sku.as_str()).unwrap_or_default();
        let came = received.remove(sku).unwrap_or_default();
        if pieces.initial + pieces.received != pieces.available + reserved || pieces.available < 0 {
            found.push(format!("{sku}: {pieces:?} do not fit to {reserved} that are reserved"));
        }
        if pieces.received != came {
            found.push(format!("{sku}: {pieces:?}, and {came} pieces came by StockReceived"));
        }
    }
    if !reserved.is_empty() || !received.is_empty() {
        found.push(format!("not in stock: reserved {reserved:?}, received {received:?}"));
    }
    reservations(&books.reservations, stories, found);
}

/// Exactly what the orders want that were not cancelled.
fn reservations(
    reserved: &BTreeMap<String, BTreeMap<String, i64>>,
    stories: &BTreeMap<String, Story>,
    found: &mut Vec<String>,
) {
    let mut wanted: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for (id, story) in stories {
        let lines = story.placed.iter().flat_map(|(_, placed)| &placed.lines);
        let goes = story.count::<OrderCancelled>() == 0;
        for line in lines.filter(|_| goes) {
            let order = wanted.entry(id.clone()).or_default();
            *order.entry(line.sku.to_string()).or_default() += line.quantity.get();
        }
    }
    for id in wanted.keys().chain(reserved.keys()) {
        let (is, should_be) = (reserved.get(id), wanted.get(id));
        if is != should_be {
            found.push(format!("order {id}: reserved are {is:?}, not {should_be:?}"));
        }
    }
}
