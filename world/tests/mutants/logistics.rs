//! Wrong ways to decide about shipments.

use choreography::service::{Heard, Said};
use logistics_svc::react::react;
use logistics_svc::state::{Shipment, Shipments};
use logistics_svc::{Hears, Says};
use shared_events::amounts::Timestamp;
use shared_events::orders::OrderConfirmed;

type Answers = Vec<Said<Says>>;

pub(crate) fn ships_anywhere(
    shipments: &mut Shipments,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut heard = heard.clone();
    if let Hears::OrderPlaced(placed) = &mut heard.event {
        placed.ship_to.country = "DE".to_owned();
    }
    react(shipments, &heard, now)
}

/// What is planned is sent off without waiting for the confirmation.
pub(crate) fn ships_unconfirmed(
    shipments: &mut Shipments,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(shipments, heard, now);
    if let Hears::OrderPlaced(placed) = &heard.event {
        let confirmed = OrderConfirmed { order_id: placed.order_id.clone(), answers: vec![] };
        let confirmed = Heard::new(heard.id, None, confirmed.into());
        said.extend(react(shipments, &confirmed, now));
    }
    said
}

pub(crate) fn keeps_what_is_cancelled(
    shipments: &mut Shipments,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    if matches!(heard.event, Hears::OrderCancelled(_)) {
        return vec![];
    }
    react(shipments, heard, now)
}

/// A cancellation that overtakes its order is forgotten.
pub(crate) fn forgets_early_cancellations(
    shipments: &mut Shipments,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let said = react(shipments, heard, now);
    shipments.orders.retain(|_, shipment| *shipment != Shipment::CancelledUnheard);
    said
}

/// The parcel is never reported as delivered.
pub(crate) fn loses_parcels(
    shipments: &mut Shipments,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(shipments, heard, now);
    said.retain(|said| !matches!(said, Said::After(..)));
    said
}

/// What OrderConfirmed was heard for is answered by nothing.
pub(crate) fn dispatches_in_silence(
    shipments: &mut Shipments,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(shipments, heard, now);
    said.retain(|said| !matches!(said, Said::Now(Says::ShipmentDispatched(_))));
    said
}
