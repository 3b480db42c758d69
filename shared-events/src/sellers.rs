//! Topic `sellers`, said by seller-svc.

use serde::{Deserialize, Serialize};

use crate::event;
use crate::ids::{OrderId, SellerId};

/// A seller knows of the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SellerNotified {
    /// The order.
    pub order_id: OrderId,
    /// Who.
    pub seller_id: SellerId,
}

/// A seller does not take part in the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SellerDeclined {
    /// The order.
    pub order_id: OrderId,
    /// Who.
    pub seller_id: SellerId,
    /// Why.
    pub reason: SellerRefusal,
}

/// Why a seller does not take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SellerRefusal {
    /// There is no such seller.
    Unknown,
    /// The seller may not sell at present.
    Suspended,
    /// The order was cancelled before it was heard.
    OrderCancelled,
    /// A reason that a newer writer has and this reader does not know.
    Other,
}

/// A seller who had been notified knows that the order was cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SellerCancellationNotified {
    /// The order.
    pub order_id: OrderId,
    /// Who.
    pub seller_id: SellerId,
}

event!(SellerNotified on "sellers" about order_id, [include_str!("../../schemas/sellers/SellerNotified.avsc")]);
event!(SellerDeclined on "sellers" about order_id, [include_str!("../../schemas/sellers/SellerDeclined.avsc")]);
event!(SellerCancellationNotified on "sellers" about order_id, [include_str!("../../schemas/sellers/SellerCancellationNotified.avsc")]);
