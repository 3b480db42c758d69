//! Topic `deliveries`, said by a warehouse or the command line tool.

use serde::{Deserialize, Serialize};

use crate::amounts::Quantity;
use crate::event;
use crate::ids::Sku;

/// New pieces stand in the warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReceived {
    /// Which.
    pub sku: Sku,
    /// How many pieces came.
    pub quantity: Quantity,
}

event!(StockReceived on "deliveries" about sku, [include_str!("../../schemas/deliveries/StockReceived.avsc")]);
