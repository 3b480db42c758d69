//! What logistics-svc knows of each order, and what its decisions read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use shared_events::ids::OrderId;

use crate::carriers::Carriers;

/// The shipments of some orders.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Shipments {
    /// Who carries parcels, and where to.
    pub carriers: Arc<Carriers>,
    /// How long after its dispatch a parcel counts as delivered.
    pub deliver_after: Duration,
    /// What was heard of each order.
    pub orders: BTreeMap<OrderId, Shipment>,
    /// The orders that decisions have changed since they were loaded.
    pub(crate) changed: BTreeSet<OrderId>,
}

/// How far the shipment of one order is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shipment {
    /// Its order was cancelled before it was placed: OrderPlaced is still to be answered.
    CancelledUnheard,
    /// It waits for the confirmation of its order.
    Planned {
        /// The name of who will carry it.
        carrier: String,
    },
    /// There is none and will be none: rejected, or called off.
    NotShipped,
    /// It is on its way.
    Dispatched,
    /// It has arrived.
    Delivered,
}

impl Shipments {
    /// What decisions start from.
    pub fn new(
        carriers: Arc<Carriers>,
        deliver_after: Duration,
        orders: BTreeMap<OrderId, Shipment>,
    ) -> Self {
        Self { carriers, deliver_after, orders, changed: BTreeSet::new() }
    }

    /// Notes how far the shipment of an order is now.
    pub fn set(&mut self, order: &OrderId, shipment: Shipment) {
        self.orders.insert(order.clone(), shipment);
        self.changed.insert(order.clone());
    }
}
