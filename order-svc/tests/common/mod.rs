//! Events to tell stories with. Events are numbered; the OrderPlaced that counts is number 1.

use choreography::service::Heard;
use order_svc::Hears;
use shared_events::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use shared_events::ids::{EventId, OrderId};
use shared_events::inventory::{Shortage, StockRejected, StockRejection, StockReserved};
use shared_events::logistics::{
    ShipmentDelivered, ShipmentPlanned, ShipmentRejected, ShipmentRejection,
};
use shared_events::orders::{
    Address, CancellationRequested, OrderDeadlinePassed, OrderLine, OrderPlaced,
};
use shared_events::sellers::{SellerDeclined, SellerNotified, SellerRefusal};
use uuid::Uuid;

/// The id of the event with this number.
pub(crate) fn id(number: u128) -> EventId {
    EventId(Uuid::from_u128(number))
}

/// The order that all stories are about.
pub(crate) fn order() -> OrderId {
    "order-1".parse().unwrap()
}

/// An event that answers none.
pub(crate) fn event(number: u128, event: impl Into<Hears>) -> Heard<Hears> {
    Heard::new(id(number), None, event.into())
}

/// The event with the number `number` that answers the one with the number `cause`.
pub(crate) fn answer(number: u128, cause: u128, event: impl Into<Hears>) -> Heard<Hears> {
    Heard::new(id(number), Some(id(cause)), event.into())
}

pub(crate) fn order_placed(sellers: &[&str]) -> OrderPlaced {
    let line = |seller: &&str| OrderLine {
        sku: "teapot".parse().unwrap(),
        seller_id: seller.parse().unwrap(),
        quantity: Quantity::new(2).unwrap(),
        unit_price: MinorUnits::new(1_250).unwrap(),
        unit_weight: Grams::new(900).unwrap(),
    };
    OrderPlaced {
        order_id: order(),
        currency: "EUR".into(),
        lines: sellers.iter().map(line).collect(),
        ship_to: Address {
            name: "Ada \u{0} 'Lovelace'".into(),
            street: "12 \"St James's\" Square \\".into(),
            postal_code: "SW1Y 4JH".into(),
            city: "London \u{1f600}".into(),
            country: "GB".into(),
        },
    }
}

pub(crate) fn placed(number: u128) -> Heard<Hears> {
    event(number, order_placed(&["globex", "acme", "globex"]))
}

pub(crate) fn reserved(number: u128, cause: u128) -> Heard<Hears> {
    answer(number, cause, StockReserved { order_id: order(), lines: vec![] })
}

pub(crate) fn short(number: u128, cause: u128) -> Heard<Hears> {
    let sku = "teapot".parse().unwrap();
    let shortages = vec![Shortage { sku, requested: 6, available: 5 }];
    let reason = StockRejection::Short;
    answer(number, cause, StockRejected { order_id: order(), reason, shortages })
}

pub(crate) fn planned(number: u128, cause: u128) -> Heard<Hears> {
    let planned = ShipmentPlanned {
        order_id: order(),
        carrier: "Swift".into(),
        ship_from: "Hamburg".into(),
        promised_by: Timestamp(0),
    };
    answer(number, cause, planned)
}

pub(crate) fn not_served(number: u128, cause: u128) -> Heard<Hears> {
    let detail = "no carrier goes to the country AQ".into();
    let reason = ShipmentRejection::DestinationNotServed;
    answer(number, cause, ShipmentRejected { order_id: order(), reason, detail })
}

pub(crate) fn notified(number: u128, cause: u128, seller: &str) -> Heard<Hears> {
    let seller_id = seller.parse().unwrap();
    answer(number, cause, SellerNotified { order_id: order(), seller_id })
}

pub(crate) fn declined(number: u128, cause: u128, seller: &str) -> Heard<Hears> {
    let seller_id = seller.parse().unwrap();
    let reason = SellerRefusal::Suspended;
    answer(number, cause, SellerDeclined { order_id: order(), seller_id, reason })
}

pub(crate) fn requested(number: u128, reason: &str) -> Heard<Hears> {
    event(number, CancellationRequested { order_id: order(), reason: reason.into() })
}

pub(crate) fn deadline(number: u128) -> Heard<Hears> {
    answer(number, 1, OrderDeadlinePassed { order_id: order() })
}

pub(crate) fn delivered(number: u128, at: i64) -> Heard<Hears> {
    event(number, ShipmentDelivered { order_id: order(), delivered_at: Timestamp(at) })
}
