//! What a list shows of an order, and the words that other answers share with it.

use choreography::db::{DbFault, DbResult, Input, Transaction};
use serde::Serialize;
use shared_events::amounts::Timestamp;
use shared_events::orders::{CancellationCode, CancellationReason, OrderPlaced};
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::state::{Answerer, Order, Placed, Status};

/// An order in few words.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Summary {
    order_id: String,
    /// How far it is.
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// When its OrderPlaced was heard, in milliseconds since 1970.
    #[schema(value_type = i64)]
    placed_at: Timestamp,
    /// ISO 4217 code of the currency of all prices.
    currency: String,
    /// The price of all lines, in minor units.
    total: i64,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
}

/// One reason why an order was cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reason {
    code: Code,
    /// Who refused or has not answered, or the words of a request.
    detail: String,
}

/// The kinds of reasons.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Code {
    Requested,
    StockRejected,
    ShipmentRejected,
    SellerDeclined,
    NotAnswered,
    Other,
}

/// Who answers an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Who {
    #[schema(examples("inventory-svc"))]
    pub(super) service: &'static str,
    /// The seller, if it is seller-svc.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub(super) seller_id: Option<String>,
}

/// The names of all statuses.
pub(super) const STATUSES: [&str; 4] = ["placed", "confirmed", "cancelled", "completed"];

pub(super) fn statuses() -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(STATUSES)).into())
}

/// An order whose OrderPlaced was heard.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) order: Order,
    pub(super) placed: Placed,
    /// At most its first hundred lines.
    pub(super) body: OrderPlaced,
    total: i64,
}

/// The orders with these ids, in no order.
pub(super) async fn load(
    db: &mut Transaction,
    ids: impl IntoIterator<Item = String>,
) -> DbResult<Vec<Found>> {
    const FIND: &str = "SELECT order_id, state, body, total FROM orders
        WHERE order_id IN (SELECT order_id FROM input) AND status IS NOT NULL";
    let rows: Vec<(String, String, String, i64)> =
        db.fetch(FIND, Input::new().text("order_id", ids)).await?;
    rows.into_iter().map(read).collect()
}

fn read((id, state, body, total): (String, String, String, i64)) -> DbResult<Found> {
    let bad = |why: String| DbFault::Refused(format!("the row of order {id}: {why}"));
    let order: Order = serde_json::from_str(&state).map_err(|error| bad(error.to_string()))?;
    let body = serde_json::from_str(&body).map_err(|error| bad(error.to_string()))?;
    let placed = order.placed.clone().ok_or_else(|| bad("it has a status and no state".into()))?;
    Ok(Found { id, order, placed, body, total })
}

impl From<&Found> for Summary {
    fn from(found: &Found) -> Self {
        Self {
            order_id: found.id.clone(),
            status: found.placed.status.name(),
            placed_at: found.placed.at,
            currency: found.body.currency.clone(),
            total: found.total,
            reasons: reasons(&found.placed.status),
        }
    }
}

/// Why an order was cancelled; nothing of another one.
pub(super) fn reasons(status: &Status) -> Vec<Reason> {
    match status {
        Status::Cancelled { reasons, .. } => reasons.iter().map(Reason::from).collect(),
        Status::Placed | Status::Confirmed { .. } | Status::Completed { .. } => vec![],
    }
}

impl From<&CancellationReason> for Reason {
    fn from(reason: &CancellationReason) -> Self {
        let code = match reason.code {
            CancellationCode::Requested => Code::Requested,
            CancellationCode::StockRejected => Code::StockRejected,
            CancellationCode::ShipmentRejected => Code::ShipmentRejected,
            CancellationCode::SellerDeclined => Code::SellerDeclined,
            CancellationCode::NotAnswered => Code::NotAnswered,
            CancellationCode::Other => Code::Other,
        };
        Self { code, detail: reason.detail.clone() }
    }
}

impl From<&Answerer> for Who {
    fn from(by: &Answerer) -> Self {
        match by {
            Answerer::Inventory => Self { service: "inventory-svc", seller_id: None },
            Answerer::Logistics => Self { service: "logistics-svc", seller_id: None },
            Answerer::Seller(seller) => {
                Self { service: "seller-svc", seller_id: Some(seller.to_string()) }
            }
        }
    }
}
