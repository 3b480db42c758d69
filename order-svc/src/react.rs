//! The decisions of order-svc.
//!
//! The events of one order come in any order, also before its OrderPlaced. So each decision first
//! notes what it heard, and then [`decide`] looks at all that is known.

use choreography::service::{Heard, Said};
use shared_events::amounts::Timestamp;
use shared_events::ids::{EventId, OrderId};
use shared_events::orders::{
    CancellationReason, CancellationRequested, OrderCancelled, OrderCompleted, OrderConfirmed,
    OrderDeadlinePassed, OrderPlaced,
};

use crate::state::Answerer::{Inventory, Logistics, Seller};
use crate::state::{Answer, Order, OrderBook, Status};
use crate::{Hears, Says, reasons};

/// What a decision wants said.
type Words = Vec<Said<Says>>;

/// Decides about one event. In: the orders, the event, the time. Out: what is said.
pub fn react(book: &mut OrderBook, heard: &Heard<Hears>, now: Timestamp) -> Words {
    let (order_id, by, refusal) = match &heard.event {
        Hears::OrderPlaced(said) => return keep(book, heard.id, said, now),
        Hears::CancellationRequested(said) => return cancel(book, said, now),
        Hears::OrderDeadlinePassed(said) => return stop_waiting(book, &said.order_id, now),
        Hears::ShipmentDelivered(said) => return deliver(book, &said.order_id, said.delivered_at),
        Hears::StockReserved(said) => (&said.order_id, Inventory, None),
        Hears::StockRejected(said) => (&said.order_id, Inventory, Some(reasons::stock(said))),
        Hears::ShipmentPlanned(said) => (&said.order_id, Logistics, None),
        Hears::ShipmentRejected(said) => (&said.order_id, Logistics, Some(reasons::shipment(said))),
        Hears::SellerNotified(said) => (&said.order_id, Seller(said.seller_id.clone()), None),
        Hears::SellerDeclined(said) => {
            (&said.order_id, Seller(said.seller_id.clone()), Some(reasons::seller(said)))
        }
    };
    let Some(cause) = heard.cause else { return vec![Said::Ignored("it answers nothing")] };
    let order = book.orders.entry(order_id.clone()).or_default();
    let (id, trace) = (heard.id, heard.trace.clone());
    match order.note(Answer { id, cause, by, at: now, refusal, trace }) {
        Ok(()) => decide(order_id, order, vec![], now),
        Err(why) => vec![Said::Ignored(why)],
    }
}

/// Another OrderPlaced with an id that is known already changes nothing.
fn keep(book: &mut OrderBook, id: EventId, placed: &OrderPlaced, now: Timestamp) -> Words {
    let order_id = &placed.order_id;
    let order = book.orders.entry(order_id.clone()).or_default();
    if order.placed.is_some() {
        return vec![Said::NOT_THE_FIRST];
    }
    order.place(id, placed, now);
    let said = decide(order_id, order, reasons::bad(placed), now);
    if !said.is_empty() {
        return said;
    }
    vec![Said::after(book.deadline, OrderDeadlinePassed { order_id: order_id.clone() })]
}

fn cancel(book: &mut OrderBook, said: &CancellationRequested, now: Timestamp) -> Words {
    let order = book.orders.entry(said.order_id.clone()).or_default();
    order.request.get_or_insert_with(|| reasons::shortened(&said.reason));
    decide(&said.order_id, order, vec![], now)
}

/// The deadline has passed: whoever has not answered speaks against the order.
fn stop_waiting(book: &mut OrderBook, order_id: &OrderId, now: Timestamp) -> Words {
    let Some(order) = book.orders.get_mut(order_id) else { return vec![] };
    let against = reasons::not_answered(&order.missing());
    let mut said = decide(order_id, order, against, now);
    if !said.is_empty() {
        said.insert(0, Said::Itself);
    }
    said
}

/// Ends an order that is not decided yet: cancels it if anything speaks against it, be it
/// `against` or known before, and confirms it if all have agreed.
fn decide(
    order_id: &OrderId,
    order: &mut Order,
    mut against: Vec<CancellationReason>,
    now: Timestamp,
) -> Words {
    let missing = order.missing();
    let Some(placed) = order.placed.as_mut().filter(|placed| placed.status == Status::Placed)
    else {
        return vec![];
    };
    against.extend(order.request.as_deref().map(reasons::requested));
    against.extend(order.answers.iter().filter_map(|answer| answer.refusal.clone()));
    let order_id = order_id.clone();
    if !against.is_empty() {
        placed.status = Status::Cancelled { at: now, reasons: against.clone() };
        return vec![Said::now(OrderCancelled { order_id, reasons: against })];
    }
    if !missing.is_empty() {
        return vec![];
    }
    placed.status = Status::Confirmed { at: now };
    let answers = order.answers.iter().map(|answer| answer.id).collect();
    let mut said = vec![Said::now(OrderConfirmed { order_id: order_id.clone(), answers })];
    said.extend(complete(&order_id, order));
    said
}

/// A delivery before the confirmation is remembered, though logistics-svc says none.
fn deliver(book: &mut OrderBook, order_id: &OrderId, delivered_at: Timestamp) -> Words {
    let order = book.orders.entry(order_id.clone()).or_default();
    order.delivered_at.get_or_insert(delivered_at);
    complete(order_id, order).into_iter().collect()
}

/// Completes an order that is confirmed and delivered.
fn complete(order_id: &OrderId, order: &mut Order) -> Option<Said<Says>> {
    let delivered_at = order.delivered_at?;
    let placed = order.placed.as_mut()?;
    let Status::Confirmed { at } = placed.status else { return None };
    placed.status = Status::Completed { confirmed_at: at };
    Some(Said::now(OrderCompleted { order_id: order_id.clone(), delivered_at }))
}
