//! Topic `inventory`, said by inventory-svc.

use serde::{Deserialize, Serialize};

use crate::event;
use crate::ids::{OrderId, Sku};

/// All lines of an order are reserved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    /// The order.
    pub order_id: OrderId,
    /// What is reserved: each SKU once.
    pub lines: Vec<StockLine>,
}

/// Some pieces of one SKU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockLine {
    /// Which.
    pub sku: Sku,
    /// How many pieces. Not a [`Quantity`](crate::amounts::Quantity): lines of one SKU are summed.
    pub quantity: i64,
}

/// Nothing is reserved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockRejected {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: StockRejection,
    /// Which SKUs are short, and by how much; empty if they are not the reason.
    pub shortages: Vec<Shortage>,
}

/// Why stock was not reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StockRejection {
    /// Some SKUs are short or unknown.
    Short,
    /// The order was cancelled before it was heard.
    OrderCancelled,
    /// A reason that a newer writer has and this reader does not know.
    Other,
}

/// A SKU of which there is not enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shortage {
    /// Which.
    pub sku: Sku,
    /// How many pieces the order wants.
    pub requested: i64,
    /// How many there were; 0 for an unknown SKU.
    pub available: i64,
}

/// What was reserved for a cancelled order is available again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReleased {
    /// The order.
    pub order_id: OrderId,
    /// What was released: each SKU once.
    pub lines: Vec<StockLine>,
}

event!(StockReserved on "inventory" about order_id, [include_str!("../../schemas/inventory/StockReserved.avsc")]);
event!(StockRejected on "inventory" about order_id, [include_str!("../../schemas/inventory/StockRejected.avsc")]);
event!(StockReleased on "inventory" about order_id, [include_str!("../../schemas/inventory/StockReleased.avsc")]);
