//! Loads and saves shipments.

use std::collections::{BTreeMap, BTreeSet};

use choreography::db::{DbFault, DbResult, Input, Transaction};
use choreography::service::{Events, Heard};
use shared_events::ids::OrderId;

use crate::Hears;
use crate::state::{Shipment, Shipments};

/// Loads and locks what is known of the orders of a batch.
pub async fn load(
    db: &mut Transaction,
    heard: &[Heard<Hears>],
) -> DbResult<BTreeMap<OrderId, Shipment>> {
    let orders: BTreeSet<_> = heard.iter().map(|heard| heard.event.key().to_owned()).collect();
    let sql = "SELECT order_id, status, carrier FROM shipments
        WHERE order_id IN (SELECT order_id FROM input) ORDER BY order_id FOR UPDATE";
    let rows: Vec<(String, String, Option<String>)> =
        db.fetch(sql, Input::new().text("order_id", orders)).await?;
    rows.into_iter().map(|(order, status, carrier)| row(&order, &status, carrier)).collect()
}

/// Saves what decisions have changed.
pub async fn save(db: &mut Transaction, shipments: &Shipments) -> DbResult<()> {
    let changed: Vec<_> = shipments.changed.iter().map(|o| (o, &shipments.orders[o])).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO shipments (order_id, status, carrier)
        SELECT order_id, status, carrier FROM input WHERE true
        ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, carrier = excluded.carrier";
    let input = Input::new()
        .text("order_id", changed.iter().map(|(order, _)| order.as_str().to_owned()))
        .text("status", changed.iter().map(|(_, shipment)| columns(shipment).0.to_owned()))
        .text("carrier", changed.iter().map(|(_, shipment)| columns(shipment).1));
    db.execute(sql, input).await
}

fn columns(shipment: &Shipment) -> (&'static str, Option<String>) {
    match shipment {
        Shipment::CancelledUnheard => ("cancelled unheard", None),
        Shipment::Planned { carrier } => ("planned", Some(carrier.clone())),
        Shipment::NotShipped => ("not shipped", None),
        Shipment::Dispatched => ("dispatched", None),
        Shipment::Delivered => ("delivered", None),
    }
}

fn row(order: &str, status: &str, carrier: Option<String>) -> DbResult<(OrderId, Shipment)> {
    let shipment = match (status, carrier) {
        ("cancelled unheard", None) => Shipment::CancelledUnheard,
        ("planned", Some(carrier)) => Shipment::Planned { carrier },
        ("not shipped", None) => Shipment::NotShipped,
        ("dispatched", None) => Shipment::Dispatched,
        ("delivered", None) => Shipment::Delivered,
        (_, carrier) => {
            let what = format!("shipment of {order} has status {status:?}, carrier {carrier:?}");
            return Err(DbFault::Refused(what));
        }
    };
    let order = order.parse().map_err(|why| DbFault::Refused(format!("{order:?}: {why}")))?;
    Ok((order, shipment))
}
