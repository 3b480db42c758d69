//! Whether what is on the topics and in the databases is right, once all is at rest.
//!
//! | rule | where |
//! |---|---|
//! | each order ends as it has to, with each answer once | `flow` |
//! | pieces are neither lost nor made | `stock` |
//! | copies are equal, answers are in order, causes are there, one trace for each order | `speaking` |
//! | all that was heard is handled, and nothing else; nothing is owed; dead letters as expected | `rest` |

mod flow;
mod rest;
mod speaking;
mod stock;
mod story;

use std::collections::BTreeSet;

use shared_events::deliveries::StockReceived;
use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{
    CancellationRequested, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
    OrderPlaced,
};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};

use crate::books::Books;
use crate::log::Log;
use crate::orders::Order;
use crate::service::Service;

choreography::events! {
    /// All events of this project.
    pub enum Any {
        OrderPlaced, CancellationRequested, OrderDeadlinePassed, OrderConfirmed, OrderCancelled,
        OrderCompleted, StockReserved, StockRejected, StockReleased, ShipmentPlanned,
        ShipmentRejected, ShipmentDispatched, ShipmentDelivered, ShipmentCancelled, SellerNotified,
        SellerDeclined, SellerCancellationNotified, StockReceived,
    }
}

/// What there is.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// On the topics.
    pub log: Log,
    /// In the databases.
    pub books: Books,
}

/// What there has to be.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// All orders that were placed.
    pub orders: &'a [Order],
    /// All dead letters.
    pub dead: BTreeSet<Dead>,
}

/// A dead letter: who set it aside, and where its record stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dead {
    /// Who.
    pub service: Service,
    /// The topic of the record.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// So many violations are shown.
const SHOWN: usize = 25;

/// Compares.
///
/// # Panics
/// With each difference, and where it shows: the order, the event, the place of its record.
pub fn check(evidence: &Evidence, expected: &Expected<'_>) {
    let found = violations(evidence, expected);
    let shown: Vec<_> = found.iter().take(SHOWN).map(String::as_str).collect();
    assert!(found.is_empty(), "{} violations:\n  {}", found.len(), shown.join("\n  "));
}

/// Each difference, in words.
#[must_use]
pub fn violations(evidence: &Evidence, expected: &Expected<'_>) -> Vec<String> {
    let mut found = vec![];
    let stories = story::tell(&evidence.log);
    flow::check(&evidence.books, &stories, expected, &mut found);
    stock::check(evidence, &stories, &mut found);
    speaking::check(evidence, &mut found);
    rest::check(evidence, expected, &mut found);
    found
}
