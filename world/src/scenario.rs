//! How a world begins, and what comes from outside.

use inventory_svc::state::{Pieces, Stock};
use shared_events::amounts::{Grams, MinorUnits, Quantity};
use shared_events::deliveries::StockReceived;
use shared_events::ids::EventId;
use shared_events::orders::{Address, CancellationRequested, OrderLine, OrderPlaced};
use uuid::Uuid;

use crate::events::{Event, Record};
use crate::parties::States;
use crate::world::{Rules, World};

/// How a world begins, and what comes from outside. Sellers and carriers are those that the
/// services have built in.
#[derive(Clone, Default)]
pub struct Scenario {
    /// What it is about.
    pub name: &'static str,
    /// SKUs and how many pieces of each there are at the start.
    pub stock: Vec<(&'static str, i64)>,
    /// What is in the log at the start.
    pub first: Vec<Event>,
    /// What comes at any time.
    pub later: Vec<Event>,
    /// How many times a service may set an event aside.
    pub dead_letters: u32,
}

impl Scenario {
    /// The world as it begins.
    pub fn world(&self, rules: Rules) -> World {
        let pieces = |&(sku, pieces): &(&str, i64)| (id(sku), Pieces::opening(pieces));
        let stock = Stock::stored(self.stock.iter().map(pieces).collect(), [].into());
        let coming = self.first.iter().chain(&self.later);
        let record = |(number, event): (u128, &Event)| {
            Record::new(EventId(Uuid::from_u128(number)), None, None, event.clone())
        };
        let coming: Vec<_> = (1..).zip(coming).map(record).collect();
        World::new(rules, States::new(stock), coming, self.first.len(), self.dead_letters)
    }
}

/// An id of a test.
///
/// # Panics
/// The text is none.
pub fn id<Id: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> Id {
    text.parse().expect("a test's id is right")
}

/// A line: so many pieces of a SKU from a seller, each piece this heavy in grams.
///
/// # Panics
/// The numbers are none that an order may have.
pub fn line(quantity: i64, sku: &str, seller: &str, grams: i64) -> OrderLine {
    let right = "a test's amount is right";
    OrderLine {
        sku: id(sku),
        seller_id: id(seller),
        quantity: Quantity::new(quantity).expect(right),
        unit_price: MinorUnits::new(100).expect(right),
        unit_weight: Grams::new(grams).expect(right),
    }
}

/// Somebody wants these lines sent to a country.
pub fn placed(order: &str, country: &str, lines: Vec<OrderLine>) -> Event {
    let [name, street, postal_code, city] = ["A. B.", "Street 1", "1000", "Town"].map(String::from);
    let ship_to = Address { name, street, postal_code, city, country: country.to_owned() };
    OrderPlaced { order_id: id(order), currency: "EUR".to_owned(), lines, ship_to }.into()
}

/// Somebody wants an order cancelled.
pub fn cancellation(order: &str) -> Event {
    CancellationRequested { order_id: id(order), reason: "changed my mind".to_owned() }.into()
}

/// Pieces of a SKU come.
///
/// # Panics
/// The number is none that may come.
pub fn received(quantity: i64, sku: &str) -> Event {
    let quantity = Quantity::new(quantity).expect("a test's amount is right");
    StockReceived { sku: id(sku), quantity }.into()
}
