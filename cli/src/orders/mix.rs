//! Which orders are placed: most are good, some are refused by design, some are cancelled by who
//! placed them.

use anyhow::Context;
use inventory_svc::opening::Opening;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use shared_events::amounts::{Grams, MinorUnits, Quantity};
use shared_events::ids::{OrderId, Sku};
use shared_events::orders::{Address, OrderLine, OrderPlaced};

/// One kind of order. What the services have built in decides what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing speaks against it.
    Good,
    /// Of a SKU that runs out.
    Scarce,
    UnknownSku,
    NotServed,
    TooHeavy,
    SuspendedSeller,
    UnknownSeller,
    /// Good, and cancelled right after it is placed.
    Cancelled,
}

/// Of twenty orders so many are of each kind. The first ones are such that few orders show as much
/// as they can.
const KINDS: [Kind; 20] = {
    use Kind::*;
    [
        Good,
        UnknownSku,
        Cancelled,
        Good,
        NotServed,
        Good,
        SuspendedSeller,
        Good,
        TooHeavy,
        Good,
        Scarce,
        UnknownSeller,
        Good,
        Good,
        Good,
        Good,
        Good,
        Good,
        Good,
        Good,
    ]
};

const SELLERS: &[&str] = &["acme", "borealis", "copperfield"];
const SUSPENDED_SELLER: &str = "dormant";
const COUNTRIES: &[&str] = &["DE", "DE", "DE", "AT", "FR", "NL", "US"];

/// An order that somebody wants, without its id.
pub(crate) struct Wish {
    lines: Vec<OrderLine>,
    country: &'static str,
    /// Whether its cancellation is asked for right after it is placed.
    pub(crate) is_cancelled: bool,
}

impl Wish {
    /// The order with its id.
    pub(crate) fn order(&self, order_id: OrderId) -> OrderPlaced {
        OrderPlaced {
            order_id,
            currency: "EUR".to_owned(),
            lines: self.lines.clone(),
            ship_to: Address {
                name: "Ada Example".to_owned(),
                street: "Musterstrasse 1".to_owned(),
                postal_code: "04109".to_owned(),
                city: "Example".to_owned(),
                country: self.country.to_owned(),
            },
        }
    }
}

/// The orders, the same ones for the same seed.
///
/// # Errors
/// The data that is built into inventory-svc is not what this needs.
pub(crate) fn wishes(count: u32, seed: u64) -> anyhow::Result<Vec<Wish>> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut kinds: Vec<Kind> = KINDS.into_iter().cycle().take(count as usize).collect();
    let scarce = kinds.iter().filter(|kind| **kind == Kind::Scarce).count();
    kinds.shuffle(&mut chance);
    let goods = Goods::read(i64::try_from(scarce)?)?;
    kinds.into_iter().map(|kind| goods.wish(kind, &mut chance)).collect()
}

/// Orders without an end, in the same mix: of each twenty as many of each kind.
pub(crate) struct Wishes {
    chance: StdRng,
    goods: Goods,
    kinds: Vec<Kind>,
    is_good: bool,
}

impl Wishes {
    /// So that of `count` orders half of those for the scarce SKU are refused. `hot_share` of all
    /// lines is for one SKU; with `is_good` nothing speaks against any order.
    ///
    /// # Errors
    /// See [`wishes`].
    pub(crate) fn new(
        count: u64,
        seed: u64,
        hot_share: f64,
        is_good: bool,
    ) -> anyhow::Result<Self> {
        let scarce = i64::try_from(count / KINDS.len() as u64)?;
        let goods = Goods { hot_share, ..Goods::read(scarce)? };
        Ok(Self { chance: StdRng::seed_from_u64(seed), goods, kinds: vec![], is_good })
    }

    /// The next order.
    ///
    /// # Errors
    /// See [`wishes`].
    pub(crate) fn next(&mut self) -> anyhow::Result<Wish> {
        if self.kinds.is_empty() {
            self.kinds = KINDS.to_vec();
            self.kinds.shuffle(&mut self.chance);
        }
        let kind = self.kinds.pop().filter(|_| !self.is_good).unwrap_or(Kind::Good);
        self.goods.wish(kind, &mut self.chance)
    }
}

/// What can be ordered.
struct Goods {
    skus: Vec<Sku>,
    scarce: Sku,
    /// So many pieces in each order for the scarce SKU that half of them are refused.
    scarce_pieces: i64,
    /// The share of all lines that is for the last of the SKUs, of which there is most.
    hot_share: f64,
}

impl Goods {
    fn read(scarce_orders: i64) -> anyhow::Result<Self> {
        let mut skus: Vec<(Sku, i64)> = Opening::read(None)?.0.into_iter().collect();
        skus.sort_by_key(|(_, pieces)| *pieces);
        let (scarce, pieces) = skus.first().cloned().context("inventory-svc has no stock")?;
        let skus = skus.into_iter().skip(1).map(|(sku, _)| sku).collect();
        let scarce_pieces = (2 * pieces / scarce_orders.max(1)).max(1);
        Ok(Self { skus, scarce, scarce_pieces, hot_share: 0.0 })
    }

    fn wish(&self, kind: Kind, chance: &mut StdRng) -> anyhow::Result<Wish> {
        let count = chance.random_range(1..=3);
        let lines: anyhow::Result<Vec<_>> = (0..count).map(|_| self.line(chance)).collect();
        let mut wish = Wish {
            lines: lines?,
            country: COUNTRIES.choose(chance).copied().unwrap_or_default(),
            is_cancelled: kind == Kind::Cancelled,
        };
        let line = wish.lines.first_mut().context("an order has a line")?;
        match kind {
            Kind::Good | Kind::Cancelled => {}
            Kind::Scarce => {
                line.sku = self.scarce.clone();
                line.quantity = Quantity::new(self.scarce_pieces)?;
                line.unit_weight = Grams::new(50)?;
            }
            Kind::UnknownSku => line.sku = "flying-carpet".parse()?,
            Kind::NotServed => wish.country = "AQ",
            Kind::TooHeavy => line.unit_weight = Grams::new(2_000_000)?,
            Kind::SuspendedSeller => line.seller_id = SUSPENDED_SELLER.parse()?,
            Kind::UnknownSeller => line.seller_id = "nobody".parse()?,
        }
        Ok(wish)
    }

    fn line(&self, chance: &mut StdRng) -> anyhow::Result<OrderLine> {
        let is_hot = 0.0 < self.hot_share && chance.random_bool(self.hot_share);
        let sku = if is_hot { self.skus.last() } else { self.skus.choose(chance) };
        Ok(OrderLine {
            sku: sku.context("inventory-svc has one SKU only")?.clone(),
            seller_id: SELLERS.choose(chance).copied().unwrap_or_default().parse()?,
            quantity: Quantity::new(chance.random_range(1..=3))?,
            unit_price: MinorUnits::new(chance.random_range(500..=9_900))?,
            unit_weight: Grams::new(chance.random_range(100..=2_000))?,
        })
    }
}
