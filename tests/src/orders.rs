//! A seeded mix of orders: good ones, refused ones, and what real producers do to them.

pub use checker::journal::Fate;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use shared_events::amounts::{Grams, MinorUnits, Quantity};
use shared_events::ids::EventId;
use shared_events::orders::{Address, CancellationCode, OrderLine, OrderPlaced};
use uuid::Uuid;

/// One order, and how it is brought to Kafka.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is wanted.
    pub placed: OrderPlaced,
    /// The id of its OrderPlaced, unless it is [`Twist::Bare`].
    pub id: EventId,
    /// How it has to end.
    pub fate: Fate,
    /// What its producer does besides.
    pub twist: Twist,
    /// The trace that its producer is in.
    pub traceparent: String,
}

/// What producers do besides saying OrderPlaced once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Nothing.
    Plain,
    /// The same event twice, as a producer does that got no acknowledgement.
    Repeated,
    /// Another OrderPlaced with the same order id.
    Another,
    /// A request to cancel it, before it.
    CancelledBefore,
    /// A request to cancel it, after it.
    CancelledAfter,
    /// No trace context.
    Untraced,
    /// No headers at all.
    Bare,
}

/// SKUs of inventory-svc's opening stock of which there is always enough.
pub const PLENTY: [&str; 5] = ["teapot", "teacup", "kettle", "milk-jug", "sugar-bowl"];

/// One of which there are 100 pieces.
pub const SCARCE: &str = "signed-print";

const SELLERS: [&str; 3] = ["acme", "borealis", "copperfield"];

const COUNTRIES: [&str; 5] = ["DE", "AT", "FR", "PL", "JP"];

/// `count` orders; the same for the same `seed`.
#[must_use]
pub fn mix(seed: u64, count: usize) -> Vec<Order> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|_| any(&mut rng)).collect()
}

/// `count` orders that nobody refuses, each said once; the same for the same `seed`.
#[must_use]
pub fn good(seed: u64, count: usize) -> Vec<Order> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|_| plain(&mut rng)).collect()
}

fn any(rng: &mut StdRng) -> Order {
    let mut order = plain(rng);
    let lines = &mut order.placed.lines;
    // What is wrong with the order, in percent.
    order.fate = match rng.random_range(0..100) {
        0..8 => {
            lines.push(line(SCARCE, "acme", 1));
            Fate::Either(CancellationCode::StockRejected)
        }
        8..11 => {
            lines.push(line("no-such-sku", "acme", 1));
            Fate::Cancelled(CancellationCode::StockRejected)
        }
        11..14 => {
            order.placed.ship_to.country = "AQ".to_owned();
            Fate::Cancelled(CancellationCode::ShipmentRejected)
        }
        14..17 => {
            let seller = ["dormant", "nobody"].choose(rng).expect("a seller");
            lines.push(line("teapot", seller, 1));
            Fate::Cancelled(CancellationCode::SellerDeclined)
        }
        17..18 => {
            lines.clear();
            Fate::Cancelled(CancellationCode::Other)
        }
        _ => Fate::Completed,
    };
    if order.fate == Fate::Completed {
        (order.twist, order.fate) = twist(rng);
    }
    order
}

fn twist(rng: &mut StdRng) -> (Twist, Fate) {
    let requested = CancellationCode::Requested;
    match rng.random_range(0..100) {
        0..4 => (Twist::Repeated, Fate::Completed),
        4..7 => (Twist::Another, Fate::Completed),
        7..9 => (Twist::CancelledBefore, Fate::Cancelled(requested)),
        9..12 => (Twist::CancelledAfter, Fate::Either(requested)),
        12..15 => (Twist::Untraced, Fate::Completed),
        15..18 => (Twist::Bare, Fate::Completed),
        _ => (Twist::Plain, Fate::Completed),
    }
}

fn plain(rng: &mut StdRng) -> Order {
    let order_id = uuid(rng).to_string();
    let lines = (0..rng.random_range(1..=3)).map(|_| {
        let sku = PLENTY.choose(rng).expect("a SKU");
        let seller = SELLERS.choose(rng).expect("a seller");
        line(sku, seller, rng.random_range(1..=3))
    });
    let placed = OrderPlaced {
        order_id: order_id.parse().expect("an id"),
        currency: "EUR".to_owned(),
        lines: lines.collect(),
        ship_to: address(COUNTRIES.choose(rng).expect("a country")),
    };
    let traceparent =
        format!("00-{:032x}-{:016x}-01", rng.random::<u128>(), rng.random::<u64>() | 1);
    Order {
        placed,
        id: EventId(uuid(rng)),
        fate: Fate::Completed,
        twist: Twist::Plain,
        traceparent,
    }
}

fn uuid(rng: &mut StdRng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid()
}

/// Pieces of one SKU from one seller.
///
/// # Panics
/// One of these is not allowed.
#[must_use]
pub fn line(sku: &str, seller: &str, pieces: i64) -> OrderLine {
    OrderLine {
        sku: sku.parse().expect("a SKU"),
        seller_id: seller.parse().expect("a seller"),
        quantity: Quantity::new(pieces).expect("a quantity"),
        unit_price: MinorUnits::new(1_250).expect("a price"),
        unit_weight: Grams::new(400).expect("a weight"),
    }
}

fn address(country: &str) -> Address {
    let text = |text: &str| text.to_owned();
    Address {
        name: text("Ada Lovelace"),
        street: text("Main Street 1"),
        postal_code: text("1000"),
        city: text("Town"),
        country: text(country),
    }
}
