//! All events in one enum, so that what one service says can be what another one hears.

use std::hash::{DefaultHasher, Hash, Hasher};

use choreography::service::Events;
use shared_events::deliveries::StockReceived;
use shared_events::ids::EventId;
use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{
    CancellationRequested, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
    OrderPlaced,
};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};

use crate::parties::Party;

choreography::events! {
    /// Any event.
    pub enum Event {
        OrderPlaced, CancellationRequested, OrderDeadlinePassed, OrderConfirmed, OrderCancelled,
        OrderCompleted, StockReserved, StockRejected, StockReleased, ShipmentPlanned,
        ShipmentRejected, ShipmentDispatched, ShipmentDelivered, ShipmentCancelled, SellerNotified,
        SellerDeclined, SellerCancellationNotified, StockReceived,
    }
}

/// What a service hears, out of all events.
pub trait OfEvent: Sized {
    /// The event as the service hears it, if it does.
    fn of(event: &Event) -> Option<Self>;
}

macro_rules! service {
    ($service:ident hears $($heard:ident),+ says $($said:ident),+) => {
        impl OfEvent for $service::Hears {
            fn of(event: &Event) -> Option<Self> {
                match event {
                    $(Event::$heard(event) => Some(Self::$heard(event.clone())),)+
                    _ => None,
                }
            }
        }

        impl From<$service::Says> for Event {
            fn from(says: $service::Says) -> Self {
                match says {
                    $($service::Says::$said(event) => Self::$said(event)),+
                }
            }
        }
    };
}

service!(order_svc
    hears OrderPlaced, CancellationRequested, StockReserved, StockRejected, ShipmentPlanned,
        ShipmentRejected, SellerNotified, SellerDeclined, ShipmentDelivered, OrderDeadlinePassed
    says OrderDeadlinePassed, OrderConfirmed, OrderCancelled, OrderCompleted);
service!(inventory_svc
    hears OrderPlaced, OrderCancelled, StockReceived
    says StockReserved, StockRejected, StockReleased);
service!(logistics_svc
    hears OrderPlaced, OrderConfirmed, OrderCancelled, ShipmentDelivered
    says ShipmentPlanned, ShipmentRejected, ShipmentDispatched, ShipmentDelivered,
        ShipmentCancelled);
service!(seller_svc
    hears OrderPlaced, OrderCancelled
    says SellerNotified, SellerDeclined, SellerCancellationNotified);

/// An event in the log, or one that a timer gives to its service.
#[derive(Debug)]
pub struct Record {
    /// Its identity, the same in every copy.
    pub id: EventId,
    /// The event that it answers, if it is an answer.
    pub cause: Option<EventId>,
    /// Who said it; `None` for what came from outside.
    pub speaker: Option<Party>,
    /// What happened.
    pub event: Event,
    /// A hash of its id and its name. One id can stand for other words in another run, such as
    /// other reasons of OrderCancelled, but no decision depends on them.
    pub fingerprint: u64,
}

impl Record {
    /// A record of this event.
    pub fn new(id: EventId, cause: Option<EventId>, speaker: Option<Party>, event: Event) -> Self {
        let mut hasher = DefaultHasher::new();
        (id, event.name()).hash(&mut hasher);
        Self { id, cause, speaker, event, fingerprint: hasher.finish() }
    }

    /// The name of its event.
    pub fn name(&self) -> &'static str {
        self.event.name().name
    }

    /// What it is about.
    pub fn key(&self) -> &str {
        self.event.key()
    }
}
