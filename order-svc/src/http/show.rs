//! `GET /orders/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use choreography::app::Access;
use choreography::clock;
use choreography::db::{DbFault, DbResult, Input};
use serde::Serialize;
use shared_events::amounts::Timestamp;
use shared_events::ids::OrderId;
use shared_events::orders::{CancellationReason, OrderLine, OrderPlaced};

use super::place::drawn_at;
use super::problem::Problem;
use crate::state::{Answer, Answerer, Order, Status};

/// An order as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    order_id: String,
    status: &'static str,
    /// When its OrderPlaced was heard, in milliseconds since 1970.
    placed_at: Timestamp,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<CancellationReason>,
    /// Who has answered, when and with what.
    answered: Vec<Answered>,
    /// Who has not.
    not_answered: Vec<Who>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<Timestamp>,
    currency: String,
    /// The price of all lines, in minor units.
    total: Option<i64>,
    lines: Vec<OrderLine>,
}

#[derive(Debug, Serialize)]
struct Answered {
    #[serde(flatten)]
    who: Who,
    at: Timestamp,
    agrees: bool,
}

#[derive(Debug, Serialize)]
struct Who {
    service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seller_id: Option<String>,
}

/// For so long after an id was drawn its order may not have been heard yet.
const NOT_YET_KNOWN_MS: i64 = 60_000;

pub(super) async fn show(
    State(access): State<Access>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let id: OrderId = id.parse().map_err(|error: shared_events::ids::IdError| {
        Problem::new(StatusCode::BAD_REQUEST, "not an order id", error.to_string())
    })?;
    let found = find(&access, id.as_str()).await.map_err(|error| Problem::database(&error))?;
    found.map(Json).ok_or_else(|| unknown(id.as_str()))
}

fn unknown(id: &str) -> Problem {
    let age = drawn_at(id).map(|drawn| clock::now().0.saturating_sub(drawn.0));
    if age.is_some_and(|age| (0..NOT_YET_KNOWN_MS).contains(&age)) {
        let detail = "the order was not heard yet; ask again";
        return Problem::new(StatusCode::NOT_FOUND, "not yet known", detail).retry_after(1);
    }
    Problem::new(StatusCode::NOT_FOUND, "unknown", "no order with this id was heard")
}

/// The order with this id, if its OrderPlaced was heard.
pub(super) async fn find(access: &Access, id: &str) -> DbResult<Option<Shown>> {
    const FIND: &str = "SELECT state, body, total FROM orders
        WHERE order_id IN (SELECT order_id FROM input) AND status IS NOT NULL";
    let mut db = access.db.begin_read().await?;
    let input = Input::new().text("order_id", [id.to_owned()]);
    let rows: Vec<(String, Option<String>, Option<i64>)> = db.fetch(FIND, input).await?;
    db.rollback().await?;
    rows.into_iter()
        .next()
        .map(|(state, body, total)| read(id, &state, body, total))
        .transpose()
        .map(Option::flatten)
}

fn read(
    id: &str,
    state: &str,
    body: Option<String>,
    total: Option<i64>,
) -> DbResult<Option<Shown>> {
    let bad =
        |error: serde_json::Error| DbFault::Refused(format!("the row of order {id}: {error}"));
    let order: Order = serde_json::from_str(state).map_err(bad)?;
    let body: Option<OrderPlaced> =
        body.map(|body| serde_json::from_str(&body)).transpose().map_err(bad)?;
    let not_answered = order.missing().iter().map(who).collect();
    let Some(placed) = order.placed else { return Ok(None) };
    let reasons = match &placed.status {
        Status::Cancelled { reasons, .. } => reasons.clone(),
        Status::Placed | Status::Confirmed { .. } | Status::Completed { .. } => vec![],
    };
    Ok(Some(Shown {
        order_id: id.to_owned(),
        status: placed.status.name(),
        placed_at: placed.at,
        reasons,
        answered: order.answers.iter().map(answered).collect(),
        not_answered,
        delivered_at: order.delivered_at,
        currency: body.as_ref().map(|body| body.currency.clone()).unwrap_or_default(),
        total,
        lines: body.map(|body| body.lines).unwrap_or_default(),
    }))
}

fn answered(answer: &Answer) -> Answered {
    Answered { who: who(&answer.by), at: answer.at, agrees: answer.refusal.is_none() }
}

fn who(by: &Answerer) -> Who {
    match by {
        Answerer::Inventory => Who { service: "inventory-svc", seller_id: None },
        Answerer::Logistics => Who { service: "logistics-svc", seller_id: None },
        Answerer::Seller(seller) => {
            Who { service: "seller-svc", seller_id: Some(seller.to_string()) }
        }
    }
}
