//! What inventory-svc knows: the pieces of each SKU and its last word on each order.

use std::collections::BTreeMap;

use shared_events::ids::{OrderId, Sku};

use crate::opening::Opening;

/// The stock: in the service what the decisions about one batch can touch, in a test all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// The pieces of each SKU that is known.
    pub skus: BTreeMap<Sku, Pieces>,
    /// The last word on each order that was heard of.
    pub orders: BTreeMap<OrderId, LastWord>,
    stored: Stored,
}

/// The pieces of one SKU. What was opened with and received is available or reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pieces {
    /// How many there were when the SKU was added to the table.
    pub initial: i64,
    /// How many came since.
    pub received: i64,
    /// How many an order can have now; never less than 0.
    pub available: i64,
}

/// What was last decided about an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LastWord {
    /// It was cancelled before it was heard: OrderPlaced is still to be answered.
    CancelledUnheard,
    /// Nothing is reserved for it, and nothing will be.
    Rejected,
    /// These pieces are reserved for it.
    Reserved(BTreeMap<Sku, i64>),
    /// What was reserved for it is available again.
    Released,
}

/// A copy of what the database holds. It is not a part of the state: two states with the same
/// content are equal, however they came to be.
#[derive(Clone, Debug, Default)]
struct Stored {
    skus: BTreeMap<Sku, Pieces>,
    orders: BTreeMap<OrderId, LastWord>,
}

impl PartialEq for Stored {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Stored {}

impl Stock {
    /// The stock before the first event.
    #[must_use]
    pub fn opened(opening: &Opening) -> Self {
        let pieces = |(sku, initial): (&Sku, &i64)| (sku.clone(), Pieces::opening(*initial));
        Self { skus: opening.0.iter().map(pieces).collect(), ..Self::default() }
    }

    /// The stock as the database holds it.
    #[must_use]
    pub fn stored(skus: BTreeMap<Sku, Pieces>, orders: BTreeMap<OrderId, LastWord>) -> Self {
        let stored = Stored { skus: skus.clone(), orders: orders.clone() };
        Self { skus, orders, stored }
    }

    /// The SKUs whose pieces are not as the database holds them.
    pub fn changed_skus(&self) -> Vec<Changed<'_, Sku, Pieces>> {
        changed(&self.stored.skus, &self.skus)
    }

    /// The orders on which the last word is not as the database holds it.
    pub fn changed_orders(&self) -> Vec<Changed<'_, OrderId, LastWord>> {
        changed(&self.stored.orders, &self.orders)
    }
}

/// A key, what the database holds of it, if it knows it, and what is true now.
pub type Changed<'a, K, V> = (&'a K, Option<&'a V>, &'a V);

fn changed<'a, K: Ord, V: PartialEq>(
    stored: &'a BTreeMap<K, V>,
    now: &'a BTreeMap<K, V>,
) -> Vec<Changed<'a, K, V>> {
    let rows = now.iter().map(|(key, value)| (key, stored.get(key), value));
    rows.filter(|(_, stored, value)| *stored != Some(*value)).collect()
}

impl Pieces {
    /// The pieces of a SKU that the service starts with.
    #[must_use]
    pub fn opening(initial: i64) -> Self {
        Self { initial, received: 0, available: initial }
    }
}

impl LastWord {
    /// The pieces that are reserved.
    pub fn reserved(&self) -> Option<&BTreeMap<Sku, i64>> {
        match self {
            Self::Reserved(lines) => Some(lines),
            Self::CancelledUnheard | Self::Rejected | Self::Released => None,
        }
    }
}
