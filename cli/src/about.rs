//! What a person wants to know of an event, in a few words.

use shared_events::codec::{DecodeError, decode};
use shared_events::event::Event;
use shared_events::inventory::{StockLine, StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{ShipmentDispatched, ShipmentPlanned, ShipmentRejected};
use shared_events::orders::{CancellationRequested, OrderCancelled, OrderPlaced};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};

/// What is told of an event besides its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// A few words.
    pub(crate) words: String,
    /// Of OrderCancelled: the code of its first reason, as it stands in the schema.
    pub(crate) code: Option<String>,
}

/// Reads an event's value. What has nothing to tell stays empty.
///
/// # Errors
/// The value is not such an event.
pub(crate) fn about(name: &str, value: &[u8]) -> Result<About, DecodeError> {
    let words = match name {
        OrderPlaced::NAME => ordered(&decode(value)?),
        CancellationRequested::NAME => {
            format!("\"{}\"", decode::<CancellationRequested>(value)?.reason)
        }
        OrderCancelled::NAME => return Ok(cancelled(&decode(value)?)),
        StockReserved::NAME => pieces(&decode::<StockReserved>(value)?.lines),
        StockReleased::NAME => pieces(&decode::<StockReleased>(value)?.lines),
        StockRejected::NAME => short(&decode(value)?),
        ShipmentPlanned::NAME => decode::<ShipmentPlanned>(value)?.carrier,
        ShipmentRejected::NAME => decode::<ShipmentRejected>(value)?.detail,
        ShipmentDispatched::NAME => decode::<ShipmentDispatched>(value)?.carrier,
        SellerNotified::NAME => decode::<SellerNotified>(value)?.seller_id.to_string(),
        SellerDeclined::NAME => {
            let SellerDeclined { seller_id, reason, .. } = decode(value)?;
            format!("{seller_id}: {reason:?}").to_lowercase()
        }
        SellerCancellationNotified::NAME => {
            decode::<SellerCancellationNotified>(value)?.seller_id.to_string()
        }
        _ => String::new(),
    };
    Ok(About { words, code: None })
}

fn ordered(placed: &OrderPlaced) -> String {
    let lines = placed
        .lines
        .iter()
        .map(|line| format!("{} {} from {}", line.quantity, line.sku, line.seller_id));
    format!("to {}: {}", placed.ship_to.country, lines.collect::<Vec<_>>().join(", "))
}

fn cancelled(cancelled: &OrderCancelled) -> About {
    let words = cancelled.reasons.iter().map(|reason| reason.detail.as_str());
    let code = cancelled.reasons.first().and_then(|reason| serde_json::to_value(reason.code).ok());
    About {
        words: words.collect::<Vec<_>>().join("; "),
        code: code.and_then(|code| code.as_str().map(str::to_owned)),
    }
}

fn pieces(lines: &[StockLine]) -> String {
    let lines = lines.iter().map(|line| format!("{} {}", line.quantity, line.sku));
    lines.collect::<Vec<_>>().join(", ")
}

fn short(rejected: &StockRejected) -> String {
    let shortages = rejected.shortages.iter();
    let shortages = shortages.map(|s| format!("{} {} of {}", s.sku, s.available, s.requested));
    shortages.collect::<Vec<_>>().join(", ")
}
