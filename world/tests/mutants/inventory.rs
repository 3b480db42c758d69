//! Wrong ways to decide about stock.

use choreography::service::{Heard, Said};
use inventory_svc::react::react;
use inventory_svc::state::{LastWord, Pieces, Stock};
use inventory_svc::{Hears, Says};
use shared_events::amounts::{Quantity, Timestamp};
use shared_events::inventory::{StockLine, StockRejection, StockReserved};
use shared_events::orders::OrderPlaced;

/// One piece more than there is counts as available.
pub(crate) fn oversells_by_one(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    stock.skus.values_mut().for_each(|pieces| pieces.available += 1);
    let said = react(stock, heard, now);
    stock.skus.values_mut().for_each(|pieces| pieces.available -= 1);
    said
}

pub(crate) fn releases_twice(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    let said = react(stock, heard, now);
    for said in &said {
        let Said::Now(Says::StockReleased(released)) = said else { continue };
        for line in &released.lines {
            stock.skus.entry(line.sku.clone()).or_default().available += line.quantity;
        }
    }
    said
}

pub(crate) fn releases_in_words_only(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    let before = stock.clone();
    let said = react(stock, heard, now);
    if matches!(heard.event, Hears::OrderCancelled(_)) {
        *stock = before;
    }
    said
}

/// As the handlers of some shops do, lines with an unknown SKU are skipped.
pub(crate) fn skips_unknown_skus(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    with_placed(stock, heard, now, |stock, placed| {
        placed.lines.retain(|line| stock.skus.contains_key(&line.sku));
    })
}

/// As if there were plenty of what nobody knows.
pub(crate) fn confirms_unknown_skus(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    with_placed(stock, heard, now, |stock, placed| {
        for line in &placed.lines {
            stock.skus.entry(line.sku.clone()).or_insert(Pieces::opening(1000));
        }
    })
}

/// What is short is agreed to without being there.
pub(crate) fn confirms_what_is_short(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    let said = react(stock, heard, now);
    let agreed = said.into_iter().map(|said| match said {
        Said::Now(Says::StockRejected(no)) if no.reason == StockRejection::Short => {
            let lines = no.shortages.into_iter();
            let lines = lines.map(|short| StockLine { sku: short.sku, quantity: short.requested });
            Said::now(StockReserved { order_id: no.order_id, lines: lines.collect() })
        }
        other => other,
    });
    agreed.collect()
}

pub(crate) fn reserves_a_part(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    with_placed(stock, heard, now, |stock, placed| {
        for line in &mut placed.lines {
            let available = stock.skus.get(&line.sku).map_or(0, |pieces| pieces.available);
            let part = Quantity::new(line.quantity.get().min(available));
            line.quantity = part.unwrap_or(line.quantity);
        }
    })
}

pub(crate) fn keeps_what_is_cancelled(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    if matches!(heard.event, Hears::OrderCancelled(_)) { vec![] } else { react(stock, heard, now) }
}

/// A cancellation that overtakes its order is forgotten.
pub(crate) fn forgets_early_cancellations(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    let said = react(stock, heard, now);
    stock.orders.retain(|_, word| *word != LastWord::CancelledUnheard);
    said
}

pub(crate) fn reserves_for_each_order_placed(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Vec<Said<Says>> {
    with_placed(stock, heard, now, |stock, placed| {
        stock.orders.retain(|order, word| *order != placed.order_id || word.reserved().is_none());
    })
}

fn with_placed(
    stock: &mut Stock,
    heard: &Heard<Hears>,
    now: Timestamp,
    change: impl Fn(&mut Stock, &mut OrderPlaced),
) -> Vec<Said<Says>> {
    let mut heard = heard.clone();
    if let Hears::OrderPlaced(placed) = &mut heard.event {
        change(stock, placed);
    }
    react(stock, &heard, now)
}
