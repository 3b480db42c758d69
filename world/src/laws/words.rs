//! Laws about what is said, and in which order.

use choreography::manifest::Answers;
use choreography::service::{Events, Said};
use shared_events::orders::LINES_MAX;

use super::{Holds, Law, holds};
use crate::events::{Event, Record};
use crate::history::{self, History};
use crate::parties::Party;

/// When an event may be said: never after one of these, and only after all of those. Events about
/// sellers are compared with those about the same seller.
const WORDS: [(&str, &[&str], &[&str]); 16] = [
    ("OrderDeadlinePassed", &["OrderDeadlinePassed", "OrderConfirmed", "OrderCancelled"], &[]),
    ("OrderConfirmed", &["OrderConfirmed", "OrderCancelled", "OrderDeadlinePassed"], &[]),
    ("OrderCancelled", &["OrderConfirmed", "OrderCancelled"], &[]),
    ("OrderCompleted", &["OrderCompleted"], &["OrderConfirmed", "ShipmentDelivered"]),
    ("StockReserved", &["StockReserved", "StockRejected"], &["OrderPlaced"]),
    ("StockRejected", &["StockReserved", "StockRejected"], &["OrderPlaced"]),
    ("StockReleased", &["StockReleased"], &["StockReserved", "OrderCancelled"]),
    ("ShipmentPlanned", &["ShipmentPlanned", "ShipmentRejected"], &["OrderPlaced"]),
    ("ShipmentRejected", &["ShipmentPlanned", "ShipmentRejected"], &["OrderPlaced"]),
    (
        "ShipmentDispatched",
        &["ShipmentDispatched", "ShipmentCancelled"],
        &["ShipmentPlanned", "OrderConfirmed"],
    ),
    ("ShipmentDelivered", &["ShipmentDelivered"], &["ShipmentDispatched"]),
    (
        "ShipmentCancelled",
        &["ShipmentCancelled", "ShipmentDispatched"],
        &["ShipmentPlanned", "OrderCancelled"],
    ),
    ("SellerNotified", &["SellerNotified", "SellerDeclined"], &["OrderPlaced"]),
    ("SellerDeclined", &["SellerNotified", "SellerDeclined"], &["OrderPlaced"]),
    (
        "SellerCancellationNotified",
        &["SellerCancellationNotified"],
        &["SellerNotified", "OrderCancelled"],
    ),
    // From outside: at any time.
    ("StockReceived", &[], &[]),
];

/// [`Law::SaidOnce`] and [`Law::SaidWithCause`], for a record that is going to be in the log.
pub fn in_order(history: &History, record: &Record) -> Holds {
    let Some((_, never_after, only_after)) = WORDS.iter().find(|(name, ..)| *name == record.name())
    else {
        return Ok(());
    };
    let was_said = |name: &&&str| {
        let mut said = history.named(name).map(|said| history::seller(&said.event));
        let seller = history::seller(&record.event);
        said.any(|other| other.is_none() || other == seller)
    };
    let excluded = never_after.iter().find(was_said);
    holds(Law::SaidOnce, record.key(), excluded.is_none(), || {
        format!("{} after {}", record.name(), excluded.unwrap_or(&""))
    })?;
    let missing = only_after.iter().find(|name| !was_said(name));
    holds(Law::SaidWithCause, record.key(), missing.is_none(), || {
        format!("{} without {}", record.name(), missing.unwrap_or(&""))
    })
}

/// [`Law::AlwaysAnswered`], for an event that a service has just heard and what it said.
pub fn answered(party: Party, record: &Record, first: bool, said: &[Said<Event>]) -> Holds {
    let Some(hearing) = party.manifest().hearing(record.event.name().topic, record.name()) else {
        return Ok(());
    };
    let answers = said.iter().filter(|said| matches!(said, Said::Now(_))).count();
    let right = match (hearing.answers, &record.event) {
        (Answers::Each, Event::OrderPlaced(placed)) if first => {
            // One with too many lines is declined in the name of one seller.
            let sellers = history::sellers(placed).len();
            answers == if placed.lines.len() <= LINES_MAX { sellers } else { 1 }
        }
        (Answers::Always, _) if first => 0 < answers,
        (Answers::Never, _) => answers == 0,
        (Answers::Always | Answers::Each | Answers::Sometimes, _) => true,
    };
    holds(Law::AlwaysAnswered, record.key(), right, || {
        format!("{} answers {} with {answers} events", hearing.event.name, party.manifest().service)
    })
}
