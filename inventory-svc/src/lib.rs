//! inventory-svc: reserves stock for each order, all of its lines or none, and releases it when the
//! order is cancelled.
//!
//! | hears | answers |
//! |---|---|
//! | OrderPlaced | StockReserved, or StockRejected with what is short |
//! | OrderCancelled | StockReleased, if stock was reserved |
//! | StockReceived | nothing; stock grows |

// A new variant must break the build where it matters, and in a service it always does.
#![warn(clippy::wildcard_enum_match_arm)]

use std::path::PathBuf;

use choreography::db::{DbResult, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service};
use shared_events::amounts::Timestamp;
use shared_events::deliveries::StockReceived;
use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::orders::{OrderCancelled, OrderPlaced};

pub mod react;

pub mod state;

pub mod opening;

pub mod store;

use opening::Opening;
use state::Stock;

choreography::events! {
    /// What inventory-svc decides about.
    pub enum Hears { OrderPlaced, OrderCancelled, StockReceived }
}

choreography::events! {
    /// What inventory-svc says.
    pub enum Says { StockReserved, StockRejected, StockReleased }
}

/// What inventory-svc hears and says, as data.
pub fn manifest() -> Manifest {
    Manifest::new("inventory-svc", 1)
        .hears::<OrderPlaced>(Answers::Always)
        .hears::<OrderCancelled>(Answers::Sometimes)
        .hears::<StockReceived>(Answers::Never)
        .says::<StockReserved>()
        .says::<StockRejected>()
        .says::<StockReleased>()
}

/// What can be configured of inventory-svc.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The opening stock, instead of the one that is built in
    #[arg(long, env = "INVENTORY_STOCK_FILE", value_name = "PATH")]
    pub stock_file: Option<PathBuf>,
}

/// The service.
pub struct Inventory {
    opening: Opening,
}

impl Inventory {
    /// Reads the opening stock.
    ///
    /// # Errors
    /// The file cannot be read, or which line of it is wrong and what would be right.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        Ok(Self { opening: Opening::read(options.stock_file.as_deref())? })
    }
}

impl Service for Inventory {
    type Hears = Hears;
    type Says = Says;
    type State = Stock;

    fn manifest(&self) -> Manifest {
        manifest()
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = include_str!("../migrations/1000_stock.sql");
        vec![Migration { version: 1000, name: "stock", sql }]
    }

    async fn prepare(&self, db: &mut Transaction) -> DbResult<()> {
        store::open(db, &self.opening).await
    }

    async fn load(&self, db: &mut Transaction, heard: &[Heard<Hears>]) -> DbResult<Stock> {
        store::load(db, heard).await
    }

    fn react(&self, stock: &mut Stock, heard: &Heard<Hears>, now: Timestamp) -> Vec<Said<Says>> {
        react::react(stock, heard, now)
    }

    async fn save(&self, db: &mut Transaction, stock: Stock) -> DbResult<()> {
        store::save(db, &stock).await
    }
}
