//! Why an order is cancelled, in words.

use shared_events::inventory::{StockRejected, StockRejection};
use shared_events::logistics::ShipmentRejected;
use shared_events::orders::{CancellationCode, CancellationReason, LINES_MAX, OrderPlaced};
use shared_events::sellers::{SellerDeclined, SellerRefusal};

use crate::state::Answerer;

/// The most characters of somebody else's text that a reason repeats.
const FOREIGN_CHARS_MAX: usize = 500;

/// Somebody else's text, short enough to be repeated.
pub fn shortened(text: &str) -> String {
    text.chars().take(FOREIGN_CHARS_MAX).collect()
}

fn reason(code: CancellationCode, detail: impl Into<String>) -> CancellationReason {
    CancellationReason { code, detail: detail.into() }
}

/// What makes an OrderPlaced one that nobody can carry out; empty for a good one.
pub fn bad(placed: &OrderPlaced) -> Vec<CancellationReason> {
    let detail = match placed.lines.len() {
        0 => "the order has no lines, so no goods and no seller".to_owned(),
        1..=LINES_MAX => return vec![],
        lines => format!("the order has {lines} lines, at most {LINES_MAX} are allowed"),
    };
    vec![reason(CancellationCode::Other, detail)]
}

/// Somebody asked for it in these words.
pub fn requested(words: &str) -> CancellationReason {
    reason(CancellationCode::Requested, words)
}

/// inventory-svc refused.
pub fn stock(answer: &StockRejected) -> CancellationReason {
    let why = match answer.reason {
        StockRejection::Short => "short",
        StockRejection::OrderCancelled => "the order was cancelled before it was heard",
        StockRejection::Other => "no stock for such an order",
    };
    let shortages = answer.shortages.iter().take(LINES_MAX).map(|shortage| {
        format!("{} ({} of {})", shortage.sku, shortage.available, shortage.requested)
    });
    let shortages = shortages.collect::<Vec<_>>().join(", ");
    let separator = if shortages.is_empty() { "" } else { " of " };
    reason(CancellationCode::StockRejected, format!("inventory-svc: {why}{separator}{shortages}"))
}

/// logistics-svc refused.
pub fn shipment(answer: &ShipmentRejected) -> CancellationReason {
    let detail = format!("logistics-svc: {}", shortened(&answer.detail));
    reason(CancellationCode::ShipmentRejected, detail)
}

/// A seller, or seller-svc for that seller, refused.
pub fn seller(answer: &SellerDeclined) -> CancellationReason {
    let why = match answer.reason {
        SellerRefusal::Unknown => "is unknown",
        SellerRefusal::Suspended => "is suspended",
        SellerRefusal::OrderCancelled => "heard of the cancellation before the order",
        SellerRefusal::Other => "declined",
    };
    let detail = format!("seller-svc: {} {why}", answer.seller_id);
    reason(CancellationCode::SellerDeclined, detail)
}

/// One reason for each service that has not answered, with the sellers that are missing.
pub fn not_answered(missing: &[Answerer]) -> Vec<CancellationReason> {
    let mut services = vec![];
    let mut sellers = vec![];
    for answerer in missing {
        match answerer {
            Answerer::Inventory => services.push("inventory-svc".to_owned()),
            Answerer::Logistics => services.push("logistics-svc".to_owned()),
            Answerer::Seller(seller) => sellers.push(seller.as_str()),
        }
    }
    if !sellers.is_empty() {
        services.push(format!("seller-svc: {}", sellers.join(", ")));
    }
    services.into_iter().map(|who| reason(CancellationCode::NotAnswered, who)).collect()
}
