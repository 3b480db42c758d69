//! Laws about what the services hold.

use std::collections::BTreeMap;

use inventory_svc::state::Stock;
use logistics_svc::state::Shipment;
use seller_svc::state::Notice;
use shared_events::ids::{OrderId, SellerId, Sku};
use shared_events::inventory::StockLine;

use super::{Holds, Law, holds};
use crate::events::Event;
use crate::history::{self, History};
use crate::parties::{Party, States};

/// [`Law::GoodsAreConserved`].
pub fn conserved(stock: &Stock, opening: &BTreeMap<Sku, i64>) -> Holds {
    let mut reserved: BTreeMap<&Sku, i64> = BTreeMap::new();
    for (sku, pieces) in stock.orders.values().filter_map(|word| word.reserved()).flatten() {
        *reserved.entry(sku).or_default() += pieces;
    }
    for (sku, pieces) in &stock.skus {
        let reserved = reserved.remove(sku).unwrap_or_default();
        let sum = pieces.available + reserved;
        let law = Law::GoodsAreConserved;
        holds(law, sku.as_str(), 0 <= pieces.available && 0 <= reserved, || {
            format!("{} available, {reserved} reserved", pieces.available)
        })?;
        let initial = opening.get(sku).copied().unwrap_or_default();
        holds(law, sku.as_str(), initial + pieces.received == sum, || {
            format!("{initial} at the beginning, {pieces:?}, {reserved} reserved")
        })?;
    }
    match reserved.first_key_value() {
        None => Ok(()),
        Some((sku, pieces)) => holds(Law::GoodsAreConserved, sku.as_str(), false, || {
            format!("{pieces} reserved of a SKU that there is not")
        }),
    }
}

/// [`Law::GoodsAreConserved`], when nothing is left to happen: what came was taken in, once.
pub fn all_received(stock: &Stock, sku: &str, history: &History) -> Holds {
    let came = history.log.iter().filter_map(|record| match &record.event {
        Event::StockReceived(received) => Some(received.quantity.get()),
        _ => None,
    });
    let came: i64 = came.sum();
    let received = sku.parse().ok().and_then(|sku: Sku| stock.skus.get(&sku));
    let received = received.map_or(0, |pieces| pieces.received);
    holds(Law::GoodsAreConserved, sku, came == received, || {
        format!("{came} came, {received} were received")
    })
}

/// [`Law::SaidIsDone`], for one service and one order.
pub fn said_is_done(states: &States, party: Party, order: &OrderId, history: &History) -> Holds {
    let (said, done) = match party {
        Party::Orders => (end_said(history).to_owned(), end_kept(states, order).to_owned()),
        Party::Inventory => {
            let reserved = states.stock.orders.get(order).and_then(|word| word.reserved());
            let none = BTreeMap::new();
            (format!("{:?}", reserved_said(history)), format!("{:?}", reserved.unwrap_or(&none)))
        }
        Party::Logistics => {
            (shipment_said(history).to_owned(), shipment_kept(states, order).to_owned())
        }
        Party::Sellers => {
            let told = match states.notices.orders.get(order) {
                Some(Notice::Notified(sellers)) => sellers.iter().collect(),
                Some(Notice::CancelledUnheard | Notice::Closed) | None => vec![],
            };
            (format!("{:?}", notified_said(history)), format!("{told:?}"))
        }
    };
    holds(Law::SaidIsDone, order.as_str(), said == done, || {
        format!("by what {} said it is {said}, by its state {done}", party.manifest().service)
    })
}

fn end_said(history: &History) -> &'static str {
    ["OrderCompleted", "OrderConfirmed", "OrderCancelled"]
        .into_iter()
        .find(|name| history.has(name))
        .map_or("", |name| &name["Order".len()..])
}

fn end_kept(states: &States, order: &OrderId) -> &'static str {
    let placed = states.orders.orders.get(order).and_then(|order| order.placed.as_ref());
    match placed.map(|placed| placed.status.name()) {
        Some("confirmed") => "Confirmed",
        Some("cancelled") => "Cancelled",
        Some("completed") => "Completed",
        _ => "",
    }
}

/// The pieces of each SKU that are reserved, by what inventory-svc said.
pub(super) fn reserved_said(history: &History) -> BTreeMap<Sku, i64> {
    let mut pieces = BTreeMap::new();
    let mut add = |lines: &[StockLine], sign: i64| {
        for line in lines {
            *pieces.entry(line.sku.clone()).or_default() += sign * line.quantity;
        }
    };
    for record in &history.log {
        match &record.event {
            Event::StockReserved(reserved) => add(&reserved.lines, 1),
            Event::StockReleased(released) => add(&released.lines, -1),
            _ => {}
        }
    }
    pieces.retain(|_, pieces| *pieces != 0);
    pieces
}

fn shipment_said(history: &History) -> &'static str {
    let last = history.log.iter().rev().find_map(|record| match record.event {
        Event::ShipmentPlanned(_) => Some("planned"),
        Event::ShipmentDispatched(_) => Some("dispatched"),
        Event::ShipmentDelivered(_) => Some("delivered"),
        Event::ShipmentRejected(_) | Event::ShipmentCancelled(_) => Some("none"),
        _ => None,
    });
    last.unwrap_or("none")
}

fn shipment_kept(states: &States, order: &OrderId) -> &'static str {
    match states.shipments.orders.get(order) {
        Some(Shipment::Planned { .. }) => "planned",
        Some(Shipment::Dispatched) => "dispatched",
        Some(Shipment::Delivered) => "delivered",
        Some(Shipment::CancelledUnheard | Shipment::NotShipped) | None => "none",
    }
}

/// The sellers that believe in the order, by what seller-svc said.
fn notified_said(history: &History) -> Vec<&SellerId> {
    let told: Vec<_> = history
        .named("SellerCancellationNotified")
        .filter_map(|record| history::seller(&record.event))
        .collect();
    let notified = history.named("SellerNotified").filter_map(|r| history::seller(&r.event));
    notified.filter(|seller| !told.contains(seller)).collect()
}
