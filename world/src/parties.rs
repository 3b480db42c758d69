//! The four services: their decisions, which a test may replace, and their states.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use choreography::manifest::Manifest;
use choreography::service::{Heard, Said};
use inventory_svc::state::Stock;
use logistics_svc::carriers::Carriers;
use logistics_svc::state::Shipments;
use order_svc::state::{Order, OrderBook};
use seller_svc::directory::Directory;
use seller_svc::state::Notices;
use shared_events::amounts::Timestamp;

use crate::events::{Event, OfEvent, Record};

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// order-svc.
    Orders,
    /// inventory-svc.
    Inventory,
    /// logistics-svc.
    Logistics,
    /// seller-svc.
    Sellers,
}

impl Party {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Orders, Self::Inventory, Self::Logistics, Self::Sellers];

    /// What it hears and says.
    pub fn manifest(self) -> &'static Manifest {
        static MANIFESTS: LazyLock<[Manifest; 4]> = LazyLock::new(|| {
            [
                order_svc::manifest(),
                inventory_svc::manifest(),
                logistics_svc::manifest(),
                seller_svc::manifest(),
            ]
        });
        &MANIFESTS[self as usize]
    }
}

/// A service's decision about one event.
pub type React<State, Hears, Says> = fn(&mut State, &Heard<Hears>, Timestamp) -> Vec<Said<Says>>;

/// How the services decide.
#[derive(Clone, Copy)]
pub struct Decisions {
    /// How order-svc does.
    pub orders: React<OrderBook, order_svc::Hears, order_svc::Says>,
    /// How inventory-svc does.
    pub inventory: React<Stock, inventory_svc::Hears, inventory_svc::Says>,
    /// How logistics-svc does.
    pub logistics: React<Shipments, logistics_svc::Hears, logistics_svc::Says>,
    /// How seller-svc does.
    pub sellers: React<Notices, seller_svc::Hears, seller_svc::Says>,
}

impl Decisions {
    /// As the services really decide.
    pub fn real() -> Self {
        Self {
            orders: order_svc::react::react,
            inventory: inventory_svc::react::react,
            logistics: logistics_svc::react::react,
            sellers: seller_svc::react::react,
        }
    }
}

/// What the services know. A clone shares what has not changed since.
#[derive(Clone, PartialEq)]
pub struct States {
    /// What order-svc knows.
    pub orders: Rc<OrderBook>,
    /// What inventory-svc knows.
    pub stock: Rc<Stock>,
    /// What logistics-svc knows.
    pub shipments: Rc<Shipments>,
    /// What seller-svc knows.
    pub notices: Rc<Notices>,
}

/// How long order-svc waits for answers.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a parcel is on its way.
const DELIVER_AFTER: Duration = Duration::from_secs(5);

impl States {
    /// No orders yet, this stock, and the carriers and sellers that the services have built in.
    pub fn new(stock: Stock) -> Self {
        let built_in = "what is built in can be read, by the tests of its crate";
        let carriers = Arc::new(Carriers::read(None).expect(built_in));
        let directory = Arc::new(Directory::read(None).expect(built_in));
        Self {
            orders: Rc::new(OrderBook::stored(DEADLINE, [].into())),
            stock: Rc::new(stock),
            shipments: Rc::new(Shipments::new(carriers, DELIVER_AFTER, [].into())),
            notices: Rc::new(Notices::new(directory, [].into())),
        }
    }

    /// `party` decides about `record`. In: an event that it hears, or its timer. Out: what it says.
    pub fn react(
        &mut self,
        decisions: &Decisions,
        party: Party,
        record: &Record,
        now: Timestamp,
    ) -> Vec<Said<Event>> {
        match party {
            Party::Orders => react(decisions.orders, &mut self.orders, record, now),
            Party::Inventory => react(decisions.inventory, &mut self.stock, record, now),
            Party::Logistics => react(decisions.logistics, &mut self.shipments, record, now),
            Party::Sellers => react(decisions.sellers, &mut self.notices, record, now),
        }
    }

    /// Adds to `hasher` all that decisions depend on.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        for (id, order) in &self.orders.orders {
            id.hash(hasher);
            hash_order(order, hasher);
        }
        self.stock.skus.hash(hasher);
        self.stock.orders.hash(hasher);
        self.shipments.orders.hash(hasher);
        self.notices.orders.hash(hasher);
    }
}

fn react<State: Clone, Hears: OfEvent, Says: Into<Event>>(
    decide: React<State, Hears, Says>,
    state: &mut Rc<State>,
    record: &Record,
    now: Timestamp,
) -> Vec<Said<Event>> {
    let event = Hears::of(&record.event).expect("only what the manifest names is delivered");
    let heard = Heard::new(record.id, record.cause, event);
    let said = decide(Rc::make_mut(state), &heard, now);
    said.into_iter()
        .map(|said| match said {
            Said::Now(event) => Said::Now(event.into()),
            Said::After(after, event) => Said::After(after, event.into()),
            Said::Itself => Said::Itself,
            Said::Ignored(why) => Said::Ignored(why),
        })
        .collect()
}

/// Times and words for people are left out, and the order of the answers: no decision depends on
/// them.
fn hash_order(order: &Order, hasher: &mut impl Hasher) {
    let answers = order.answers.iter().map(|answer| {
        let mut hasher = DefaultHasher::new();
        (answer.id, answer.cause, &answer.by, answer.refusal.is_some()).hash(&mut hasher);
        hasher.finish()
    });
    let placed = order.placed.as_ref().map(|placed| (placed.id, placed.status.name()));
    answers.fold(0, |all, answer| all ^ answer).hash(hasher);
    (placed, order.request.is_some(), order.delivered_at.is_some()).hash(hasher);
}
