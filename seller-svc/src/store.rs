//! Loads and saves notices.

use std::collections::{BTreeMap, BTreeSet};

use choreography::db::{DbFault, DbResult, Input, Transaction};
use choreography::service::{Events, Heard};
use shared_events::ids::{IdError, OrderId};

use crate::Hears;
use crate::state::{Notice, Notices};

/// Loads and locks what is known of the orders of a batch.
pub async fn load(
    db: &mut Transaction,
    heard: &[Heard<Hears>],
) -> DbResult<BTreeMap<OrderId, Notice>> {
    let orders: BTreeSet<_> = heard.iter().map(|heard| heard.event.key().to_owned()).collect();
    let sql = "SELECT order_id, status, sellers FROM notices
        WHERE order_id IN (SELECT order_id FROM input) ORDER BY order_id FOR UPDATE";
    let rows: Vec<(String, String, String)> =
        db.fetch(sql, Input::new().text("order_id", orders)).await?;
    rows.into_iter().map(|(order, status, sellers)| row(&order, &status, &sellers)).collect()
}

/// Saves what decisions have changed.
pub async fn save(db: &mut Transaction, notices: &Notices) -> DbResult<()> {
    let changed: Vec<_> =
        notices.changed.iter().map(|o| (o, columns(&notices.orders[o]))).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO notices (order_id, status, sellers)
        SELECT order_id, status, sellers FROM input WHERE true
        ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, sellers = excluded.sellers";
    let input = Input::new()
        .text("order_id", changed.iter().map(|(order, _)| order.as_str().to_owned()))
        .text("status", changed.iter().map(|(_, (status, _))| (*status).to_owned()))
        .text("sellers", changed.iter().map(|(_, (_, sellers))| sellers.clone()));
    db.execute(sql, input).await
}

fn columns(notice: &Notice) -> (&'static str, String) {
    match notice {
        Notice::CancelledUnheard => ("cancelled unheard", String::new()),
        Notice::Notified(sellers) => {
            let lines: Vec<_> = sellers.iter().map(|seller| seller.as_str()).collect();
            ("notified", lines.join("\n"))
        }
        Notice::Closed => ("closed", String::new()),
    }
}

fn row(order: &str, status: &str, sellers: &str) -> DbResult<(OrderId, Notice)> {
    let refused = |why: IdError| DbFault::Refused(format!("an id of the order {order:?}: {why}"));
    let notice = match status {
        "cancelled unheard" => Notice::CancelledUnheard,
        "notified" => {
            let sellers: Result<_, _> = sellers.lines().map(str::parse).collect();
            Notice::Notified(sellers.map_err(refused)?)
        }
        "closed" => Notice::Closed,
        _ => return Err(DbFault::Refused(format!("the order {order} has the status {status:?}"))),
    };
    Ok((order.parse().map_err(refused)?, notice))
}
