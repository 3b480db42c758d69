//! Topic `logistics`, said by logistics-svc.

use serde::{Deserialize, Serialize};

use crate::amounts::Timestamp;
use crate::event;
use crate::ids::OrderId;

/// A carrier will take the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentPlanned {
    /// The order.
    pub order_id: OrderId,
    /// Who carries it.
    pub carrier: String,
    /// The warehouse that it leaves from.
    pub ship_from: String,
    /// When it will have arrived.
    pub promised_by: Timestamp,
}

/// No carrier can take the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentRejected {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: ShipmentRejection,
    /// The reason in words for a person: the country, or the weight and its limit.
    pub detail: String,
}

/// Why a shipment was not planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentRejection {
    /// No carrier goes there.
    DestinationNotServed,
    /// No carrier that goes there takes this weight.
    TooHeavy,
    /// The order was cancelled before it was heard.
    OrderCancelled,
    /// A reason that a newer writer has and this reader does not know.
    Other,
}

/// The parcel has left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentDispatched {
    /// The order.
    pub order_id: OrderId,
    /// Who carries it.
    pub carrier: String,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
}

/// The parcel has arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentDelivered {
    /// The order.
    pub order_id: OrderId,
    /// When it arrived.
    pub delivered_at: Timestamp,
}

/// What was planned for a cancelled order is called off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentCancelled {
    /// The order.
    pub order_id: OrderId,
}

event!(ShipmentPlanned on "logistics" about order_id, [include_str!("../../schemas/logistics/ShipmentPlanned.avsc")]);
event!(ShipmentRejected on "logistics" about order_id, [include_str!("../../schemas/logistics/ShipmentRejected.avsc")]);
event!(ShipmentDispatched on "logistics" about order_id, [include_str!("../../schemas/logistics/ShipmentDispatched.avsc")]);
event!(ShipmentDelivered on "logistics" about order_id, [include_str!("../../schemas/logistics/ShipmentDelivered.avsc")]);
event!(ShipmentCancelled on "logistics" about order_id, [include_str!("../../schemas/logistics/ShipmentCancelled.avsc")]);
