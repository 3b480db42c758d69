//! What the sellers of each order know, and what decisions read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared_events::ids::{OrderId, SellerId};

use crate::directory::Directory;

/// The notices about some orders.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Notices {
    /// Who may sell.
    pub directory: Arc<Directory>,
    /// What was heard of each order.
    pub orders: BTreeMap<OrderId, Notice>,
    /// The orders that decisions have changed since they were loaded.
    pub(crate) changed: BTreeSet<OrderId>,
}

/// What the sellers of one order know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// It was cancelled before it was placed: OrderPlaced is still to be answered.
    CancelledUnheard,
    /// It was placed, and these know of it.
    Notified(Vec<SellerId>),
    /// It was cancelled, and all who knew of it know that.
    Closed,
}

impl Notices {
    /// What decisions start from.
    pub fn new(directory: Arc<Directory>, orders: BTreeMap<OrderId, Notice>) -> Self {
        Self { directory, orders, changed: BTreeSet::new() }
    }

    /// Notes what the sellers of an order know now.
    pub fn set(&mut self, order: &OrderId, notice: Notice) {
        self.orders.insert(order.clone(), notice);
        self.changed.insert(order.clone());
    }
}
