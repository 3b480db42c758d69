//! The orders in the database.

use std::collections::{BTreeMap, BTreeSet};

use choreography::db::{DbFault, DbResult, Input, Transaction};
use choreography::service::{Events, Heard};
use serde::Serialize;
use shared_events::ids::OrderId;
use shared_events::orders::OrderPlaced;

use crate::Hears;
use crate::state::{Order, OrderBook};

/// Loads the orders that the events name. An order that nothing was heard of is not there.
///
/// # Errors
/// As the database says.
pub async fn load(
    db: &mut Transaction,
    heard: &[Heard<Hears>],
) -> DbResult<BTreeMap<OrderId, Order>> {
    // Every event that is heard has its order's id as its key.
    let ids: BTreeSet<&str> = heard.iter().map(|heard| heard.event.key()).collect();
    let rows: Vec<(String, String)> = db
        .fetch(
            "SELECT order_id, state FROM orders WHERE order_id IN (SELECT order_id FROM input)
             ORDER BY order_id FOR UPDATE",
            Input::new().text("order_id", ids.into_iter().map(str::to_owned)),
        )
        .await?;
    rows.iter().map(|(id, state)| read(id, state)).collect()
}

fn read(id: &str, state: &str) -> DbResult<(OrderId, Order)> {
    let unreadable = |error: String| DbFault::Refused(format!("the row of order {id:?}: {error}"));
    let order = serde_json::from_str(state).map_err(|error| unreadable(error.to_string()))?;
    Ok((id.parse().map_err(|error| unreadable(format!("{error}")))?, order))
}

/// Saves the orders that the decisions have changed.
///
/// # Errors
/// As the database says.
pub async fn save(db: &mut Transaction, book: &OrderBook) -> DbResult<()> {
    let changed = book.changed();
    if changed.is_empty() {
        return Ok(());
    }
    let placed = || changed.iter().map(|(_, order)| order.placed.as_ref());
    let body = || placed().map(|placed| placed?.body.as_ref());
    let input = Input::new()
        .text("order_id", changed.iter().map(|(id, _)| id.to_string()))
        .text("status", placed().map(|placed| Some(placed?.status.name().to_owned())))
        .int("placed_at", placed().map(|placed| Some(placed?.at.0)))
        .text("state", to_json(changed.iter().map(|(_, order)| Some(order)))?)
        .int("total", body().map(|body| Some(total(body?))))
        .text("body", to_json(body())?);
    db.execute(
        "INSERT INTO orders (order_id, status, placed_at, state, total, body)
         SELECT order_id, status, placed_at, state, total, body FROM input WHERE true
         ON CONFLICT (order_id) DO UPDATE SET
             status = excluded.status, placed_at = excluded.placed_at, state = excluded.state,
             total = COALESCE(excluded.total, orders.total),
             body = COALESCE(excluded.body, orders.body)",
        input,
    )
    .await?;
    Ok(())
}

/// In minor units. The limits on lines, quantities and prices keep it below 2^57.
fn total(body: &OrderPlaced) -> i64 {
    body.lines.iter().map(|line| line.quantity.get() * line.unit_price.get()).sum()
}

/// JSON keeps what PostgreSQL's text cannot: U+0000 in somebody's words.
fn to_json<T: Serialize>(values: impl Iterator<Item = Option<T>>) -> DbResult<Vec<Option<String>>> {
    let json = |value: Option<T>| value.map(|value| serde_json::to_string(&value)).transpose();
    values.map(json).collect::<Result<_, _>>().map_err(|e| DbFault::Refused(e.to_string()))
}
