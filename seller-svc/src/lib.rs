//! seller-svc: tells each seller of an order, and tells them again when it is cancelled.
//!
//! | hears | answers |
//! |---|---|
//! | OrderPlaced | for each seller in it SellerNotified, or SellerDeclined |
//! | OrderCancelled | SellerCancellationNotified, for each seller that had been notified |
//!
//! An OrderPlaced without lines has no sellers, so it gets no answer from here; inventory-svc,
//! logistics-svc and order-svc refuse it. One with too many lines is declined in the name of its
//! first seller only: that is enough to end it, and bounds what one event can make this say.

// A new variant must break the build where it matters, and in a service it always does.
#![warn(clippy::wildcard_enum_match_arm)]

use std::path::PathBuf;
use std::sync::Arc;

use choreography::db::{DbResult, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service};
use shared_events::amounts::Timestamp;
use shared_events::orders::{OrderCancelled, OrderPlaced};
use shared_events::sellers::{SellerCancellationNotified, SellerDeclined, SellerNotified};

pub mod react;

pub mod state;

pub mod directory;

pub mod store;

use directory::Directory;
use state::Notices;

choreography::events! {
    /// What seller-svc decides about.
    pub enum Hears { OrderPlaced, OrderCancelled }
}

choreography::events! {
    /// What seller-svc says.
    pub enum Says { SellerNotified, SellerDeclined, SellerCancellationNotified }
}

/// What seller-svc hears and says, as data.
pub fn manifest() -> Manifest {
    Manifest::new("seller-svc", 1)
        .hears::<OrderPlaced>(Answers::Each)
        .hears::<OrderCancelled>(Answers::Sometimes)
        .says::<SellerNotified>()
        .says::<SellerDeclined>()
        .says::<SellerCancellationNotified>()
}

/// What can be configured of seller-svc.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The sellers and their standing, instead of those that are built in
    #[arg(long, env = "SELLER_SELLERS_FILE", value_name = "PATH")]
    pub sellers_file: Option<PathBuf>,
}

/// The service.
pub struct Sellers {
    directory: Arc<Directory>,
}

impl Sellers {
    /// Reads the directory of sellers.
    ///
    /// # Errors
    /// The file cannot be read, or which line of it is wrong and what would be right.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let directory = Directory::read(options.sellers_file.as_deref())?;
        Ok(Self { directory: Arc::new(directory) })
    }
}

impl Service for Sellers {
    type Hears = Hears;
    type Says = Says;
    type State = Notices;

    fn manifest(&self) -> Manifest {
        manifest()
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = include_str!("../migrations/1000_notices.sql");
        vec![Migration { version: 1000, name: "notices", sql }]
    }

    async fn load(&self, db: &mut Transaction, heard: &[Heard<Hears>]) -> DbResult<Notices> {
        Ok(Notices::new(Arc::clone(&self.directory), store::load(db, heard).await?))
    }

    fn react(
        &self,
        notices: &mut Notices,
        heard: &Heard<Hears>,
        now: Timestamp,
    ) -> Vec<Said<Says>> {
        react::react(notices, heard, now)
    }

    async fn save(&self, db: &mut Transaction, notices: Notices) -> DbResult<()> {
        store::save(db, &notices).await
    }
}
