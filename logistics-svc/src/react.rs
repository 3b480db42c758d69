//! The decisions of logistics-svc.
//!
//! The events of one order come in any order. So that a late one changes nothing that it should
//! not, each decision looks first at how far the shipment is.

use std::time::Duration;

use choreography::service::{Heard, Said};
use shared_events::amounts::Timestamp;
use shared_events::ids::OrderId;
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
    ShipmentRejection,
};
use shared_events::orders::{LINES_MAX, OrderPlaced};

use crate::carriers::Carriers;
use crate::state::Shipment::{CancelledUnheard, Delivered, Dispatched, NotShipped, Planned};
use crate::state::Shipments;
use crate::{Hears, Says};

/// Decides about one event. In: what is known of its order, the event, the time. Out: what to say.
pub fn react(shipments: &mut Shipments, heard: &Heard<Hears>, now: Timestamp) -> Vec<Said<Says>> {
    match &heard.event {
        Hears::OrderPlaced(placed) => plan(shipments, placed, now),
        Hears::OrderConfirmed(confirmed) => dispatch(shipments, &confirmed.order_id, now),
        Hears::ShipmentDelivered(delivered) => deliver(shipments, &delivered.order_id),
        Hears::OrderCancelled(cancelled) => cancel(shipments, &cancelled.order_id),
    }
}

/// The first OrderPlaced with an id counts; another changes nothing.
fn plan(shipments: &mut Shipments, placed: &OrderPlaced, now: Timestamp) -> Vec<Said<Says>> {
    let order = &placed.order_id;
    let planned = match shipments.orders.get(order) {
        None => choose(&shipments.carriers, placed, now),
        Some(CancelledUnheard) => {
            let why = "the order was cancelled before it was heard".to_owned();
            Err((ShipmentRejection::OrderCancelled, why))
        }
        Some(Planned { .. } | NotShipped | Dispatched | Delivered) => {
            return vec![Said::NOT_THE_FIRST];
        }
    };
    match planned {
        Ok(planned) => {
            shipments.set(order, Planned { carrier: planned.carrier.clone() });
            vec![Said::now(planned)]
        }
        Err((reason, detail)) => {
            shipments.set(order, NotShipped);
            vec![Said::now(ShipmentRejected { order_id: order.clone(), reason, detail })]
        }
    }
}

/// The fastest carrier that takes the weight; of equally fast ones the first in the table.
fn choose(
    carriers: &Carriers,
    placed: &OrderPlaced,
    now: Timestamp,
) -> Result<ShipmentPlanned, (ShipmentRejection, String)> {
    let weight_g = weight_g(placed).map_err(|why| (ShipmentRejection::Other, why))?;
    // Anybody can send any text as a country, so only its beginning is repeated.
    let country: String = placed.ship_to.country.chars().take(2).collect();
    let (zone, carriers) = carriers.to(&placed.ship_to.country).ok_or_else(|| {
        let why = format!("no carrier goes to the country {country:?}");
        (ShipmentRejection::DestinationNotServed, why)
    })?;
    let able = carriers.filter(|carrier| weight_g <= i64::from(carrier.weight_max_g));
    let fastest = able.min_by_key(|carrier| carrier.days).ok_or_else(|| {
        let why = format!("{weight_g} g are too heavy for all carriers to {country}");
        (ShipmentRejection::TooHeavy, why)
    })?;
    Ok(ShipmentPlanned {
        order_id: placed.order_id.clone(),
        carrier: fastest.name.clone(),
        ship_from: zone.warehouse.clone(),
        promised_by: now.after(Duration::from_hours(24) * u32::from(fastest.days)),
    })
}

/// The weight of an order, or why it is none. The limits on lines, quantities and weights keep the
/// sum below 2^50 g.
fn weight_g(placed: &OrderPlaced) -> Result<i64, String> {
    let weights_g = placed.lines.iter().map(|l| l.quantity.get() * l.unit_weight.get());
    match placed.lines.len() {
        0 => Err("the order has no lines".to_owned()),
        1..=LINES_MAX => Ok(weights_g.sum()),
        lines => Err(format!("the order has {lines} lines, more than {LINES_MAX}")),
    }
}

fn dispatch(shipments: &mut Shipments, order: &OrderId, now: Timestamp) -> Vec<Said<Says>> {
    let Some(Planned { carrier }) = shipments.orders.get(order) else {
        return vec![Said::Ignored("no shipment of this order waits to be dispatched")];
    };
    let (order_id, carrier, after) = (order.clone(), carrier.clone(), shipments.deliver_after);
    let delivered = ShipmentDelivered { order_id: order.clone(), delivered_at: now.after(after) };
    let tracking_number = format!("T-{order}");
    let dispatched = ShipmentDispatched { order_id, carrier, tracking_number };
    shipments.set(order, Dispatched);
    vec![Said::now(dispatched), Said::after(after, delivered)]
}

fn deliver(shipments: &mut Shipments, order: &OrderId) -> Vec<Said<Says>> {
    let Some(Dispatched) = shipments.orders.get(order) else { return vec![] };
    shipments.set(order, Delivered);
    vec![Said::Itself]
}

fn cancel(shipments: &mut Shipments, order: &OrderId) -> Vec<Said<Says>> {
    match shipments.orders.get(order) {
        None => {
            shipments.set(order, CancelledUnheard);
            vec![]
        }
        Some(Planned { .. }) => {
            shipments.set(order, NotShipped);
            vec![Said::now(ShipmentCancelled { order_id: order.clone() })]
        }
        Some(CancelledUnheard | NotShipped | Dispatched | Delivered) => vec![],
    }
}
