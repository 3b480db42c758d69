//! Pieces are neither lost nor made.

use std::collections::BTreeMap;

use shared_events::deliveries::StockReceived;

use crate::case::Case;
use crate::service::Service;
use crate::violation::{Invariant, Layer, Violation};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<Violation>) {
    let books = &case.evidence.books;
    if !books.has(Service::Inventory) {
        return;
    }
    let wrong = |what: String| {
        Violation::new(Invariant::PiecesAddUp, Layer::Keeping, what).by(Service::Inventory)
    };
    for (sku, pieces) in &books.stock {
        let held = pieces.available + pieces.reserved;
        if pieces.initial + pieces.received != held || pieces.available < 0 {
            found.push(wrong(format!("{sku}: the pieces do not add up: {pieces:?}")));
        }
    }
    // Only all deliveries since the first make up what was received.
    if !case.is_whole() || !case.is_at_rest() {
        return;
    }
    let mut received: BTreeMap<String, i64> = BTreeMap::new();
    for (_, event) in case.evidence.log.events::<StockReceived>() {
        *received.entry(event.sku.to_string()).or_default() += event.quantity.get();
    }
    for (sku, pieces) in &books.stock {
        let came = received.remove(sku).unwrap_or_default();
        if pieces.received != came {
            found
                .push(wrong(format!("{sku}: {pieces:?}, and {came} pieces came by StockReceived")));
        }
    }
    if !received.is_empty() {
        found.push(wrong(format!("not in stock is what was received: {received:?}")));
    }
}
